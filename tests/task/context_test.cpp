// Context: stop levels, and that a task waits for one thing at a time.
#include <parley/detail/context.h>

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/task.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

struct Seen {
  std::vector<Errc> outcomes;
  void add(const Result<void>& outcome) { outcomes.push_back(outcome ? Errc::none : outcome.error().code); }
};

Task<> wait_for_both(Event& event, Seen& seen) {
  seen.add(co_await event.wait());
  seen.add(co_await sleep_for(0s));
  seen.add(co_await event.wait());
}

Task<> stop_in_steps(Loop& loop, Seen& seen) {
  Event event;
  TaskGroup group(loop);
  group.spawn(wait_for_both(event, seen));
  co_await yield();
  group.stop(Stop::receiving);
  group.stop(Stop::none);  // never back down
  co_await group.join();
}

TEST(Context, stop_receiving_ends_waits_for_input_and_no_others) {
  Loop loop;
  Seen seen;
  ASSERT_TRUE(loop.run(stop_in_steps(loop, seen)));
  EXPECT_EQ(seen.outcomes, (std::vector{Errc::cancelled, Errc::none, Errc::cancelled}));
}

Task<> sleep_long(Seen& seen) {
  seen.add(co_await sleep_for(1h));
  seen.add(co_await sleep_for(1h));
}

Task<> stop_sleepers(Loop& loop, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(sleep_long(seen));
  co_await yield();
  group.stop(Stop::receiving);  // a sleep is no wait for input
  co_await yield();
  EXPECT_TRUE(seen.outcomes.empty());
  group.stop(Stop::all);
  group.stop(Stop::all);
  EXPECT_TRUE(seen.outcomes.empty()) << "a task ran inside stop()";
  co_await group.join();
}

TEST(Context, stop_all_ends_the_present_wait_and_each_later_one) {
  Loop loop;
  Seen seen;
  ASSERT_TRUE(loop.run(stop_sleepers(loop, seen)));
  EXPECT_EQ(seen.outcomes, (std::vector{Errc::cancelled, Errc::cancelled}));
}

Task<> stop_before_start(Loop& loop, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(sleep_long(seen));
  group.stop(Stop::all);
  co_await group.join();
}

TEST(Context, a_task_stopped_before_it_started_runs_and_waits_for_nothing) {
  Loop loop;
  Seen seen;
  ASSERT_TRUE(loop.run(stop_before_start(loop, seen)));
  EXPECT_EQ(seen.outcomes, (std::vector{Errc::cancelled, Errc::cancelled}));
}

Task<> wait_once(Event& event, Seen& seen) { seen.add(co_await event.wait()); }

// What is over is over: a stop between the end of a wait and the task's turn does not change how the wait ended.
Task<> stop_what_is_ready(Loop& loop, Seen& seen) {
  Event event;
  TaskGroup group(loop);
  group.spawn(wait_once(event, seen));
  co_await yield();
  event.set();
  group.stop(Stop::all);
  co_await group.join();
}

TEST(Context, a_stop_that_comes_after_the_event_changes_nothing) {
  Loop loop;
  Seen seen;
  ASSERT_TRUE(loop.run(stop_what_is_ready(loop, seen)));
  EXPECT_EQ(seen.outcomes, (std::vector{Errc::none}));
}

Task<Result<void>> stop_itself(Loop& loop) {
  loop.stop();
  co_return co_await sleep_for(1h);
}

TEST(Context, a_running_task_that_is_stopped_learns_of_it_at_its_next_wait) {
  Loop loop;
  auto outcome = loop.run(stop_itself(loop));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), Errc::cancelled);
}

TEST(Context, one_of_a_spawned_task_is_as_small_as_the_idle_connection_allows) {
  EXPECT_LE(sizeof(detail::Context), 32u);
}

}  // namespace
}  // namespace parley
