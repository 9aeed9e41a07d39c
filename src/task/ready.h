// What tasks need of the loop, without knowing it: io/core.cpp has the bodies.
#pragma once

#include <parley/detail/context.h>

namespace parley {
class Loop;
}

namespace parley::detail {

Core& core_of(Loop& loop) noexcept;
// Lets the loop resume this task soon.
void enqueue(Core& core, Context& context) noexcept;

}  // namespace parley::detail
