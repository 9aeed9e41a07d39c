#include <gtest/gtest.h>

#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Frame;
using testing::Pair;

std::string body(std::uint16_t code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)} + std::string(reason);
}

struct Seen {
  std::vector<Frame> frames;  // what the session sent
  bool end = false;           // it closed TCP
  Errc how = Errc::none;      // receive() said
  Closed closed;
};

Task<> receive_to_the_end(Session& session, Seen& seen) {
  for (;;) {
    auto message = co_await session.receive();
    if (message) continue;
    seen.how = message.error().code;
    seen.closed = session.closed();
    co_return;
  }
}

// Sends `bytes`, then notes what comes back until the end of the stream.
Task<> peer_sends(Pair& pair, std::string bytes, Seen& seen) {
  co_await pair.peer.send(bytes);
  while (auto frame = co_await pair.frame()) seen.frames.push_back(*frame);
  seen.end = true;
  pair.peer.close();
}

Task<> exchange(Loop& loop, Pair& pair, std::string bytes, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(receive_to_the_end(pair.session, seen));
  group.spawn(peer_sends(pair, std::move(bytes), seen));
  co_await group.join();
}

Seen peer_says(Role role, std::uint8_t first, std::string_view payload) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, role);
  Seen seen;
  loop.run(exchange(loop, pair, pair.wire(first, payload), seen));
  pair.session = {};
  return seen;
}

TEST(Closing, ThePeerClosesAndItsCodeIsEchoed) {
  for (Role role : {Role::server, Role::client}) {
    const Seen seen = peer_says(role, 0x88, body(4321, "so long"));
    ASSERT_EQ(seen.frames.size(), 1u);
    EXPECT_EQ(seen.frames[0], (Frame{0x88, body(4321), role == Role::client}));
    EXPECT_TRUE(seen.end);
    EXPECT_EQ(seen.how, Errc::end);
    EXPECT_EQ(seen.closed.code, 4321);
    EXPECT_EQ(seen.closed.reason, "so long");
    EXPECT_TRUE(seen.closed.by_peer);
  }
}

TEST(Closing, WithoutACode) {
  const Seen seen = peer_says(Role::server, 0x88, "");
  ASSERT_EQ(seen.frames.size(), 1u);
  EXPECT_EQ(seen.frames[0].payload, "");
  EXPECT_EQ(seen.closed.code, Closed::no_code);
}

TEST(Closing, ACloseFrameThatIsWrong) {
  for (const auto& [payload, code] :
       std::vector<std::pair<std::string, std::uint16_t>>{{"\x03", 1002},
                                                          {body(999), 1002},
                                                          {body(1005), 1002},
                                                          {body(1006), 1002},
                                                          {body(1015), 1002},
                                                          {body(2999), 1002},
                                                          {body(5000), 1002},
                                                          {body(1000, "\xff"), 1007},
                                                          {body(1000, "half \xc3"), 1007}}) {
    const Seen seen = peer_says(Role::server, 0x88, payload);
    ASSERT_EQ(seen.frames.size(), 1u);
    EXPECT_EQ(seen.frames[0].payload.substr(0, 2), body(code));
    EXPECT_EQ(seen.how, Errc::protocol);
    EXPECT_EQ(seen.closed.code, code);
    EXPECT_FALSE(seen.closed.by_peer);
  }
}

TEST(Closing, AViolationIsAnsweredWithItsCode) {
  EXPECT_EQ(peer_says(Role::server, 0x83, "").frames.at(0).payload.substr(0, 2), body(1002));
  EXPECT_EQ(peer_says(Role::client, 0x81, "\xff").frames.at(0).payload.substr(0, 2), body(1007));
}

Task<> close_and_wait(Session& session, std::uint16_t code, std::string_view reason, Seen& seen) {
  EXPECT_TRUE(session.close(code, reason));
  EXPECT_TRUE(session.close(1001));  // the first one counts
  auto sent = co_await session.send("too late");
  EXPECT_EQ(sent.error(), Errc::end);
  co_await receive_to_the_end(session, seen);
}

Task<> answer_close(Pair& pair, bool close_tcp, Seen& seen) {
  while (auto frame = co_await pair.frame()) {
    seen.frames.push_back(*frame);
    if (frame->first != 0x88) continue;
    co_await pair.peer.send(pair.wire(Opcode::text, "sent before"));
    co_await pair.peer.send(pair.wire(Opcode::close, frame->payload));
    if (close_tcp) pair.peer.shutdown();
  }
  seen.end = true;
}

