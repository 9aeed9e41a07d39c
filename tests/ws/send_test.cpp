#include <gtest/gtest.h>

#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Frame;
using testing::Pair;

constexpr auto soon = std::chrono::milliseconds(1000);

Task<> collect(Pair& pair, std::vector<Frame>& frames, std::size_t count) {
  while (frames.size() < count) {
    auto frame = co_await pair.frame();
    if (!frame) co_return;
    frames.push_back(*frame);
  }
}

Task<> send_kinds(Pair& pair, std::vector<Frame>& frames) {
  const std::string large(10'000, 'x');
  co_await pair.session.send("text");
  co_await pair.session.send(as_bytes("binary"));
  co_await pair.session.send(large);
  co_await pair.session.send("");
  co_await collect(pair, frames, 4);
}

TEST(Send, BothKindsAndSizesAndMaskedByAClientOnly) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role);
    std::vector<Frame> frames;
    loop.run(send_kinds(pair, frames));
    const bool masked = role == Role::client;
    ASSERT_EQ(frames.size(), 4u);
    EXPECT_EQ(frames[0], (Frame{0x81, "text", masked}));
    EXPECT_EQ(frames[1], (Frame{0x82, "binary", masked}));
    EXPECT_EQ(frames[2], (Frame{0x81, std::string(10'000, 'x'), masked}));
    EXPECT_EQ(frames[3], (Frame{0x81, "", masked}));
    pair.session = {};
  }
}

Task<> send_parts(Pair& pair) {
  co_await pair.session.send_some("one", false);
  co_await pair.session.send_some("", false);
  co_await sleep_for(soon);
  co_await pair.session.send_some("two", true);
}

Task<> send_whole(Pair& pair) {
  co_await sleep_for(soon / 2);
  co_await pair.session.send("whole");
}

Task<> parts_and_whole(Loop& loop, Pair& pair, std::vector<Frame>& frames) {
  TaskGroup group(loop);
  group.spawn(send_parts(pair));
  group.spawn(send_whole(pair));
  group.spawn(collect(pair, frames, 4));
  co_await group.join();
}

TEST(Send, AWholeMessageNeverComesBetweenParts) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role);
    std::vector<Frame> frames;
    loop.run(parts_and_whole(loop, pair, frames));
    const bool masked = role == Role::client;
    ASSERT_EQ(frames.size(), 4u);
    EXPECT_EQ(frames[0], (Frame{0x01, "one", masked}));
    EXPECT_EQ(frames[1], (Frame{0x00, "", masked}));
    EXPECT_EQ(frames[2], (Frame{0x80, "two", masked}));
    EXPECT_EQ(frames[3], (Frame{0x81, "whole", masked}));
    pair.session = {};
  }
}

Task<> send_numbered(Pair& pair, int sender, int count, std::size_t size) {
  for (int i = 0; i < count; ++i) {
    std::string text = std::to_string(sender) + ":" + std::to_string(i) + ":";
    text.resize(size, static_cast<char>('a' + sender));
    auto sent = co_await pair.session.send(text);
    EXPECT_TRUE(sent);
  }
}

Task<> collect_later(Pair& pair, std::vector<Frame>& frames, std::size_t count) {
  co_await sleep_for(soon);
  co_await collect(pair, frames, count);
}

Task<> many_senders(Loop& loop, Pair& pair, std::size_t size, std::vector<Frame>& frames) {
  TaskGroup group(loop);
  for (int sender = 0; sender < 5; ++sender) group.spawn(send_numbered(pair, sender, 20, size));
  group.spawn(collect_later(pair, frames, 100));
  co_await group.join();
}

