// A hub of several loops, each in its thread, and threads that have no loop.
#include <parley/hub.h>

#include <gtest/gtest.h>

#include <charconv>
#include <latch>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <parley/threads.h>
#include "results.h"
#include "ws/raw_peer.h"

namespace parley {
namespace {

using ws::testing::Pair;

constexpr unsigned loops = 3;
constexpr unsigned others = 2;
constexpr int messages_each = 2'000;

struct Shared {
  Hub& hub;
  std::latch subscribed{loops + others};
};

// "2:17" is the message 17 of the speaker 2.
void note(std::string_view text, std::map<int, int>& heard) {
  int speaker = 0;
  int number = 0;
  const auto colon = text.find(':');
  std::from_chars(text.data(), text.data() + colon, speaker);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), number);
  EXPECT_EQ(number, heard[speaker]++) << "of speaker " << speaker;
}

Task<> hear(Pair& pair, std::size_t count, std::map<int, int>& heard) {
  for (std::size_t i = 0; i < count; ++i) {
    auto frame = co_await pair.frame();
    EXPECT_TRUE(frame);
    if (!frame) co_return;
    note(frame->payload, heard);
  }
}

Task<> speak(Subscriber& here, unsigned index) {
  for (int i = 0; i < messages_each; ++i) {
    EXPECT_TRUE(succeeded(here.publish("topic", std::to_string(index) + ":" + std::to_string(i))));
    if (i % 10 == 0) co_await yield();
  }
}

Task<Result<void>> work(Loop& loop, unsigned index, Shared& shared) {
  std::map<int, int> heard;
  {
    Pair pair(loop, ws::Role::server);
    Subscriber here(shared.hub, pair.session);
    EXPECT_TRUE(succeeded(here.subscribe("topic")));
    shared.subscribed.arrive_and_wait();
    TaskGroup group(loop);
    group.spawn(hear(pair, (loops + others - 1) * messages_each, heard));
    group.spawn(speak(here, index));
    co_await group.join();
    pair.peer.close();
  }
  EXPECT_EQ(heard.size(), loops + others - 1);
  EXPECT_FALSE(heard.contains(static_cast<int>(index)));
  co_return {};
}

TEST(HubThreads, every_subscriber_of_every_loop_gets_all_that_others_publish_in_their_order) {
  Threads threads(loops);
  Hub hub(threads, {.inbox_bytes_max = SIZE_MAX});
  Shared shared{hub};
  std::vector<std::jthread> publishers;
  for (unsigned i = 0; i < others; ++i) {
    publishers.emplace_back([&shared, i] {
      shared.subscribed.arrive_and_wait();
      for (int k = 0; k < messages_each; ++k) {
        EXPECT_TRUE(succeeded(shared.hub.publish("topic", std::to_string(loops + i) + ":" + std::to_string(k))));
      }
    });
  }
  EXPECT_TRUE(succeeded(threads.run(work, shared)));
}

struct Leaving {
  std::unique_ptr<Hub> hub;
  std::latch left{1};
};

Task<Result<void>> leave_and_destroy(Loop& loop, unsigned index, Leaving& shared) {
  if (index == 0) {
    shared.left.wait();
    shared.hub.reset();
    co_return {};
  }
  Pair pair(loop, ws::Role::server);
  {
    Subscriber here(*shared.hub, pair.session);
    EXPECT_TRUE(succeeded(here.subscribe("topic")));
    EXPECT_TRUE(succeeded(shared.hub->publish("topic", "good bye")));
  }
  shared.left.count_down();
  for (int i = 0; i < 10; ++i) co_await yield();
  pair.session = {};
  pair.peer.close();
  co_return {};
}

TEST(HubThreads, a_hub_without_subscribers_may_be_destroyed_while_its_loops_run) {
  for (int i = 0; i < 20; ++i) {
    Threads threads(2);
    Leaving shared{std::make_unique<Hub>(threads)};
    EXPECT_TRUE(succeeded(threads.run(leave_and_destroy, shared)));
  }
}

}  // namespace
}  // namespace parley
