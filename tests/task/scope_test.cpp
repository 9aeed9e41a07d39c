// within(): a limit of time for an operation, and for a whole task in a scope of its own.
#include <chrono>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/task.h>

#include "counted.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Errc code(const Result<void>& outcome) { return outcome ? Errc::none : outcome.error().code; }

Task<Result<int>> sleep_and_return(std::chrono::nanoseconds time, int value) {
  auto slept = co_await sleep_for(time);
  if (!slept) co_return std::unexpected(slept.error());
  co_return value;
}

TEST(Within, an_operation_that_is_done_in_time_is_not_limited) {
  Loop loop;
  auto main = [](Loop&) -> Task<> {
    Event event;
    event.set();
    EXPECT_EQ(code(co_await within(1h, event.wait())), Errc::none);
    EXPECT_EQ(code(co_await within(1h, sleep_for(0s))), Errc::none);
    auto seven = co_await within(1h, sleep_and_return(0s, 7));
    EXPECT_EQ(seven, 7);
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(Within, an_operation_that_is_late_is_timed_out_and_the_task_goes_on) {
  Loop loop;
  auto main = [](Loop&) -> Task<> {
    Event event;
    EXPECT_EQ(code(co_await within(0s, event.wait())), Errc::timed_out);
    EXPECT_EQ(code(co_await within(-1s, event.wait())), Errc::timed_out);
    EXPECT_EQ(code(co_await within(1ms, sleep_for(1h))), Errc::timed_out);
    EXPECT_EQ(code(co_await sleep_for(0s)), Errc::none);
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

Task<Result<int>> waits_thrice(Event& event, std::vector<Errc>& seen, Counted) {
  for (int i = 0; i < 3; ++i) seen.push_back(code(co_await event.wait()));
  co_return 42;
}

TEST(Within, a_task_that_is_late_ends_by_itself_and_its_result_is_the_result) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  std::vector<Errc> seen;
  auto main = [](std::vector<Errc>& outcomes) -> Task<> {
    Event event;
    auto result = co_await within(1ms, waits_thrice(event, outcomes, Counted(1)));
    EXPECT_EQ(result, 42);
    EXPECT_EQ(Counted::live, 0);
    EXPECT_EQ(code(co_await sleep_for(0s)), Errc::none) << "the time was the inner task's alone";
  };
  ASSERT_TRUE(loop.run(main(seen)));
  EXPECT_EQ(seen, (std::vector{Errc::timed_out, Errc::timed_out, Errc::timed_out}));
}

Task<> ring(Event& event) {
  event.set();
  co_return;
}
Task<> wait_limited(Event& event, std::vector<Errc>& seen) { seen.push_back(code(co_await within(0s, event.wait()))); }
Task<> wait_in_limited_task(Event& event, std::vector<Errc>& seen) {
  auto result = co_await within(0s, waits_thrice(event, seen, Counted(1)));
  EXPECT_EQ(result, 42);
}

// Both tasks run in one turn; the time is over before the first one runs again.
TEST(Within, an_event_that_came_before_the_end_of_the_time_is_the_outcome) {
  Loop loop;
  std::vector<Errc> operation;
  std::vector<Errc> task;
  auto main = [](Loop& on, std::vector<Errc>& first, std::vector<Errc>& second) -> Task<> {
    Event event;
    TaskGroup group(on);
    group.spawn(wait_limited(event, first));
    group.spawn(ring(event));
    co_await group.join();
    group.spawn(wait_in_limited_task(event, second));
    group.spawn(ring(event));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, operation, task)));
  EXPECT_EQ(operation, (std::vector{Errc::none}));
  EXPECT_EQ(task, (std::vector{Errc::none, Errc::timed_out, Errc::timed_out}));
}

TEST(Within, an_event_that_came_after_the_end_of_the_time_is_kept) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    Event event;
    TaskGroup group(on);
    group.spawn(ring(event));  // its turn comes after the timers'
    EXPECT_EQ(code(co_await within(0s, event.wait())), Errc::timed_out);
    EXPECT_EQ(code(co_await within(1h, event.wait())), Errc::none);
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

Task<Result<int>> limit_inside(std::chrono::nanoseconds time, std::vector<Errc>& seen) {
  seen.push_back(code(co_await within(time, sleep_for(1h))));
  auto inner = co_await within(time, sleep_and_return(1h, 1));
  seen.push_back(inner ? Errc::none : inner.error().code);
  seen.push_back(code(co_await sleep_for(0s)));
  co_return 5;
}

TEST(Within, limits_may_be_nested_and_the_shorter_one_counts) {
  Loop loop;
  std::vector<Errc> short_inside;
  std::vector<Errc> short_outside;
  auto main = [](std::vector<Errc>& first, std::vector<Errc>& second) -> Task<> {
    auto one = co_await within(1h, limit_inside(1ms, first));
    EXPECT_EQ(one, 5);
    auto two = co_await within(1ms, limit_inside(1h, second));
    EXPECT_EQ(two, 5);
    auto three = co_await within(1h, within(1h, within(1ms, sleep_and_return(1h, 9))));
    EXPECT_FALSE(three);
    EXPECT_EQ(three.error(), Errc::timed_out);
  };
  ASSERT_TRUE(loop.run(main(short_inside, short_outside)));
  EXPECT_EQ(short_inside, (std::vector{Errc::timed_out, Errc::timed_out, Errc::none}));
  EXPECT_EQ(short_outside, (std::vector{Errc::timed_out, Errc::timed_out, Errc::timed_out}));
}

Task<> limited(std::vector<Errc>& seen) {
  auto result = co_await within(1h, sleep_and_return(1h, 1));
  seen.push_back(result ? Errc::none : result.error().code);
  seen.push_back(code(co_await within(1h, sleep_for(1h))));
}

TEST(Within, a_stop_goes_through_to_what_is_limited) {
  Loop loop;
  std::vector<Errc> running;
  std::vector<Errc> not_begun;
  auto main = [](Loop& on, std::vector<Errc>& first, std::vector<Errc>& second) -> Task<> {
    TaskGroup group(on);
    group.spawn(limited(first));
    co_await yield();
    group.spawn(limited(second));
    group.stop();
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, running, not_begun)));
  EXPECT_EQ(running, (std::vector{Errc::cancelled, Errc::cancelled}));
  EXPECT_EQ(not_begun, (std::vector{Errc::cancelled, Errc::cancelled}));
}

