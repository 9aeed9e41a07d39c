// Timers in a pairing heap: starting one is O(1), the next due is O(1), removing one is O(log n) amortised. The nodes
// lie in whatever waits, so nothing is allocated. Equal times fire in no particular order.
#pragma once

#include <parley/detail/context.h>

namespace parley::detail {

class Timers {
 public:
  void add(Timer& timer, Time due) noexcept;
  void remove(Timer& timer) noexcept;
  Time next_due() const noexcept { return root_ ? root_->due : never; }
  // The first timer that is due, taken out; null if there is none.
  Timer* take_due(Time now) noexcept;

 private:
  Timer* root_ = nullptr;
};

}  // namespace parley::detail
