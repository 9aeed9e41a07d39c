#include <parley/hub.h>

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <parley/threads.h>
#include "base/random.h"
#include "results.h"
#include "ws/raw_peer.h"

namespace parley {
namespace {

using ws::testing::Pair;
using Texts = std::vector<std::string>;

struct Hubs : ::testing::Test {
  Pair& make(const ws::Limits& limits = {}) { return pairs.emplace_back(loop, ws::Role::server, limits); }
  ~Hubs() override {
    for (Pair& pair : pairs) pair.session = {};
    for (Pair& pair : pairs) pair.peer.close();
  }

  void publish(std::string_view topic, const ws::Message& message) {
    auto task = [](Hub& to, std::string_view name, const ws::Message& text) -> Task<> {
      EXPECT_TRUE(succeeded(to.publish(name, text)));
      co_return;
    };
    loop.run(task(hub, topic, message));
    for (Pair& pair : pairs) EXPECT_EQ(pair.session.counters().queued_bytes, 0u) << "the loop left it behind";
  }
  // What the peer has got so far.
  Texts texts(Pair& pair) {
    Texts got;
    EXPECT_TRUE(loop.run(collect(pair, got)));
    return got;
  }

  Simulation simulation;
  Loop loop{simulation};
  Hub hub{loop};
  std::deque<Pair> pairs;