Task<Result<int>> throws_after(std::chrono::nanoseconds time, Counted) {
  co_await sleep_for(time);
  throw std::runtime_error("inside");
}

TEST(Within, exceptions_pass_and_leave_no_timer_behind) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  auto main = []() -> Task<int> {
    int caught = 0;
    for (int i = 0; i < 5; ++i) {
      try {
        (void)co_await within(1ms * (i % 2), throws_after(0s, Counted(1)));
      } catch (const std::runtime_error&) {
        ++caught;
      }
    }
    co_await sleep_for(2ms);  // a timer left behind would fire now
    co_return caught;
  };
  EXPECT_EQ(loop.run(main()), 5);
  EXPECT_EQ(Counted::live, 0);
}

TEST(Within, a_join_under_a_limit_stops_the_group_and_joins_it) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    std::vector<Errc> seen;
    TaskGroup group(on);
    group.spawn(limited(seen));
    EXPECT_EQ(code(co_await within(1ms, group.join())), Errc::none);
    EXPECT_EQ(seen.size(), 2u);
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(Within, never_overflows) {
  Loop loop;
  auto main = [](Loop&) -> Task<> {
    Event event;
    event.set();
    EXPECT_EQ(code(co_await within(std::chrono::nanoseconds::max(), sleep_for(0s))), Errc::none);
    EXPECT_EQ(code(co_await within(1ms, sleep_for(std::chrono::nanoseconds::max()))), Errc::timed_out);
    EXPECT_EQ(code(co_await sleep_for(std::chrono::nanoseconds::min())), Errc::none);
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

}  // namespace
}  // namespace parley
