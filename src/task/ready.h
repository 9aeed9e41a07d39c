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
// Whether the frame that is being destroyed now is that of a task that threw: who is destroyed with it may tell a peer.
void set_failing(Core& core, bool failing) noexcept;

}  // namespace parley::detail
