// What a hub asks of a session.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ws/compressed.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Frame;
using testing::Pair;

struct Publishing : ::testing::Test {
  Pair& make(Role role = Role::server, const Limits& limits = {},
             const std::optional<codec::DeflateParameters>& deflate = {}, const DeflateOptions& options = {}) {
    return pairs.emplace_back(loop, role, limits, deflate, options);
  }
  ~Publishing() override {
    for (Pair& pair : pairs) pair.session = {};
    for (Pair& pair : pairs) pair.peer.close();
  }

  void publish(const Message& message) {
    Broadcast broadcast(message, gathered);
    for (Pair& pair : pairs) SessionCore::of(pair.session).publish(broadcast);
  }
  // And nobody may hold what lies there any more.
  void flush() {
    for (Pair& pair : pairs) SessionCore::of(pair.session).flush_published();
    gathered.reuse();
    const Gathered::Place all = gathered.room(Gathered::bytes_max);
    EXPECT_EQ(all.memory.use_count(), 2);
    std::fill(all.data, all.data + Gathered::bytes_max, std::byte{0xEE});
    gathered = {};
  }
  // All that the peer gets until nothing more comes.
  std::vector<Frame> frames(Pair& pair) {
    std::vector<Frame> got;
    loop.run(collect(pair, got));
    return got;
  }
  std::vector<std::string> texts(Pair& pair) {
    std::vector<std::string> got;
    for (const Frame& frame : frames(pair)) got.push_back(frame.payload);
    return got;
  }

  Simulation simulation;
  Loop loop{simulation};
  Gathered gathered;
  std::deque<Pair> pairs;

 private:
  static Task<Result<Frame>> next(Pair& pair) {
    auto frame = co_await pair.frame();
    if (!frame) co_return fail(Errc::end);
    co_return *frame;
  }
  static Task<> collect(Pair& pair, std::vector<Frame>& got) {
    for (;;) {
      auto frame = co_await within(std::chrono::seconds(1), next(pair));
      if (!frame) co_return;
      got.push_back(*frame);
    }
  }
};

using Texts = std::vector<std::string>;

TEST_F(Publishing, EachGetsAllInTheirOrder) {
  Pair& one = make();
  Pair& other = make(Role::client);
  publish("1");
  publish(as_bytes("2"));
  EXPECT_EQ(one.session.counters().queued_bytes, 6u);
  flush();
  EXPECT_EQ(one.session.counters().queued_bytes, 0u);
  EXPECT_EQ(frames(one), (std::vector<Frame>{{0x81, "1", false}, {0x82, "2", false}}));
  EXPECT_EQ(frames(other), (std::vector<Frame>{{0x81, "1", true}, {0x82, "2", true}}));
}

TEST_F(Publishing, WhatASessionSendsItselfKeepsItsPlace) {
  Pair& pair = make();
  auto talk = [](Publishing& on, Session& session) -> Task<> {
    co_await session.send("1");
    on.publish("2");
    on.publish("3");
    co_await session.send("4");
    on.publish("5");
    on.flush();
    co_await session.send("6");
    on.publish("7");
    EXPECT_TRUE(session.close());
    on.publish("too late");
    on.flush();
  };
  loop.run(talk(*this, pair.session));
  EXPECT_EQ(texts(pair), (Texts{"1", "2", "3", "4", "5", "6", "7", "\x03\xe8"}));
}

TEST_F(Publishing, WhoIsPassedOverGetsWhatComesBeforeAndBehind) {
  Pair& one = make();
  Pair& other = make();
  publish("1");
  const Message message("2");
  Broadcast broadcast(message, gathered);
  SessionCore::of(other.session).publish(broadcast);
  publish("3");
  publish("4");
  flush();
  EXPECT_EQ(texts(one), (Texts{"1", "3", "4"}));
  EXPECT_EQ(texts(other), (Texts{"1", "2", "3", "4"}));
}

TEST_F(Publishing, WhatThePeerHasRoomForIsNotDropped) {
  Pair& pair = make(Role::server, {.queue_bytes_max = 1000});
  const Texts expected(500, std::string(100, 'x'));
  for (const std::string& text : expected) publish(text);
  flush();
  EXPECT_EQ(pair.session.counters().dropped, 0u);
  EXPECT_EQ(texts(pair), expected);
}

