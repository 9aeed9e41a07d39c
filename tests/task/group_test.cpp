// TaskGroup: joining, stopping, exceptions, and destruction from within.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/task.h>

#include "counted.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> count_turns(int turns, int& ended, Counted) {
  for (int i = 0; i < turns; ++i) co_await yield();
  ++ended;
}

TEST(TaskGroup, starts_tasks_later_and_joins_them_all) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  int ended = 0;
  auto main = [](Loop& on, int& count) -> Task<> {
    TaskGroup group(on);
    for (int i = 0; i < 10; ++i) group.spawn(count_turns(i, count, Counted(i)));
    EXPECT_EQ(group.size(), 10u);
    EXPECT_EQ(count, 0);
    EXPECT_TRUE(co_await group.at_most(10));
    EXPECT_EQ(count, 0) << "at_most() waited for nothing";
    EXPECT_TRUE(co_await group.at_most(4));
    EXPECT_LE(group.size(), 4u);
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ(group.size(), 0u);
    EXPECT_TRUE(co_await group.join());  // of none: at once
    group.spawn(count_turns(1, count, Counted(1)));
    EXPECT_TRUE(co_await group.join());
  };
  ASSERT_TRUE(loop.run(main(loop, ended)));
  EXPECT_EQ(ended, 11);
  EXPECT_EQ(Counted::live, 0);
}

Task<> spawn_more(TaskGroup& group, int depth, int& ended) {
  if (depth > 0) {
    group.spawn(spawn_more(group, depth - 1, ended));
    group.spawn(spawn_more(group, depth - 1, ended));
  }
  co_await yield();
  ++ended;
}

TEST(TaskGroup, members_may_spawn_members) {
  Loop loop;
  int ended = 0;
  auto main = [](Loop& on, int& count) -> Task<> {
    TaskGroup group(on);
    group.spawn(spawn_more(group, 6, count));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, ended)));
  EXPECT_EQ(ended, 127);
}

Task<> wait_until_stopped(Errc& outcome) {
  auto slept = co_await sleep_for(1h);
  outcome = slept ? Errc::none : slept.error().code;
}
Task<> join_one(Loop& loop, Errc& inner, bool& joined) {
  TaskGroup group(loop);
  group.spawn(wait_until_stopped(inner));
  auto outcome = co_await group.join();
  joined = outcome.has_value() && group.size() == 0;
}

TEST(TaskGroup, a_join_that_is_stopped_passes_it_on_and_still_joins) {
  Loop loop;
  Errc inner = Errc::none;
  bool joined = false;
  auto main = [](Loop& on, Errc& seen, bool& done) -> Task<> {
    TaskGroup outer(on);
    outer.spawn(join_one(on, seen, done));
    co_await yield();
    co_await yield();
    outer.stop(Stop::receiving);
    co_await yield();
    EXPECT_FALSE(done);
    outer.stop();
    co_await outer.join();
  };
  ASSERT_TRUE(loop.run(main(loop, inner, joined)));
  EXPECT_EQ(inner, Errc::cancelled);
  EXPECT_TRUE(joined);
}

TEST(TaskGroup, a_join_begun_by_a_stopped_task_stops_the_group) {
  Loop loop;
  Errc inner = Errc::none;
  bool joined = false;
  auto main = [](Loop& on, Errc& seen, bool& done) -> Task<> {
    TaskGroup outer(on);
    outer.spawn(join_one(on, seen, done));
    outer.stop();
    co_await outer.join();
  };
  ASSERT_TRUE(loop.run(main(loop, inner, joined)));
  EXPECT_EQ(inner, Errc::cancelled);
  EXPECT_TRUE(joined);
}

Task<> wait_for_room(TaskGroup& group, std::size_t count, Result<void>& outcome) {
  outcome = co_await group.at_most(count);
}