 private:
  static Task<Result<std::string>> next(Pair& pair) {
    auto frame = co_await pair.frame();
    if (!frame) co_return fail(Errc::end);
    co_return frame->payload;
  }
  static Task<> collect(Pair& pair, Texts& got) {
    for (;;) {
      auto text = co_await within(std::chrono::seconds(1), next(pair));
      if (!text) co_return;
      got.push_back(*text);
    }
  }
};

TEST_F(Hubs, all_subscribers_but_the_one_who_speaks_get_it) {
  Pair& one = make();
  Pair& two = make();
  Pair& elsewhere = make();
  Subscriber first(hub, one.session);
  Subscriber second(hub, two.session);
  Subscriber third(hub, elsewhere.session);
  EXPECT_TRUE(succeeded(first.subscribe("lobby")));
  EXPECT_TRUE(succeeded(second.subscribe("lobby")));
  EXPECT_TRUE(succeeded(third.subscribe("kitchen")));
  EXPECT_TRUE(succeeded(first.publish("lobby", "hello")));
  EXPECT_TRUE(succeeded(third.publish("lobby", "from outside")));
  publish("lobby", "to all");
  publish("nowhere", "to nobody");
  EXPECT_EQ(texts(one), (Texts{"from outside", "to all"}));
  EXPECT_EQ(texts(two), (Texts{"hello", "from outside", "to all"}));
  EXPECT_EQ(texts(elsewhere), Texts{});
}

TEST_F(Hubs, subscribing_twice_is_as_good_as_once) {
  Pair& pair = make();
  Subscriber here(hub, pair.session);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(succeeded(here.subscribe("topic")));
  publish("topic", "once");
  here.unsubscribe("another");
  here.unsubscribe("topic");
  here.unsubscribe("topic");
  publish("topic", "too late");
  EXPECT_EQ(texts(pair), Texts{"once"});
}

TEST_F(Hubs, any_bytes_are_a_topic_but_none_and_too_many) {
  Hub small(loop, {.topic_bytes_max = 4, .subscriptions_max = 2});
  Pair& pair = make();
  Subscriber here(small, pair.session);
  const std::string_view zeros("\0\0", 2);
  EXPECT_TRUE(failed_with(here.subscribe(""), Errc::invalid_argument));
  EXPECT_TRUE(failed_with(here.subscribe("12345"), Errc::invalid_argument));
  EXPECT_TRUE(failed_with(here.publish("", "x"), Errc::invalid_argument));
  EXPECT_TRUE(failed_with(small.publish("12345", "x"), Errc::invalid_argument));
  EXPECT_TRUE(succeeded(here.subscribe("1234")));
  EXPECT_TRUE(succeeded(here.subscribe(zeros)));
  EXPECT_TRUE(succeeded(here.subscribe(zeros)));
  EXPECT_TRUE(failed_with(here.subscribe("more"), Errc::too_large));
  here.unsubscribe("1234");
  EXPECT_TRUE(succeeded(here.subscribe("more")));
  EXPECT_TRUE(succeeded(small.publish("1234", "1")));
  EXPECT_TRUE(succeeded(small.publish(zeros, "2")));
  EXPECT_EQ(texts(pair), Texts{"2"});
}

TEST_F(Hubs, what_was_published_before_a_subscriber_left_still_leaves) {
  Pair& pair = make();
  auto handler = [](Hub& on, ws::Session& session) -> Task<> {
    Subscriber here(on, session);
    (void)here.subscribe("topic");
    (void)on.publish("topic", "1");
    {
      Subscriber moved(std::move(here));
      (void)on.publish("topic", "2");
      here = std::move(moved);
    }
    (void)on.publish("topic", "3");
    co_await session.send("4");
    EXPECT_TRUE(session.close());
  };
  loop.run(handler(hub, pair.session));
  (void)hub.publish("topic", "nobody is here");
  EXPECT_EQ(texts(pair), (Texts{"1", "2", "3", "4", "\x03\xe8"}));
}

// All that is published in one round leaves together: a reader sees it at once.
TEST_F(Hubs, what_several_tasks_publish_in_one_round_leaves_in_one_piece) {
  Pair& pair = make();
  std::vector<std::size_t> received;
  auto speak = [](Hub& on) -> Task<> {
    (void)on.publish("topic", "12345678");
    co_return;
  };
  auto listen = [](Pair& to, std::vector<std::size_t>& sizes) -> Task<> {
    for (std::size_t all = 0; all < 100;) {
      auto bytes = co_await to.peer.receive();
      if (!bytes) co_return;
      sizes.push_back(bytes->size());
      all += bytes->size();
    }
  };
  auto main = [&](Loop& on) -> Task<> {
    Subscriber here(hub, pair.session);
    (void)here.subscribe("topic");
    TaskGroup group(on);
    group.spawn(listen(pair, received));
    for (int i = 0; i < 10; ++i) group.spawn(speak(hub));
    co_await group.join();
  };
  loop.run(main(loop));
  EXPECT_EQ(received, std::vector<std::size_t>{100});
}

TEST_F(Hubs, it_leaves_at_once_whatever_else_the_loop_waits_for) {
  Pair& pair = make();
  Subscriber here(hub, pair.session);
  (void)here.subscribe("topic");
  std::chrono::nanoseconds heard{};
  auto listen = [](Loop& on, Pair& to, std::chrono::nanoseconds& when) -> Task<> {
    auto bytes = co_await to.peer.receive();
    EXPECT_TRUE(bytes);
    when = on.now();
  };
  auto main = [&](Loop& on) -> Task<> {
    TaskGroup group(on);
    group.spawn(listen(on, pair, heard));
    (void)co_await sleep_for(std::chrono::milliseconds(10));
    (void)hub.publish("topic", "hello");
    (void)co_await sleep_for(std::chrono::hours(1));
    co_await group.join();
  };
  const auto before = loop.now();
  loop.run(main(loop));
  EXPECT_LT(heard - before, std::chrono::milliseconds(100));  // sessions have a clock of seconds
}

TEST_F(Hubs, more_than_is_gathered_at_once_leaves_in_its_order) {
  Pair& one = make();
  Pair& two = make();
  Subscriber first(hub, one.session);
  Subscriber second(hub, two.session);
  (void)first.subscribe("topic");
  (void)second.subscribe("topic");
  Texts expected;
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = i % 10 == 0 ? 20'000 : 500;
    expected.push_back(std::to_string(i) + std::string(size, 'x'));
    EXPECT_TRUE(succeeded(hub.publish("topic", expected.back())));
  }
  EXPECT_EQ(texts(one), expected);
  EXPECT_EQ(texts(two), expected);
}

// Against a model, in an order by chance.
TEST_F(Hubs, whoever_comes_and_goes_hears_of_its_topics_and_of_no_others) {
  constexpr int topics = 5;
  Random random(1);
  std::vector<std::optional<Subscriber>> subscribers(8);
  std::vector<std::set<std::string>> subscribed(8);
  std::vector<Texts> expected(8);
  for (std::size_t i = 0; i < 8; ++i) make();
  for (int step = 0; step < 5'000; ++step) {
    const auto who = random.below(8);
    const std::string topic = std::to_string(random.below(topics));
    if (random.chance(0.05)) {
      subscribers[who].reset();
      subscribed[who].clear();
    } else if (random.chance(0.4)) {
      if (!subscribers[who]) subscribers[who].emplace(hub, pairs[who].session);
      EXPECT_TRUE(succeeded(subscribers[who]->subscribe(topic)));
      subscribed[who].insert(topic);
    } else if (random.chance(0.3)) {
      if (subscribers[who]) subscribers[who]->unsubscribe(topic);
      subscribed[who].erase(topic);
    } else {
      const std::string text = std::to_string(step);
      const bool speaks = subscribers[who] && random.chance(0.5);
      if (speaks) {
        EXPECT_TRUE(succeeded(subscribers[who]->publish(topic, text)));
      } else {
        publish(topic, text);
      }
      for (std::size_t i = 0; i < 8; ++i) {
        if (subscribed[i].contains(topic) && !(speaks && i == who)) expected[i].push_back(text);
      }
    }
  }
  subscribers.clear();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(texts(pairs[i]), expected[i]);
}

TEST_F(Hubs, one_who_reads_nothing_holds_up_nobody_and_is_told_what_it_missed) {
  Pair& slow = make({.queue_bytes_max = 10'000});
  Pair& other = make();
  Subscriber first(hub, slow.session);
  Subscriber second(hub, other.session);
  (void)first.subscribe("topic");
  (void)second.subscribe("topic");
  const std::string text(1'000, 'x');
  std::size_t got = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(succeeded(hub.publish("topic", text)));
    got += texts(other).size();
  }
  EXPECT_EQ(got, 1'000u);
  EXPECT_EQ(other.session.counters().dropped, 0u);
  EXPECT_GT(slow.session.counters().dropped, 700u);
  EXPECT_EQ(slow.session.counters().dropped + texts(slow).size(), 1'000u);
}

TEST_F(Hubs, another_thread_may_publish) {
  Pair& pair = make();
  Subscriber here(hub, pair.session);
  (void)here.subscribe("topic");
  Texts expected;
  for (int i = 0; i < 1'000; ++i) expected.push_back(std::to_string(i));
  expected.emplace_back(100'000, 'x');
  std::thread([&] {
    for (const std::string& text : expected) EXPECT_TRUE(succeeded(hub.publish("topic", text)));
  }).join();
  EXPECT_EQ(texts(pair), expected);
}

TEST_F(Hubs, what_waits_for_a_loop_has_a_maximum) {
  Hub small(loop, {.inbox_bytes_max = 10'000});
  EXPECT_TRUE(succeeded(small.publish("topic", std::string(20'000, 'x')))) << "nobody hears of anything";
  Pair& pair = make();
  Subscriber here(small, pair.session);
  (void)here.subscribe("topic");
  const std::string text(1'000, 'x');
  std::size_t taken = 0;
  while (small.publish("topic", text)) ++taken;
  EXPECT_TRUE(failed_with(small.publish("topic", text), Errc::too_large));
  EXPECT_GE(taken, 8u);
  EXPECT_EQ(texts(pair), Texts(taken, text));
  EXPECT_TRUE(succeeded(small.publish("topic", text)));
  EXPECT_EQ(texts(pair), Texts{text});
}

// What waits for the loop has nobody to go to, and the loop ends in order.
TEST_F(Hubs, may_be_gone_when_the_loop_takes_what_others_published) {
  {
    Hub gone(loop);
    Pair& pair = make();
    Subscriber here(gone, pair.session);
    (void)here.subscribe("topic");
    EXPECT_TRUE(succeeded(gone.publish("topic", "x")));
  }
  EXPECT_EQ(texts(pairs.back()), Texts{});
}

using HubsDeathTest = Hubs;

TEST_F(HubsDeathTest, mistakes_of_the_program_end_it) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Pair& pair = make();
        Subscriber here(hub, pair.session);
        pair.session = {};
      },
      "a Session was destroyed before its Subscriber");
  EXPECT_DEATH(
      {
        Pair& pair = make();
        Subscriber here(hub, pair.session);
        Subscriber again(hub, pair.session);
      },
      "a Session has two Subscribers");
  EXPECT_DEATH(
      {
        Pair& pair = make();
        Subscriber here(hub, pair.session);
        Subscriber moved(std::move(here));
        (void)here.publish("topic", "x");
      },
      "a Subscriber was used that had been moved from");
  EXPECT_DEATH(
      {
        Pair& pair = make();
        auto other = std::make_unique<Hub>(loop);
        Subscriber here(*other, pair.session);
        other.reset();
      },
      "a Hub was destroyed before its Subscribers");
  EXPECT_DEATH(
      {
        Pair& pair = make();
        Threads threads(1);
        Hub elsewhere(threads);
        Subscriber here(elsewhere, pair.session);
      },
      "on none of the Hub's loops");
}

}  // namespace
}  // namespace parley
