#include "ws/sessions.h"

#include <gtest/gtest.h>
#include <parley/parley.h>

#include <string>
#include <utility>
#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

Task<> wait_for(std::chrono::milliseconds time) { (void)co_await sleep_for(time); }

void hold_a_session(Loop& loop, std::chrono::milliseconds time) {
  testing::Pair pair(loop, Role::server, {.keepalive_seconds = 0});
  loop.run(wait_for(time));
  pair.peer.close();
}

TEST(Sessions, count_seconds_while_there_are_any) {
  Simulation simulation;
  Loop loop(simulation);
  Sessions& sessions = Sessions::of(loop.core());
  loop.run(wait_for(std::chrono::seconds(10)));
  EXPECT_EQ(sessions.second(), 0u);
  hold_a_session(loop, std::chrono::milliseconds(10'500));
  EXPECT_EQ(sessions.second(), 10u);
  loop.run(wait_for(std::chrono::seconds(10)));
  EXPECT_EQ(sessions.second(), 10u);
  hold_a_session(loop, std::chrono::milliseconds(2'500));
  EXPECT_EQ(sessions.second(), 12u);
}

TEST(SessionsDeathTest, one_that_outlives_its_loop_ends_the_program) {
  EXPECT_DEATH(
      {
        Session session;
        Simulation simulation;
        Loop loop(simulation);
        session = std::move(testing::Pair(loop, Role::server).session);
      },
      "a Session outlived its Loop");
}

Task<Result<void>> send(Session& session) {
  Result<void> sent = co_await session.send("still there?");
  co_return sent;
}

// One clock for all, but each is judged by the limits of its own server.
TEST(Sessions, each_has_its_own_limits) {
  Simulation simulation;
  Loop loop(simulation);
  testing::Pair strict(loop, Role::server, {.idle_seconds = 3});
  testing::Pair patient(loop, Role::server, {.idle_seconds = 30});
  loop.run(wait_for(std::chrono::seconds(10)));
  EXPECT_FALSE(loop.run(send(strict.session)));
  EXPECT_TRUE(loop.run(send(patient.session)));
  strict.peer.close();
  patient.peer.close();
}

// The clock goes in whole seconds: who comes shortly before it strikes is not closed before its time.
TEST(Sessions, are_never_idle_for_less_than_idle_seconds) {
  for (int late = 0; late < 1000; late += 199) {
    Simulation simulation;
    Loop loop(simulation);
    testing::Pair first(loop, Role::server, {});
    loop.run(wait_for(std::chrono::milliseconds(late)));
    testing::Pair pair(loop, Role::server, {.idle_seconds = 2});
    loop.run(wait_for(std::chrono::milliseconds(1'990)));
    EXPECT_TRUE(loop.run(send(pair.session))) << late << " ms late";
    first.peer.close();
    pair.peer.close();
  }
}

Task<> answer_all(Session& session, bool& was_small) {
  while (auto message = co_await session.receive()) {
    (void)co_await session.send(*message);
    was_small = was_small && SessionCore::of(session).is_small();
  }
}

Task<> flood(testing::Pair& pair, std::size_t count, std::string payload) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += pair.wire(codec::Opcode::binary, payload);
  (void)co_await pair.peer.send(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    auto frame = co_await pair.frame();
    EXPECT_EQ(frame.has_value() && frame->payload == payload, true) << i;
  }
  (void)co_await sleep_for(std::chrono::milliseconds(1'500));
  EXPECT_TRUE(SessionCore::of(pair.session).is_small());
  pair.peer.close();
}

Task<> answered_flood(Loop& loop, testing::Pair& pair, std::size_t count, std::string payload) {
  TaskGroup group(loop);
  bool was_small = true;
  group.spawn(answer_all(pair.session, was_small));
  group.spawn(flood(pair, count, std::move(payload)));
  co_await group.join();
  EXPECT_FALSE(was_small);
}

// A bug: one long turn, or one answer that did not fit, and a session was seven times as large until it was closed.
TEST(Sessions, give_back_what_they_needed_once) {
  for (const auto& [count, bytes] : {std::pair(1000u, 10u), std::pair(3u, 100'000u)}) {
    Simulation simulation;
    Loop loop(simulation);
    testing::Pair pair(loop, Role::server, {.queue_bytes_max = 1});
    loop.run(answered_flood(loop, pair, count, std::string(bytes, 'x')));
    pair.session = {};
  }
}

Task<> send_into_a_full_pipe(testing::Pair& pair) {
  const std::string text(200'000, 'x');
  for (int i = 0; i < 4; ++i) (void)co_await pair.session.send(text);
  EXPECT_EQ(pair.session.counters().dropped, 2u);
  for (int i = 0; i < 2; ++i) (void)co_await pair.frame();
  (void)co_await within(std::chrono::seconds(3), pair.session.receive());
  EXPECT_EQ(pair.session.counters().dropped, 2u);
}

// A bug: the first receive(), which lets go of the handshake, forgot what had been dropped before.
TEST(Sessions, count_what_was_dropped_before_the_first_receive) {
  Simulation simulation;
  Loop loop(simulation);
  testing::Pair pair(loop, Role::server,
                     {.queue_bytes_max = 1, .when_full = WhenFull::drop_newest, .keepalive_seconds = 0});
  SessionCore::of(pair.session).keep_request(std::make_unique<Request>("GET / HTTP/1.1\r\n\r\n"));
  loop.run(send_into_a_full_pipe(pair));
  pair.session = {};
  pair.peer.close();
}

}  // namespace
}  // namespace parley::ws
