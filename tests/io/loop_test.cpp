// Loop: running, stopping, failing, running again.
#include <parley/loop.h>

#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/task.h>
#include "io/uring.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> nothing() { co_return; }
Task<int> seven() { co_return 7; }
Task<Result<std::string>> text_or(bool good) {
  if (!good) co_return fail(Errc::not_found);
  co_return "text";
}

TEST(Loop, gives_what_the_task_gives) {
  Loop loop;
  EXPECT_TRUE(loop.run(nothing()));
  EXPECT_EQ(loop.run(seven()), 7);
  EXPECT_EQ(loop.run(text_or(true)), "text");
  auto failed = loop.run(text_or(false));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), Errc::not_found);
}

// Where this kernel or build has none, epoll takes its place; make_uring() says which of the two is expected here.
TEST(Loop, uses_io_uring_where_it_may_and_else_epoll) {
  Loop loop({.io_uring = true});
  EXPECT_EQ(loop.driver(), detail::make_uring() ? "io_uring" : "epoll");
  EXPECT_EQ(loop.run(seven()), 7);
  EXPECT_EQ(Loop().driver(), "epoll");
}

Task<> fails() {
  co_await yield();
  throw std::runtime_error("main");
}

TEST(Loop, throws_what_the_task_throws_and_runs_again) {
  Loop loop;
  EXPECT_THROW((void)loop.run(fails()), std::runtime_error);
  EXPECT_EQ(loop.run(seven()), 7);
}

Task<> fails_at_once() {
  throw std::logic_error("another");
  co_return;
}
Task<> throw_and_catch() {
  try {
    co_await fails_at_once();
  } catch (const std::logic_error&) {
  }
}
Task<> wait_and_throw(Event& event) {
  (void)co_await event.wait();
  throw std::runtime_error("main");
}
Task<> ring_and_spawn(Event& event, TaskGroup& group) {
  co_await yield();  // until the other one waits
  event.set();
  group.spawn(throw_and_catch());
}

// Other tasks may throw between the end of the main task and the return of run().
TEST(Loop, what_the_main_task_threw_is_not_lost_by_others_that_throw) {
  Loop loop;
  TaskGroup group(loop);
  Event event;
  group.spawn(ring_and_spawn(event, group));
  EXPECT_THROW((void)loop.run(wait_and_throw(event)), std::runtime_error);
  auto main = [](TaskGroup& others) -> Task<> { co_await others.join(); };
  EXPECT_TRUE(loop.run(main(group)));
}

Task<Result<void>> sleep_long() { co_return co_await sleep_for(1h); }

TEST(Loop, is_stopped_from_a_post_and_can_run_again) {
  Loop loop;
  loop.stop();  // nothing runs: nothing happens
  for (int i = 0; i < 3; ++i) {
    loop.post([&] { loop.stop(); });
    auto outcome = loop.run(sleep_long());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), Errc::cancelled);
  }
}

TEST(Loop, posts_run_in_their_order_also_those_made_before_run) {
  Loop loop;
  std::string text;
  loop.post([&] { text += 'a'; });
  loop.post([&] {
    text += 'b';
    loop.post([&] { text += 'd'; });
  });
  loop.post([&] { text += 'c'; });
  auto main = [](std::string& out) -> Task<> {
    while (out.size() < 4) co_await yield();
  };
  ASSERT_TRUE(loop.run(main(text)));
  EXPECT_EQ(text, "abcd");
}

TEST(Loop, a_post_that_never_ran_is_dropped_with_the_loop) {
  auto owned = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([owned] { ++*owned; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(*owned, 1);
}

TEST(Loop, its_clock_goes_forward) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    const auto before = on.now();
    co_await sleep_for(3ms);
    EXPECT_GE(on.now() - before, 3ms);
  };
  ASSERT_TRUE(loop.run(main(loop)));
  EXPECT_EQ(loop.driver(), "epoll");
}

TEST(Loop, may_sleep_for_less_than_a_millisecond) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    auto shortest = std::chrono::nanoseconds::max();
    for (int i = 0; i < 100; ++i) {
      const auto before = on.now();
      co_await sleep_for(100us);
      EXPECT_GE(on.now() - before, 100us);
      shortest = std::min(shortest, on.now() - before);
    }
    EXPECT_LT(shortest, 900us);
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(Loop, without_descriptors_run_says_so_and_so_does_it_again) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Loop loop;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < 2; ++i) {
    auto outcome = loop.run(seven());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), Errc::descriptors_exhausted);
  }
  EXPECT_EQ(loop.driver(), "none");
  loop.stop();
  loop.post([] {});
}

Task<> run_inside(Loop& loop) {
  (void)loop.run(seven());
  co_return;
}

TEST(LoopDeathTest, cannot_run_inside_itself) {
  Loop loop;
  EXPECT_DEATH((void)loop.run(run_inside(loop)), "called from inside a task");
}

TEST(LoopDeathTest, a_post_must_not_throw) {
  auto run = [] {
    Loop loop;
    loop.post([] { throw std::runtime_error("posted"); });
    (void)loop.run(sleep_long());
  };
  EXPECT_DEATH(run(), "");
}

}  // namespace
}  // namespace parley
