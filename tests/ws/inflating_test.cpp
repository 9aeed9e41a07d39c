// Messages that take long to inflate: they are made in slices, and everything else goes on.
#include "ws/compression.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/random.h"
#include "io/core.h"
#include "io/slices.h"
#include "ws/compressed.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::DeflateParameters;
using codec::Opcode;
using testing::binary;
using testing::deflated;
using testing::fin;
using testing::Pair;
using testing::rsv1;

constexpr std::size_t long_bytes = 4'000'000;

// Some of it is noise, so that it is not only the last bytes that could be right.
std::string long_message(std::size_t bytes, std::uint64_t seed) {
  Random random(seed);
  std::string message(bytes, 'a');
  for (std::size_t at = 0; at < bytes; at += 1 + random.below(400)) message[at] = static_cast<char>(random.below(256));
  return message;
}

struct Inflating : ::testing::Test {
  Simulation simulation;
  Loop loop{simulation};
  Pair pair{loop, Role::server, {}, DeflateParameters{}};
  const std::string sent = long_message(long_bytes, 1);
  std::string frame = pair.wire(fin | rsv1 | binary, deflated(sent));

  ~Inflating() override {
    pair.session = {};
    pair.peer.close();
  }
  detail::Core& core() { return loop.core(); }
};

Task<> send_all(Stream& stream, std::string_view bytes) { (void)co_await stream.send(bytes); }

Task<> take_one(Session& session, std::string& message, bool& done) {
  auto got = co_await session.receive();
  EXPECT_TRUE(got) << got.error().message();
  if (got) message = std::string(got->text());
  done = true;
}

// Waits until all that was sent has been read, and the message is being made.
Task<> until_slices(detail::Core& core) {
  while (core.slices.empty()) co_await yield();
}

// Another session is asked for as long as the message takes. How often it answered.
int answered_meanwhile(Inflating& inflating, const std::string& frame, const std::string& message) {
  Pair other(inflating.loop, Role::server, {}, DeflateParameters{});
  int answers = 0;
  auto main = [](Inflating& on, Pair& with, std::string_view whole, std::string_view expected, int& count) -> Task<> {
    TaskGroup group(on.loop);
    std::string got;
    bool done = false;
    group.spawn(send_all(on.pair.peer, whole));
    group.spawn(take_one(on.pair.session, got, done));
    co_await until_slices(on.core());
    const std::string question = with.wire(fin | rsv1 | binary, deflated("short"));
    while (!done) {
      Task<> sending = send_all(with.peer, question);
      co_await sending;
      auto reply = co_await with.session.receive();
      EXPECT_EQ(reply->text(), "short");
      ++count;
    }
    co_await group.join();
    EXPECT_EQ(got, expected);
  };
  EXPECT_TRUE(inflating.loop.run(main(inflating, other, frame, message, answers)));
  other.session = {};
  other.peer.close();
  return answers;
}

TEST_F(Inflating, OthersGoOnMeanwhile) { EXPECT_GT(answered_meanwhile(*this, frame, sent), 100); }

