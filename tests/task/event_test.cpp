#include <parley/event.h>

#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/task.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> wait_once(Event& event, std::vector<Result<void>>& outcomes) { outcomes.push_back(co_await event.wait()); }

TEST(Event, ASetEndsThePresentWait) {
  Loop loop;
  Event event;
  std::vector<Result<void>> outcomes;
  auto main = [](Loop& on, Event& bell, std::vector<Result<void>>& seen) -> Task<> {
    TaskGroup group(on);
    group.spawn(wait_once(bell, seen));
    co_await yield();
    EXPECT_TRUE(seen.empty());
    bell.set();
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, event, outcomes)));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_TRUE(outcomes[0]);
}

TEST(Event, ASetBeforeTheWaitIsRememberedOnce) {
  Loop loop;
  Event event;
  event.set();
  event.set();
  auto main = [](Event& bell) -> Task<> {
    auto first = co_await bell.wait();
    EXPECT_TRUE(first);
    auto second = co_await within(1ms, bell.wait());
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error(), Errc::timed_out);
  };
  ASSERT_TRUE(loop.run(main(event)));
}

TEST(Event, StoppingEndsTheWaitAndTheNextSetIsKept) {
  Loop loop;
  Event event;
  std::vector<Result<void>> outcomes;
  auto main = [](Loop& on, Event& bell, std::vector<Result<void>>& seen) -> Task<> {
    TaskGroup group(on);
    group.spawn(wait_once(bell, seen));
    co_await yield();
    group.stop(Stop::receiving);
    bell.set();
    co_await group.join();
    auto kept = co_await bell.wait();
    EXPECT_TRUE(kept);
  };
  ASSERT_TRUE(loop.run(main(loop, event, outcomes)));
  ASSERT_EQ(outcomes.size(), 1u);
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error(), Errc::cancelled);
}

TEST(Event, ASecondWaitIsRefused) {
  Loop loop;
  Event event;
  std::vector<Result<void>> outcomes;
  auto main = [](Loop& on, Event& bell, std::vector<Result<void>>& seen) -> Task<> {
    TaskGroup group(on);
    group.spawn(wait_once(bell, seen));
    co_await yield();
    auto second = co_await bell.wait();
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error(), Errc::already);
    bell.set();
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, event, outcomes)));
  EXPECT_EQ(outcomes.size(), 1u);
}

TEST(Event, AnotherThreadSetsItByPost) {
  Loop loop;
  Event event;
  std::jthread ringer([&] { loop.post([&] { event.set(); }); });
  auto main = [](Event& bell) -> Task<Result<void>> { co_return co_await bell.wait(); };
  EXPECT_TRUE(loop.run(main(event)));
}

}  // namespace
}  // namespace parley
