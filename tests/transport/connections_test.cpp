#include "transport/connections.h"

#include <gtest/gtest.h>
#include <parley/parley.h>

#include <chrono>
#include <stdexcept>

namespace parley {
namespace {

int reported = 0;
void report(std::exception_ptr) { ++reported; }

Task<> sleeps(std::chrono::seconds time, Result<void>& outcome) { outcome = co_await sleep_for(time); }

Task<> drain_two(Loop& loop, Result<void>& quick, Result<void>& slow) {
  Connections connections(loop, nullptr);
  connections.spawn(sleeps(std::chrono::seconds(2), quick));
  connections.spawn(sleeps(std::chrono::seconds(100), slow));
  co_await connections.drain(5);
  EXPECT_EQ(connections.size(), 0u);
}

TEST(Connections, DrainWaitsForSomeSecondsAndThenStopsTheRest) {
  Simulation simulation;
  Loop loop(simulation);
  Result<void> quick = fail(Errc::system);
  Result<void> slow = fail(Errc::system);
  loop.run(drain_two(loop, quick, slow));
  EXPECT_TRUE(quick);
  EXPECT_EQ(slow.error(), Errc::cancelled);
  EXPECT_GE(loop.now(), std::chrono::seconds(5));
  EXPECT_LT(loop.now(), std::chrono::seconds(6));
}

Task<> throws_later(int) {
  co_await yield();
  throw std::runtime_error("later");
}

Task<> throws_at_once(int) { throw std::runtime_error("at once"); }  // no coroutine

Task<> throwing(Loop& loop, Result<void>& other) {
  Connections connections(loop, report);
  connections.spawn(sleeps(std::chrono::seconds(1), other));
  connections.serve(throws_later, 1);
  connections.serve(throws_at_once, 2);
  co_await connections.join();
}

TEST(Connections, AHandlerThatThrowsIsReportedAndTheOthersGoOn) {
  reported = 0;
  Simulation simulation;
  Loop loop(simulation);
  Result<void> other = fail(Errc::system);
  loop.run(throwing(loop, other));
  EXPECT_EQ(reported, 2);
  EXPECT_TRUE(other);
}

}  // namespace
}  // namespace parley