Task<> close_exchange(Loop& loop, Pair& pair, bool close_tcp, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(close_and_wait(pair.session, 3000, "done", seen));
  group.spawn(answer_close(pair, close_tcp, seen));
  co_await group.join();
}

TEST(Closing, WeCloseAndThePeerAnswers) {
  for (Role role : {Role::server, Role::client}) {
    for (bool peer_closes_tcp : {true, false}) {
      Simulation simulation;
      Loop loop(simulation);
      Pair pair(loop, role);
      Seen seen;
      loop.run(close_exchange(loop, pair, peer_closes_tcp, seen));
      ASSERT_EQ(seen.frames.size(), 1u);
      EXPECT_EQ(seen.frames[0].payload, body(3000, "done"));
      EXPECT_EQ(seen.how, Errc::end);
      EXPECT_EQ(seen.closed.code, 3000);
      EXPECT_FALSE(seen.closed.by_peer);
      EXPECT_TRUE(seen.end);  // a client closes TCP itself when the server does not, after close_seconds
      pair.session = {};
    }
  }
}

TEST(Closing, CodesThatMustNotBeSent) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server);
  for (int number : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
    const auto code = static_cast<std::uint16_t>(number);
    EXPECT_EQ(pair.session.close(code).error(), Errc::invalid_argument) << code;
  }
  EXPECT_TRUE(pair.session.close(1000, std::string(200, 'x')));
  pair.session = {};
}

Task<> never_answers(Pair& pair, Seen& seen) {
  while (auto frame = co_await pair.frame()) seen.frames.push_back(*frame);
  seen.end = true;
}

Task<> silent_peer(Loop& loop, Pair& pair, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(receive_to_the_end(pair.session, seen));
  group.spawn(never_answers(pair, seen));
  co_await group.join();
}

TEST(Closing, AnUnansweredCloseIsGivenUp) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.close_seconds = 7});
  Seen seen;
  EXPECT_TRUE(pair.session.close());
  loop.run(silent_peer(loop, pair, seen));
  EXPECT_EQ(seen.how, Errc::timed_out);
  EXPECT_EQ(seen.closed.code, Closed::abnormal);
  EXPECT_GE(loop.now(), std::chrono::seconds(7));
  EXPECT_LT(loop.now(), std::chrono::seconds(9));
  pair.session = {};
}

TEST(Closing, SilenceIsAnsweredByAPingAndThenIsDeath) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.keepalive_seconds = 10, .pong_seconds = 5});
  Seen seen;
  loop.run(silent_peer(loop, pair, seen));
  ASSERT_EQ(seen.frames.size(), 1u);
  EXPECT_EQ(seen.frames[0].first, 0x89);
  EXPECT_EQ(seen.how, Errc::timed_out);
  EXPECT_GE(loop.now(), std::chrono::seconds(15));
  EXPECT_LT(loop.now(), std::chrono::seconds(18));
  pair.session = {};
}

Task<> answers_pings(Pair& pair, int count) {
  for (int i = 0; i < count; ++i) {
    auto frame = co_await pair.frame();
    if (!frame) co_return;
    EXPECT_EQ(frame->first, 0x89);
    co_await pair.peer.send(pair.wire(Opcode::pong, frame->payload));
  }
  pair.peer.close();
}

Task<> live_peer(Loop& loop, Pair& pair, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(receive_to_the_end(pair.session, seen));
  group.spawn(answers_pings(pair, 10));
  co_await group.join();
}

TEST(Closing, AnsweredPingsKeepItAlive) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::client, {.keepalive_seconds = 10, .pong_seconds = 5});
  Seen seen;
  loop.run(live_peer(loop, pair, seen));
  EXPECT_EQ(seen.how, Errc::reset);  // the peer's end of TCP, without a Close frame
  EXPECT_GE(loop.now(), std::chrono::seconds(100));
  pair.session = {};
}

Task<> read_slowly(Pair& pair, std::size_t bytes, bool& got) {
  std::vector<std::byte> room(32 * 1024);
  for (std::size_t received = 0; received < bytes;) {
    auto more = co_await pair.peer.receive(std::span(room));
    if (!more) co_return;
    received += more->size();
    (void)co_await sleep_for(std::chrono::seconds(1));
  }
  got = true;
  pair.peer.abort();
}

