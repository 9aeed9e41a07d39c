// A peer that sends more than a turn is for: everything else goes on, and nothing is lost.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "io/core.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Pair;

constexpr int flood_count = 10'000;

struct Sharing : ::testing::Test {
  Simulation simulation;
  Loop loop{simulation};
  Pair pair{loop, Role::server};
  Pair other{loop, Role::server};

  ~Sharing() override {
    for (Pair* each : {&pair, &other}) {
      each->session = {};
      each->peer.close();
    }
  }
  // Messages "0", "1", ... behind one another, and the last one is "end".
  std::string numbered() const {
    std::string frames;
    for (int i = 0; i < flood_count; ++i) frames += pair.wire(Opcode::text, std::to_string(i));
    return frames + pair.wire(Opcode::text, "end");
  }
  std::string pings() const {
    std::string frames;
    for (int i = 0; i < flood_count; ++i) frames += pair.wire(Opcode::ping, "x");
    return frames + pair.wire(Opcode::text, "end");
  }
};

Task<> send_all(Stream& stream, std::string_view bytes) { (void)co_await stream.send(bytes); }

Task<> read_all(Stream& stream) {
  while (auto bytes = co_await stream.receive()) continue;
}

Task<> receive_until_end(Session& session, int& received, bool& done) {
  for (;;) {
    auto message = co_await session.receive();
    EXPECT_TRUE(message);
    if (!message || message->text() == "end") break;
    EXPECT_EQ(message->text(), std::to_string(received));
    ++received;
  }
  done = true;
}

// How often another session answers while this one takes `frames`.
int answered_meanwhile(Sharing& sharing, std::string_view frames, int expected) {
  int answers = 0;
  auto main = [](Sharing& on, std::string_view flood, int count, int& asked) -> Task<> {
    TaskGroup group(on.loop);
    TaskGroup reading(on.loop);
    int received = 0;
    bool done = false;
    Task<> sending = send_all(on.pair.peer, flood);
    co_await sending;
    reading.spawn(read_all(on.pair.peer));
    group.spawn(receive_until_end(on.pair.session, received, done));
    const std::string question = on.other.wire(Opcode::text, "question");
    while (!done) {
      Task<> asking = send_all(on.other.peer, question);
      co_await asking;
      auto message = co_await on.other.session.receive();
      EXPECT_EQ(message->text(), "question");
      ++asked;
    }
    co_await group.join();
    EXPECT_EQ(received, count);
    on.pair.session = {};
    co_await reading.join();
  };
  EXPECT_TRUE(sharing.loop.run(main(sharing, frames, expected, answers)));
  return answers;
}

TEST_F(Sharing, ManyMessagesLetOthersGoOn) {
  EXPECT_GT(answered_meanwhile(*this, numbered(), flood_count), flood_count / 1000);
}

TEST_F(Sharing, ManyPingsLetOthersGoOn) { EXPECT_GT(answered_meanwhile(*this, pings(), 0), flood_count / 1000); }

Task<> receive_or_stop(Session& session, int& received, bool& done) {
  for (;;) {
    auto message = co_await session.receive();
    if (!message) break;
    if (message->text() == "end") {
      done = true;
      break;
    }
    EXPECT_EQ(message->text(), std::to_string(received));
    ++received;
  }
}

TEST_F(Sharing, APingBehindManyMessagesIsAnsweredWhileTheHandlerIsBusy) {
  auto main = [](Sharing& on, std::string flood) -> Task<> {
    flood += on.pair.wire(Opcode::ping, "still there?");
    Task<> sending = send_all(on.pair.peer, flood);
    co_await sending;
    auto pong = co_await on.pair.frame();
    EXPECT_EQ(pong->payload, "still there?");
  };
  ASSERT_TRUE(loop.run(main(*this, numbered())));
}

TEST_F(Sharing, AReceiveThatIsCancelledLosesNothing) {
  auto main = [](Sharing& on, std::string_view flood) -> Task<> {
    Task<> sending = send_all(on.pair.peer, flood);
    co_await sending;
    int received = 0;
    int cancelled = 0;
    for (bool done = false; !done; ++cancelled) {
      TaskGroup group(on.loop);
      group.spawn(receive_or_stop(on.pair.session, received, done));
      co_await yield();
      co_await yield();
      group.stop();
      co_await group.join();
    }
    EXPECT_EQ(received, flood_count);
    EXPECT_GT(cancelled, 10);
  };
  ASSERT_TRUE(loop.run(main(*this, numbered())));
}

TEST_F(Sharing, IsGoneWithItsSession) {
  auto main = [](Sharing& on, std::string_view flood) -> Task<> {
    Task<> sending = send_all(on.pair.peer, flood);
    co_await sending;
    for (unsigned i = 0; i < detail::Core::share_max; ++i) {
      auto message = co_await on.pair.session.receive();
      EXPECT_TRUE(message);
    }
    TaskGroup group(on.loop);
    group.stop();
    Task<> stopped = [](Sharing& in) -> Task<> {
      int received = detail::Core::share_max;
      bool done = false;
      Task<> receiving = receive_or_stop(in.pair.session, received, done);
      co_await receiving;
      EXPECT_FALSE(done);
      EXPECT_FALSE(in.loop.core().slices.empty());
      in.pair.session = {};
      EXPECT_TRUE(in.loop.core().slices.empty());
    }(on);
    group.spawn(std::move(stopped));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(*this, numbered())));
}

}  // namespace
}  // namespace parley::ws
