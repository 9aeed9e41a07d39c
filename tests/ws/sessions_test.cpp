#include "ws/sessions.h"

#include <gtest/gtest.h>
#include <parley/parley.h>

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

}  // namespace
}  // namespace parley::ws