Task<> send_to_slow(Loop& loop, Pair& pair, bool& got) {
  const std::string large(1024 * 1024, 'x');
  TaskGroup group(loop);
  group.spawn(read_slowly(pair, large.size(), got));
  Seen seen;
  group.spawn(receive_to_the_end(pair.session, seen));
  auto sent = co_await pair.session.send(large);
  EXPECT_TRUE(sent);
  co_await group.join();
}

// A bug: a message that took longer to leave than keepalive_seconds and pong_seconds was the end of its session, since
// the ping, and so its pong, came behind it.
TEST(Closing, APeerThatTakesALargeMessageSlowlyIsAlive) {
  for (const Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role, {.keepalive_seconds = 10, .pong_seconds = 5});
    bool got = false;
    loop.run(send_to_slow(loop, pair, got));
    EXPECT_TRUE(got);
    EXPECT_GT(loop.now(), std::chrono::seconds(30));
    pair.session = {};
  }
}

// Takes nothing until the ping is due, then everything, and answers pings from then on.
Task<> wake_up_late(Pair& pair, std::size_t& pings) {
  (void)co_await sleep_for(std::chrono::seconds(12));
  while (auto frame = co_await pair.frame()) {
    if (frame->first != 0x89) continue;
    ++pings;
    co_await pair.peer.send(pair.wire(Opcode::pong, frame->payload));
  }
}

Task<> send_to_late(Loop& loop, Pair& pair, std::size_t& pings) {
  const std::string large(1024 * 1024, 'x');
  TaskGroup group(loop);
  group.spawn(wake_up_late(pair, pings));
  auto sent = co_await pair.session.send(large);
  EXPECT_TRUE(sent);
  auto message = co_await within(std::chrono::seconds(100), pair.session.receive());
  EXPECT_EQ(message.error(), Errc::timed_out);
  EXPECT_EQ(pair.session.ended(), Errc::none);
  pair.session = {};
  group.stop();
  co_await group.join();
}

// A bug: the ping that found no room in a full queue counted as asked, and a peer that was quiet later was dead to it.
TEST(Closing, APingThatFoundNoRoomIsSentLater) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::client, {.queue_bytes_max = 1000, .keepalive_seconds = 10, .pong_seconds = 5});
  std::size_t pings = 0;
  loop.run(send_to_late(loop, pair, pings));
  EXPECT_GE(pings, 5u);
}

TEST(Closing, IdleForTooLong) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.keepalive_seconds = 0, .idle_seconds = 30});
  Seen seen;
  loop.run(silent_peer(loop, pair, seen));
  ASSERT_EQ(seen.frames.size(), 1u);
  EXPECT_EQ(seen.frames[0].payload.substr(0, 2), body(1001));
  EXPECT_GE(loop.now(), std::chrono::seconds(30));
  pair.session = {};
}

Task<> drop_session(Pair& pair) {
  co_await pair.session.send("last words");
  pair.session = {};
}

Task<> dropped(Loop& loop, Pair& pair, Seen& seen) {
  TaskGroup group(loop);
  group.spawn(drop_session(pair));
  group.spawn(answer_close(pair, true, seen));
  co_await group.join();
}

TEST(Closing, ASessionThatIsDestroyedClosesByItself) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role);
    Seen seen;
    loop.run(dropped(loop, pair, seen));
    ASSERT_EQ(seen.frames.size(), 2u);
    EXPECT_EQ(seen.frames[0].payload, "last words");
    EXPECT_EQ(seen.frames[1].payload, body(1001));
    EXPECT_TRUE(seen.end);
  }
}

Task<> look_for_long(Pair& pair) {
  const std::string bytes = pair.wire(Opcode::text, "still here");
  co_await pair.peer.send(bytes);
  auto message = co_await pair.session.receive();
  EXPECT_TRUE(message);
  if (!message) co_return;
  co_await sleep_for(std::chrono::seconds(10));
  EXPECT_EQ(message->text(), "still here");
  auto after = co_await pair.session.receive();
  EXPECT_EQ(after.error(), Errc::timed_out);
}

// The buffer that it lies in was given back when the session ended.
TEST(Closing, AMessageStaysReadableAfterItsConnectionDied) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.keepalive_seconds = 1, .pong_seconds = 1});
  loop.run(look_for_long(pair));
  pair.session = {};
  pair.peer.close();
}

}  // namespace
}  // namespace parley::ws