TEST(Send, FromManyTasksWhileThePeerDoesNotRead) {
  for (Role role : {Role::server, Role::client}) {
    for (std::size_t size : {100u, 5000u, 100'000u}) {
      Simulation simulation;
      Loop loop(simulation);
      Pair pair(loop, role, {.queue_bytes_max = 50'000});
      std::vector<Frame> frames;
      loop.run(many_senders(loop, pair, size, frames));
      ASSERT_EQ(frames.size(), 100u);
      std::vector<int> next(5);
      for (const Frame& frame : frames) {
        ASSERT_EQ(frame.payload.size(), size);
        const auto sender = static_cast<std::size_t>(frame.payload[0] - '0');
        const std::string start = std::to_string(sender) + ":" + std::to_string(next[sender]++) + ":";
        EXPECT_TRUE(frame.payload.starts_with(start));
        EXPECT_EQ(frame.payload.find_first_not_of(frame.payload.back(), start.size()), std::string::npos);
      }
      EXPECT_EQ(pair.session.counters().queued_bytes, 0u);
      pair.session = {};
    }
  }
}

Task<> send_until_full(Pair& pair, int count, std::vector<Errc>& outcomes) {
  const std::string text(100'000, 'x');
  for (int i = 0; i < count; ++i) {
    auto sent = co_await within(soon, pair.session.send(text));
    outcomes.push_back(sent ? Errc::none : sent.error().code);
  }
}

TEST(Send, WhenFullWaitsAndWhatWasCancelledStillLeaves) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.queue_bytes_max = 1, .keepalive_seconds = 0});
  std::vector<Errc> outcomes;
  loop.run(send_until_full(pair, 6, outcomes));
  EXPECT_EQ(outcomes[0], Errc::none);
  EXPECT_EQ(outcomes[5], Errc::timed_out);
  std::vector<Frame> frames;
  loop.run(collect(pair, frames, 6));
  ASSERT_EQ(frames.size(), 6u);
  for (const Frame& frame : frames) EXPECT_EQ(frame.payload, std::string(100'000, 'x'));
  pair.session = {};
}

TEST(Send, WhenFullDropsTheNewestOrTheOldestOrCloses) {
  for (WhenFull policy : {WhenFull::drop_newest, WhenFull::drop_oldest, WhenFull::close}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, Role::server, {.queue_bytes_max = 150'000, .when_full = policy});
    std::vector<Errc> outcomes;
    loop.run(send_until_full(pair, 10, outcomes));
    EXPECT_EQ(outcomes.back() == Errc::none, policy == WhenFull::drop_oldest);
    EXPECT_EQ(pair.session.counters().dropped > 0, policy != WhenFull::close);
    EXPECT_LE(pair.session.counters().queued_bytes, 300'000u);
    EXPECT_EQ(outcomes.back() == Errc::end, policy == WhenFull::close);
    std::vector<Frame> frames;
    loop.run(collect(pair, frames, 4));
    for (const Frame& frame : frames) {
      EXPECT_EQ(frame.payload.size() == 100'000u, frame.first != 0x88);
    }
    pair.session = {};
  }
}

Task<> ping_twice(Pair& pair, std::vector<Result<std::chrono::nanoseconds>>& times) {
  times.push_back(co_await pair.session.ping());
  times.push_back(co_await within(soon, pair.session.ping()));
}

Task<> answer_first_ping(Pair& pair) {
  auto ping = co_await pair.frame();
  co_await pair.peer.send(pair.wire(Opcode::pong, "not yours"));
  co_await sleep_for(soon / 4);
  if (ping) co_await pair.peer.send(pair.wire(Opcode::pong, ping->payload));
  (void)co_await pair.frame();
}

Task<> pings(Loop& loop, Pair& pair, std::vector<Result<std::chrono::nanoseconds>>& times) {
  TaskGroup group(loop);
  group.spawn(ping_twice(pair, times));
  group.spawn(answer_first_ping(pair));
  co_await group.join();
}

TEST(Send, APingMeasuresTheTimeToItsOwnPong) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::client, {.keepalive_seconds = 0});
  std::vector<Result<std::chrono::nanoseconds>> times;
  loop.run(pings(loop, pair, times));
  ASSERT_EQ(times.size(), 2u);
  ASSERT_TRUE(times[0]);
  EXPECT_GE(*times[0], soon / 4);
  EXPECT_LT(*times[0], soon / 2);
  EXPECT_EQ(times[1].error(), Errc::timed_out);
  pair.session = {};
}

Task<> send_halves(Pair& pair, std::string half) {
  co_await pair.session.send(half);
  const ws::Message part(as_bytes(half));
  auto first = co_await pair.session.send_some(part, false);
  EXPECT_TRUE(first);
  auto second = co_await pair.session.send_some(part, true);
  EXPECT_TRUE(second);
}

Task<> collect_after_a_while(Loop& loop, Pair& pair, std::string half, std::vector<Frame>& frames) {
  TaskGroup group(loop);
  group.spawn(send_halves(pair, half));
  co_await sleep_for(soon);
  co_await collect(pair, frames, 3);
  co_await group.join();
}

// It waited in a queue that its own message held up.
TEST(Send, APartOfAMessageBehindAFullQueueIsNotHeldForEver) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation(SimulationOptions{.socket_buffer_bytes = 64});
    Loop loop(simulation);
    Pair pair(loop, role, {.queue_bytes_max = 1000});
    std::vector<Frame> frames;
    loop.run(collect_after_a_while(loop, pair, std::string(300'000, 'x'), frames));
    EXPECT_EQ(frames.size(), 3u);
    pair.session = {};
    pair.peer.close();
  }
}

Task<> send_in_a_hurry(Pair& pair, std::string large) {
  for (const char* name : {"1", "2", "3"}) {
    const std::string text = name + large;
    (void)co_await within(std::chrono::milliseconds(1), pair.session.send(text));
  }
  (void)co_await within(std::chrono::milliseconds(1), pair.session.send_some("4", false));
  (void)co_await within(std::chrono::milliseconds(1), pair.session.send_some("!", true));
}

Task<> hurry_and_collect(Pair& pair, std::string large, std::vector<Frame>& frames) {
  co_await send_in_a_hurry(pair, large);
  co_await collect(pair, frames, 5);
}

// A part overtook whole messages that waited for room.
TEST(Send, APartLeavesBehindTheMessagesThatWereSentBefore) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.queue_bytes_max = 1000});
  std::vector<Frame> frames;
  loop.run(hurry_and_collect(pair, std::string(300'000, 'x'), frames));
  ASSERT_EQ(frames.size(), 5u);
  std::string order;
  for (const Frame& frame : frames) order += frame.payload[0];
  EXPECT_EQ(order, "1234!");
  pair.session = {};
  pair.peer.close();
}

Task<> send_then_ping(Pair& pair, std::string large, Result<std::chrono::nanoseconds>& time) {
  co_await pair.session.send(large);
  time = co_await pair.session.ping();
}

Task<> read_then_answer(Pair& pair) {
  (void)co_await pair.frame();
  Task<> answering = answer_first_ping(pair);
  co_await answering;
}

Task<> ping_and_read_late(Loop& loop, Pair& pair, Result<std::chrono::nanoseconds>& time) {
  TaskGroup group(loop);
  group.spawn(send_then_ping(pair, std::string(300'000, 'x'), time));
  co_await sleep_for(soon);
  group.spawn(read_then_answer(pair));
  co_await sleep_for(soon);
  group.stop();
  co_await group.join();
}

// It was not sent, and whoever had asked for it waited for ever.
TEST(Send, APingBehindAFullQueueIsSent) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role, {.queue_bytes_max = 1000});
    Result<std::chrono::nanoseconds> time = fail(Errc::none);
    loop.run(ping_and_read_late(loop, pair, time));
    EXPECT_TRUE(time.has_value()) << name(time.error().code);
    pair.session = {};
    pair.peer.close();
  }
}

Task<> stream_parts(Pair& pair, std::size_t& done) {
  const std::string part(10'000, 'x');
  const ws::Message bytes(as_bytes(part));
  for (int i = 0; i < 200; ++i) {
    auto sent = co_await pair.session.send_some(bytes, false);
    if (!sent) co_return;
    ++done;
  }
}

Task<> stream_to_nobody(Loop& loop, Pair& pair, std::size_t& done) {
  TaskGroup group(loop);
  group.spawn(stream_parts(pair, done));
  co_await sleep_for(soon);
  EXPECT_LT(pair.session.counters().queued_bytes, 30'000u);
  group.stop();
  co_await group.join();
}

// Parts of a client's, or compressed, were queued without end while the peer did not read.
TEST(Send, PartsWaitWhileThePeerDoesNotRead) {
  for (Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, role, {.queue_bytes_max = 10'000});
    std::size_t done = 0;
    loop.run(stream_to_nobody(loop, pair, done));
    EXPECT_LT(done, 60u);
    pair.peer.close();
    pair.session = {};
  }
}

Task<> drop_around_parts(Pair& pair, std::vector<Frame>& frames) {
  const std::string large(100'000, 'x');
  co_await pair.session.send(large);
  co_await pair.session.send(large);
  co_await pair.session.send(large);
  (void)co_await within(std::chrono::milliseconds(1), pair.session.send_some("begin", false));
  (void)co_await within(std::chrono::milliseconds(1), pair.session.send_some("end", true));
  for (int i = 0; i < 10; ++i) co_await pair.session.send(large);
  EXPECT_GT(pair.session.counters().dropped, 0u);
  (void)pair.session.close();
  for (;;) {
    auto frame = co_await pair.frame();
    if (!frame) break;
    frames.push_back(*frame);
  }
}

// With one frame of it gone, the peer would take the rest for something else.
TEST(Send, DroppingTheOldestLeavesPartsOfMessagesAlone) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.queue_bytes_max = 50'000, .when_full = WhenFull::drop_oldest});
  std::vector<Frame> frames;
  loop.run(drop_around_parts(pair, frames));
  std::string parts;
  for (const Frame& frame : frames) {
    if (frame.payload.size() < 10 && frame.first != 0x88) parts += frame.payload + "|";
  }
  EXPECT_EQ(parts, "begin|end|");
  pair.session = {};
  pair.peer.close();
}

}  // namespace
}  // namespace parley::ws
