// The heap of timers against a sorted list.
#include "io/timers.h"

#include <deque>
#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace parley::detail {
namespace {

struct Numbered : Timer {
  explicit Numbered(int n) : Timer([](Timer&) noexcept {}), number(n) {}
  int number;
};

// What the heap must do, done slowly.
class Model {
 public:
  void add(Timer& timer, Time due) { all_.emplace(due, &timer); }
  void remove(Timer& timer) {
    for (auto at = all_.begin(); at != all_.end(); ++at) {
      if (at->second == &timer) {
        all_.erase(at);
        return;
      }
    }
  }
  Time next_due() const { return all_.empty() ? never : all_.begin()->first; }
  std::size_t size() const { return all_.size(); }

 private:
  std::multimap<Time, Timer*> all_;
};

RC_GTEST_PROP(Timers, do_what_a_sorted_list_does, ()) {
  Timers timers;
  Model model;
  std::deque<Numbered> all;
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 10), rc::gen::inRange(0, 40)));
  Time now = 0;
  for (const auto& [what, value] : steps) {
    if (what < 5) {
      Numbered& timer = all.emplace_back(static_cast<int>(all.size()));
      timers.add(timer, now + value);
      model.add(timer, now + value);
    } else if (what < 8 && !all.empty()) {
      Numbered& timer = all[static_cast<std::size_t>(value) % all.size()];
      if (timer.pending()) {
        timers.remove(timer);
        model.remove(timer);
        RC_ASSERT(!timer.pending());
        if (value % 2 == 0) {  // and again, at another time
          timers.add(timer, now + 2 * value);
          model.add(timer, now + 2 * value);
        }
      }
    } else {
      now += value;
      while (Timer* timer = timers.take_due(now)) {
        RC_ASSERT(timer->due == model.next_due());
        RC_ASSERT(timer->due <= now);
        RC_ASSERT(!timer->pending());
        model.remove(*timer);
      }
      RC_ASSERT(model.next_due() > now);
    }
    RC_ASSERT(timers.next_due() == model.next_due());
  }
  Time last = 0;
  while (Timer* timer = timers.take_due(never)) {
    RC_ASSERT(timer->due >= last);
    last = timer->due;
    model.remove(*timer);
  }
  RC_ASSERT(model.size() == 0u);
}

TEST(Timers, an_empty_heap_is_never_due) {
  Timers timers;
  EXPECT_EQ(timers.next_due(), never);
  EXPECT_EQ(timers.take_due(never), nullptr);
}

TEST(Timers, many_that_are_removed_in_the_order_they_were_added_use_no_stack) {
  Timers timers;
  std::deque<Numbered> all;
  constexpr int count = 200'000;
  for (int i = 0; i < count; ++i) timers.add(all.emplace_back(i), count - i);
  for (int i = 0; i < count; i += 2) timers.remove(all[static_cast<std::size_t>(i)]);
  Time last = 0;
  int taken = 0;
  while (Timer* timer = timers.take_due(never)) {
    ASSERT_LT(last, timer->due);
    last = timer->due;
    ++taken;
  }
  EXPECT_EQ(taken, count / 2);
}

}  // namespace
}  // namespace parley::detail
