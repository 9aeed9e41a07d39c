// post() from other threads.
#include <parley/loop.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/task.h>

namespace parley {
namespace {

Task<> wait_until(Event& changed, const int& value, int wanted) {
  while (value < wanted) co_await changed.wait();
}

TEST(LoopThreads, every_post_of_every_thread_runs_once_and_in_that_threads_order) {
  constexpr int threads_count = 4;
  constexpr int posts = 2000;
  Loop loop;
  Event changed;
  int run = 0;
  std::vector<int> last(threads_count, -1);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < threads_count; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < posts; ++i) {
        loop.post([&, thread, i] {
          EXPECT_EQ(last[static_cast<std::size_t>(thread)], i - 1);
          last[static_cast<std::size_t>(thread)] = i;
          ++run;
          changed.set();
        });
      }
    });
  }
  ASSERT_TRUE(loop.run(wait_until(changed, run, threads_count * posts)));
  EXPECT_EQ(run, threads_count * posts);
}

// One post at a time, each into a loop that sleeps in the kernel: a lost wake-up would hang this.
TEST(LoopThreads, wakes_a_loop_that_waits_for_nothing_else) {
  Loop loop;
  Event changed;
  int seen = 0;
  std::atomic<int> acknowledged = 0;
  std::jthread poster([&] {
    for (int i = 1; i <= 2000; ++i) {
      loop.post([&] {
        ++seen;
        changed.set();
        acknowledged.store(seen, std::memory_order_release);
        acknowledged.notify_one();
      });
      for (int now = acknowledged.load(); now < i; now = acknowledged.load()) acknowledged.wait(now);
    }
  });
  ASSERT_TRUE(loop.run(wait_until(changed, seen, 2000)));
}

// The posted function may be what ends the loop, which is then destroyed at once; the call that posted it may not have
// returned yet.
TEST(LoopThreads, may_be_destroyed_when_the_last_post_has_run) {
  for (int round = 0; round < 100; ++round) {
    std::optional<Loop> loop(std::in_place);
    auto main = [](Loop& on, std::jthread& poster) -> Task<> {
      Event done;
      poster = std::jthread([&on, &done] { on.post([&done] { done.set(); }); });
      co_await done.wait();
    };
    std::jthread poster;
    ASSERT_TRUE(loop->run(main(*loop, poster)));
    loop.reset();
  }
}

TEST(LoopThreads, stop_reaches_a_loop_by_post) {
  Loop loop;
  std::jthread stopper([&] { loop.post([&] { loop.stop(); }); });
  auto main = []() -> Task<Result<void>> { co_return co_await sleep_for(std::chrono::hours(1)); };
  auto outcome = loop.run(main());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), Errc::cancelled);
}

}  // namespace
}  // namespace parley