TEST_F(Inflating, OthersGoOnWhileMuchBecomesNothing) {
  std::string empty_blocks;
  for (int i = 0; i < 800'000; ++i) empty_blocks.append("\0\0\0\xff\xff", 5);
  empty_blocks.resize(empty_blocks.size() - 4);
  EXPECT_GT(answered_meanwhile(*this, pair.wire(fin | rsv1 | binary, empty_blocks), ""), 100);
}

TEST_F(Inflating, OneLongMessageIsDoneBeforeTheNextAndAShortOneIsFirst) {
  Pair second(loop, Role::server, {}, DeflateParameters{});
  Pair third(loop, Role::server, {}, DeflateParameters{});
  const std::string middling(detail::Slices::slice_bytes * 2, 'b');
  auto main = [](Inflating& on, Pair& again, Pair& last, std::string_view shorter) -> Task<> {
    const std::string short_frame = last.wire(fin | rsv1 | binary, deflated(shorter));
    const std::string long_frame = again.wire(fin | rsv1 | binary, deflated(std::string(long_bytes, 'c')));
    std::string got[3];
    bool done[3] = {};
    TaskGroup group(on.loop);
    group.spawn(send_all(on.pair.peer, on.frame));
    group.spawn(take_one(on.pair.session, got[0], done[0]));
    co_await until_slices(on.core());
    group.spawn(send_all(again.peer, long_frame));
    group.spawn(take_one(again.session, got[1], done[1]));
    group.spawn(send_all(last.peer, short_frame));
    group.spawn(take_one(last.session, got[2], done[2]));
    while (!done[2]) co_await yield();
    EXPECT_FALSE(done[0] || done[1]);
    while (!done[0]) co_await yield();
    EXPECT_FALSE(done[1]);
    // The one that is looked at, and of the other no more than was made before it was known to be long.
    EXPECT_LT(on.core().buffers.lent_bytes(), long_bytes * 5 / 4);
    co_await group.join();
    EXPECT_EQ(got[2], shorter);
    EXPECT_EQ(got[1].size(), long_bytes);
  };
  ASSERT_TRUE(loop.run(main(*this, second, third, middling)));
  for (Pair* each : {&second, &third}) {
    each->session = {};
    each->peer.close();
  }
}

TEST_F(Inflating, WhatIsNotWholeIsNotInflated) {
  auto main = [](Inflating& on) -> Task<> {
    TaskGroup group(on.loop);
    std::string got;
    bool done = false;
    group.spawn(take_one(on.pair.session, got, done));
    const std::string bomb = on.pair.wire(fin | rsv1 | binary, deflated(std::string(long_bytes, 'x')));
    Task<> sending = send_all(on.pair.peer, std::string_view(bomb).substr(0, bomb.size() - 1));
    co_await sending;
    co_await sleep_for(std::chrono::seconds(1));
    EXPECT_LT(on.core().buffers.lent_bytes(), 64'000u);
    Task<> rest = send_all(on.pair.peer, std::string_view(bomb).substr(bomb.size() - 1));
    co_await rest;
    co_await group.join();
    EXPECT_EQ(got, std::string(long_bytes, 'x'));
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

TEST_F(Inflating, AnswersPingsMeanwhile) {
  frame += pair.wire(Opcode::ping, "still there?");
  auto main = [](Inflating& on) -> Task<> {
    TaskGroup group(on.loop);
    std::string got;
    bool done = false;
    group.spawn(send_all(on.pair.peer, on.frame));
    group.spawn(take_one(on.pair.session, got, done));
    auto pong = co_await on.pair.frame();
    EXPECT_EQ(pong->payload, "still there?");
    EXPECT_FALSE(done);
    co_await group.join();
    EXPECT_EQ(got, on.sent);
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

TEST_F(Inflating, IsDeliveredAfterAnOrderlyEnd) {
  auto main = [](Inflating& on) -> Task<> {
    TaskGroup group(on.loop);
    std::string got;
    bool done = false;
    group.spawn(take_one(on.pair.session, got, done));
    Task<> sending = send_all(on.pair.peer, on.frame);
    co_await sending;
    on.pair.peer.shutdown();
    co_await group.join();
    EXPECT_EQ(got, on.sent);
    auto end = co_await on.pair.session.receive();
    EXPECT_EQ(end.error(), Errc::reset);  // without a Close frame
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

TEST_F(Inflating, IsGivenUpAfterAReset) {
  auto main = [](Inflating& on) -> Task<> {
    TaskGroup group(on.loop);
    group.spawn(send_all(on.pair.peer, on.frame));
    Task<> resetting = [](Inflating& in) -> Task<> {
      co_await until_slices(in.core());
      in.pair.peer.abort();
    }(on);
    group.spawn(std::move(resetting));
    auto got = co_await on.pair.session.receive();
    EXPECT_EQ(got.error(), Errc::reset);
    EXPECT_TRUE(on.core().slices.empty());
    EXPECT_EQ(on.core().buffers.lent_bytes(), 0u);
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

TEST_F(Inflating, IsGoneWithItsSession) {
  auto main = [](Inflating& on) -> Task<> {
    TaskGroup group(on.loop);
    Task<> sending = send_all(on.pair.peer, on.frame);
    co_await sending;
    co_await sleep_for(std::chrono::seconds(1));
    group.stop();
    Task<> stopped = [](Inflating& in) -> Task<> {
      auto got = co_await in.pair.session.receive();
      EXPECT_EQ(got.error(), Errc::cancelled);
      EXPECT_FALSE(in.core().slices.empty());
      in.pair.session = {};
      EXPECT_TRUE(in.core().slices.empty());
    }(on);
    group.spawn(std::move(stopped));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

Task<> receive_or_stop(Session& session, Result<std::string>& out) {
  auto got = co_await session.receive();
  out = got ? Result<std::string>(std::string(got->text())) : fail(got.error().code);
}

TEST_F(Inflating, AReceiveThatIsCancelledLosesNothing) {
  auto main = [](Inflating& on) -> Task<> {
    Task<> sending = send_all(on.pair.peer, on.frame);
    co_await sending;
    int cancelled = 0;
    for (Result<std::string> got = fail(Errc::cancelled); !got; ++cancelled) {
      EXPECT_EQ(got.error(), Errc::cancelled);
      TaskGroup group(on.loop);
      group.spawn(receive_or_stop(on.pair.session, got));
      for (int i = 0; i < 20; ++i) co_await yield();
      group.stop();
      co_await group.join();
      if (got) {
        EXPECT_EQ(*got, on.sent);
      }
    }
    EXPECT_GT(cancelled, 10);
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

TEST_F(Inflating, TheRestOfACancelledReceiveCanBeTakenInParts) {
  auto main = [](Inflating& on) -> Task<> {
    Task<> sending = send_all(on.pair.peer, on.frame);
    co_await sending;
    Result<std::string> never = fail(Errc::end);
    TaskGroup group(on.loop);
    group.spawn(receive_or_stop(on.pair.session, never));
    for (int i = 0; i < 100; ++i) co_await yield();
    group.stop();
    co_await group.join();
    EXPECT_EQ(never.error(), Errc::cancelled);
    std::string got;
    for (bool last = false; !last;) {
      auto part = co_await on.pair.session.receive_some();
      EXPECT_TRUE(part);
      if (!part) break;
      got += as_text(part->bytes);
      last = part->last;
    }
    EXPECT_EQ(got, on.sent);
  };
  ASSERT_TRUE(loop.run(main(*this)));
}

}  // namespace
}  // namespace parley::ws