// What was published is no reason to close, to wait or to drop, as long as it was not tried whether it has room.
TEST_F(Publishing, ASessionsOwnMessagesAreNotBehindAFullQueueBecauseOfIt) {
  for (const WhenFull when_full : {WhenFull::wait, WhenFull::drop_newest, WhenFull::drop_oldest, WhenFull::close}) {
    Pair& pair = make(Role::server, {.queue_bytes_max = 1000, .when_full = when_full});
    auto talk = [](Publishing& on, Session& session) -> Task<> {
      const std::string text(100, 'x');
      for (int i = 0; i < 10; ++i) on.publish(text);
      auto sent = co_await within(std::chrono::seconds(1), session.send("own"));
      EXPECT_TRUE(sent);
      for (int i = 0; i < 10; ++i) on.publish(text);
      sent = co_await within(std::chrono::seconds(1), session.send_some("own", true));
      EXPECT_TRUE(sent);
      on.flush();
    };
    loop.run(talk(*this, pair.session));
    EXPECT_EQ(pair.session.counters().dropped, 0u);
    EXPECT_EQ(texts(pair).size(), 22u);
    pair.session = {};
    pairs.clear();
  }
}

// A part of a message may make the queue fuller than it may be; what waits behind it leaves before what comes later.
TEST_F(Publishing, WhatWaitsIsNotOvertakenWhenTheOldestAreDropped) {
  for (const bool by_hub : {true, false}) {
    Pair& pair = make(Role::server, {.queue_bytes_max = 1000, .when_full = WhenFull::drop_oldest});
    auto talk = [](Publishing& on, Session& session, bool publishes) -> Task<> {
      const std::string filling(256 * 1024 - 10, 'x');  // the pipe, to the last byte
      const std::string first(900, 'p');
      const std::string last(500, 'p');
      co_await session.send(filling);
      co_await session.send_some(first, false);
      (void)co_await sleep_for(std::chrono::milliseconds(1));
      on.publish("1");
      (void)co_await within(std::chrono::milliseconds(1), session.send_some(last, true));
      if (publishes) on.publish("2");
      if (!publishes) co_await session.send("2");
      on.flush();
    };
    loop.run(talk(*this, pair.session, by_hub));
    Texts got = texts(pair);
    ASSERT_EQ(got.size(), 5u);
    EXPECT_EQ(got[3], "1");
    EXPECT_EQ(got[4], "2");
    pair.session = {};
    pairs.clear();
  }
}

TEST_F(Publishing, WithoutAQueueTheyStillLeave) {
  for (const WhenFull when_full : {WhenFull::wait, WhenFull::drop_oldest, WhenFull::close}) {
    Pair& pair = make(Role::server, {.queue_bytes_max = 0, .when_full = when_full}, codec::DeflateParameters{});
    publish("1");
    publish("2");
    flush();
    publish("3");
    flush();
    EXPECT_EQ(texts(pair), (Texts{"1", "2", "3"}));
    pair.session = {};
    pairs.clear();
  }
}

TEST_F(Publishing, NothingComesBetweenThePartsOfAMessage) {
  for (const Role role : {Role::server, Role::client}) {
    Pair& pair = make(role, {.queue_bytes_max = 9});
    auto talk = [](Publishing& on, Session& session) -> Task<> {
      co_await session.send_some("a", false);
      on.publish("published");
      on.publish("no room");
      on.flush();
      co_await session.send_some("b", true);
    };
    loop.run(talk(*this, pair.session));
    EXPECT_EQ(texts(pair), (Texts{"a", "b", "published"}));
    EXPECT_EQ(pair.session.counters().dropped, 1u);
    pairs.clear();
  }
}