// Even for a count of 0, at_most() ends when it is stopped, and leaves the group alone; only join() stays.
TEST(TaskGroup, at_most_ends_when_it_is_stopped) {
  Loop loop;
  auto main = [](Loop& on, std::size_t count) -> Task<> {
    Errc inner = Errc::none;
    TaskGroup watched(on);
    watched.spawn(wait_until_stopped(inner));
    watched.spawn(wait_until_stopped(inner));
    Result<void> outcome;
    TaskGroup waiters(on);
    waiters.spawn(wait_for_room(watched, count, outcome));
    co_await yield();
    waiters.stop(Stop::receiving);
    co_await waiters.join();
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), Errc::cancelled);
    EXPECT_EQ(watched.size(), 2u);
    watched.stop();
    co_await watched.join();
  };
  ASSERT_TRUE(loop.run(main(loop, 0)));
  ASSERT_TRUE(loop.run(main(loop, 1)));
}

Task<> fail_after(int turns, const char* why) {
  for (int i = 0; i < turns; ++i) co_await yield();
  throw std::runtime_error(why);
}

TEST(TaskGroup, the_first_exception_stops_the_others_and_comes_out_of_join) {
  Loop loop;
  Errc inner = Errc::none;
  std::string what;
  auto main = [](Loop& on, Errc& seen, std::string& caught) -> Task<> {
    TaskGroup group(on);
    group.spawn(wait_until_stopped(seen));
    group.spawn(fail_after(2, "first"));
    group.spawn(fail_after(3, "second"));
    try {
      (void)co_await group.join();
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    EXPECT_EQ(group.size(), 0u);
    (void)co_await group.join();  // it is thrown once
  };
  ASSERT_TRUE(loop.run(main(loop, inner, what)));
  EXPECT_EQ(inner, Errc::cancelled);
  EXPECT_EQ(what, "first");
}

TEST(TaskGroup, an_exception_before_the_join_is_kept_for_it) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    TaskGroup group(on);
    group.spawn(fail_after(0, "early"));
    for (int i = 0; i < 3; ++i) co_await yield();
    EXPECT_EQ(group.size(), 0u);
    (void)co_await group.join();
  };
  EXPECT_THROW((void)loop.run(main(loop)), std::runtime_error);
}

TEST(TaskGroup, spawning_into_a_stopped_group_starts_a_stopped_task) {
  Loop loop;
  Errc inner = Errc::none;
  auto main = [](Loop& on, Errc& seen) -> Task<> {
    TaskGroup group(on);
    group.stop();
    group.spawn(wait_until_stopped(seen));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, inner)));
  EXPECT_EQ(inner, Errc::cancelled);
}

// The last task's end resumes the joiner, which destroys the group: nothing may look at it afterwards.
TEST(TaskGroup, may_be_destroyed_as_soon_as_it_is_joined) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      std::optional<TaskGroup> group(std::in_place, on);
      int ended = 0;
      group->spawn(count_turns(i % 3, ended, Counted(1)));
      co_await group->join();
      group.reset();
      EXPECT_EQ(ended, 1);
    }
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

// Destroying a task's arguments may do anything, also stop the group and spawn into it.
struct SpawnsAtTheEnd {
  SpawnsAtTheEnd(TaskGroup& into, int& count) : group(&into), ended(&count) {}
  SpawnsAtTheEnd(SpawnsAtTheEnd&& other) noexcept : group(std::exchange(other.group, nullptr)), ended(other.ended) {}
  ~SpawnsAtTheEnd() {
    if (!group) return;
    group->spawn(count_turns(1, *ended, Counted(1)));
    group->stop(Stop::receiving);
  }
  TaskGroup* group;
  int* ended;
};
Task<> hold(SpawnsAtTheEnd) { co_await yield(); }

TEST(TaskGroup, arguments_that_spawn_when_they_are_destroyed) {
  Loop loop;
  int ended = 0;
  auto main = [](Loop& on, int& count) -> Task<> {
    TaskGroup group(on);
    group.spawn(hold(SpawnsAtTheEnd(group, count)));
    group.spawn(hold(SpawnsAtTheEnd(group, count)));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, ended)));
  EXPECT_EQ(ended, 2);
}

TEST(TaskGroupDeathTest, must_be_empty_when_it_is_destroyed) {
  auto leave = [] {
    Loop loop;
    TaskGroup group(loop);
    int ended = 0;
    group.spawn(count_turns(1, ended, Counted(1)));
  };
  EXPECT_DEATH(leave(), "a TaskGroup was destroyed before its tasks ended");
}

}  // namespace
}  // namespace parley