// Nobody reads: the pipe's 256 KiB fill up, then the queue.
TEST_F(Publishing, WhatDoesNotLeaveWaitsAndIsNotMixedUp) {
  for (const std::size_t size : {100u, 5'000u, 20'000u, 100'000u}) {
    Pair& pair = make();
    Texts expected;
    for (std::size_t i = 0; i < 600'000 / size; ++i) {
      expected.push_back(std::to_string(i) + std::string(size, 'x'));
      publish(expected.back());
      if (i % 3 == 0) flush();
    }
    flush();
    EXPECT_GT(pair.session.counters().queued_bytes, 300'000u);
    EXPECT_EQ(texts(pair), expected);
    EXPECT_EQ(pair.session.counters().dropped, 0u);
    EXPECT_EQ(pair.session.counters().queued_bytes, 0u);
    pair.session = {};
    pairs.clear();
  }
}

// What of 10,000 small messages arrives when nobody reads before the end.
Texts arrived(Publishing& on, Pair& pair, bool one_by_one) {
  for (int i = 0; i < 10'000; ++i) {
    on.publish(std::to_string(i) + std::string(100, 'x'));
    if (one_by_one) on.flush();
  }
  on.flush();
  return on.texts(pair);
}

TEST_F(Publishing, WhenFullTheNewestAreDroppedAlsoWhereASenderWouldWait) {
  for (const WhenFull when_full : {WhenFull::wait, WhenFull::drop_newest}) {
    for (const bool one_by_one : {false, true}) {
      Pair& pair = make(Role::server, {.queue_bytes_max = 100'000, .when_full = when_full});
      const Texts got = arrived(*this, pair, one_by_one);
      EXPECT_EQ(got.size() + pair.session.counters().dropped, 10'000u);
      EXPECT_GT(got.size(), 3'300u);  // 256 KiB and 100,000 bytes, in frames of 103 to 106
      EXPECT_LT(got.size(), 3'600u);
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].starts_with(std::to_string(i) + "x"));
      pair.session = {};
      pairs.clear();
    }
  }
}

int number_of(const std::string& text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TEST_F(Publishing, WhenFullTheOldestAreDropped) {
  for (const bool one_by_one : {false, true}) {
    Pair& pair = make(Role::server, {.queue_bytes_max = 100'000, .when_full = WhenFull::drop_oldest});
    const Texts got = arrived(*this, pair, one_by_one);
    EXPECT_EQ(got.size() + pair.session.counters().dropped, 10'000u);
    EXPECT_TRUE(got.front().starts_with("0x"));
    EXPECT_TRUE(got.back().starts_with("9999x"));
    int before = -1;
    for (const std::string& text : got) {
      const int number = number_of(text);
      EXPECT_GT(number, before);
      before = number;
    }
    pair.session = {};
    pairs.clear();
  }
}

TEST_F(Publishing, WhenFullTheSessionIsClosed) {
  Pair& pair = make(Role::server, {.queue_bytes_max = 100'000, .when_full = WhenFull::close});
  const Texts got = arrived(*this, pair, false);
  EXPECT_EQ(got.back().substr(0, 2), "\x03\xf0");  // 1008
  EXPECT_GT(got.size(), 3'000u);
}

// The peer of the one has gone; the others hear of nothing.
TEST_F(Publishing, WhoHasGoneIsPassedOver) {
  Pair& gone = make();
  Pair& stays = make();
  gone.peer.abort();
  for (int i = 0; i < 3; ++i) {
    publish("hello");
    flush();
  }
  EXPECT_EQ(texts(stays), (Texts{"hello", "hello", "hello"}));
  publish("again");
  flush();
  EXPECT_EQ(texts(stays), Texts{"again"});
  EXPECT_EQ(gone.session.ended().code, Errc::reset);
}

// One Inflater for each peer, as a peer has: it knows what came before, and so must the session.
TEST_F(Publishing, CompressedMessagesAndThoseOfTheSessionGoTogether) {
  const std::string json = R"({"user":"ada","text":"what was said before comes again, and again, and again"})";
  for (const bool keeps : {true, false}) {
    Pair& one = make(Role::server, {}, codec::DeflateParameters{.server_no_context_takeover = !keeps},
                     {.level = 6, .message_bytes_min = 10});
    Pair& other = make(Role::client, {}, codec::DeflateParameters{}, {.message_bytes_min = 10});
    auto talk = [](Publishing& on, Session& session, const std::string& text) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        co_await session.send(text + std::to_string(i));
        on.publish(text + "published" + text);
        on.publish("short");
        on.flush();
      }
    };
    loop.run(talk(*this, one.session, json));
    codec::Inflater inflater({.keeps_context = keeps}, codec::test_engines());
    Texts got;
    for (const Frame& frame : frames(one)) {
      EXPECT_EQ((frame.first & testing::rsv1) != 0, frame.payload != "short");
      if (!(frame.first & testing::rsv1)) continue;
      codec::TestOutput out;
      Bytes bytes = as_bytes(frame.payload);
      ASSERT_EQ(inflater.inflate(bytes, true, out, SIZE_MAX), codec::Violation::none);
      got.emplace_back(out.text());
    }
    const std::string published = json + "published" + json;
    EXPECT_EQ(got, (Texts{json + "0", published, json + "1", published, json + "2", published}));
    const auto masked = frames(other);
    ASSERT_EQ(masked.size(), 6u);
    EXPECT_TRUE(masked[0].masked);
    EXPECT_EQ(testing::inflated(masked[0].payload), published);
    pairs.clear();
  }
}

TEST_F(Publishing, AnObserverSeesIt) {
  Pair& pair = make();
  std::vector<std::string> seen;
  const auto see = [](const ws::Frame& frame, void* state) noexcept {
    EXPECT_TRUE(frame.sent);
    static_cast<std::vector<std::string>*>(state)->emplace_back(as_text(frame.begin));
  };
  pair.shared().observe(see, &seen);
  publish("hello");
  flush();
  EXPECT_EQ(seen, Texts{"hello"});
  pair.shared().observe(nullptr, nullptr);
}

}  // namespace
}  // namespace parley::ws
