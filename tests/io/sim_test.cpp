// The simulated driver under a Loop: its clock, its order, and what it says of leaks and of programs that hang.
#include "io/sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <parley/parley.h>
#include <parley/simulation.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> echo(Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    const Bytes view = *bytes;
    const auto sent = co_await peer.send(view);
    if (!sent) co_return;
  }
}

TEST(Sim, TimeJumpsToTheTimerThatIsDue) {
  Simulation simulation;
  Loop loop(simulation);
  const auto before = loop.now();
  const auto sleeper = []() -> Task<> { co_await sleep_for(1h); };
  ASSERT_TRUE(loop.run(sleeper()));
  EXPECT_EQ(loop.driver(), "sim");
  EXPECT_GE(loop.now() - before, 1h);
  EXPECT_LT(loop.now() - before, 1h + 1ms);
}

TEST(Sim, TimePassesForATaskThatNeverWaits) {
  Simulation simulation;
  Loop loop(simulation);
  const auto busy = [](Loop& where) -> Task<> {
    while (where.now() < 5ms) co_await yield();
  };
  ASSERT_TRUE(loop.run(busy(loop)));
}

Task<> say_and_hear(Loop& loop, Address server, std::string text, std::vector<std::string>& heard) {
  auto peer = co_await connect(loop, server);
  if (!peer) co_return;
  const auto sent = co_await peer->send(text);
  if (!sent || !peer->shutdown()) co_return;
  std::string answer;
  while (auto bytes = co_await peer->receive()) answer += as_text(*bytes);
  heard.push_back(answer);
}

Task<> echo_to_five(Loop& loop, std::vector<std::string>& heard) {
  auto listener = listen(loop, "tcp://127.0.0.1:0");
  if (!listener) co_return;
  const Address address = listener->local_address();
  TaskGroup server(loop);
  auto serving = [](Loop& where, Listener at) -> Task<> { (void)co_await serve(where, std::move(at), echo); };
  server.spawn(serving(loop, std::move(*listener)));
  TaskGroup clients(loop);
  for (const char* text : {"one", "two", "three", "four", "five"}) {
    clients.spawn(say_and_hear(loop, address, text, heard));
  }
  co_await clients.join();
  server.stop();
  co_await server.join();
}

struct Outcome {
  std::vector<std::string> heard;
  SimulationReport report;
};

Outcome run_echo(const SimulationOptions& options) {
  Outcome run;
  Simulation simulation(options);
  {
    Loop loop(simulation);
    EXPECT_TRUE(loop.run(echo_to_five(loop, run.heard)));
  }
  run.report = simulation.finish();
  return run;
}

TEST(Sim, OneSeedIsOneRun) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Outcome first = run_echo(SimulationOptions::hostile(seed));
    const Outcome second = run_echo(SimulationOptions::hostile(seed));
    EXPECT_EQ(first.heard, second.heard);
    EXPECT_EQ(first.report.turns, second.report.turns);
    EXPECT_EQ(first.report.time, second.report.time);
    EXPECT_EQ(first.report.faults, second.report.faults);
    EXPECT_TRUE(first.report.clean()) << first.report.to_string();
  }
}

TEST(Sim, SeedsDifferInTheOrderOfWhatIsReady) {
  std::vector<std::vector<std::string>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Outcome run = run_echo({.seed = seed});
    EXPECT_EQ(run.heard.size(), 5u);
    if (std::ranges::find(orders, run.heard) == orders.end()) orders.push_back(run.heard);
  }
  EXPECT_GT(orders.size(), 3u);
}

TEST(Sim, FaultsHappen) {
  const Outcome run = run_echo({.receive_partial_chance = 0.5, .send_blocked_chance = 0.5, .delay_chance = 1});
  EXPECT_GT(run.report.faults, 10u);
  EXPECT_GT(run.report.time, 1ms);
  EXPECT_EQ(run.report.bytes_sent, run.report.bytes_received);
  EXPECT_EQ(run.report.bytes_sent, 2 * std::string("onetwothreefourfive").size());
}

using SimDeathTest = testing::Test;

TEST(SimDeathTest, AProgramThatWaitsForeverIsAbortedWithTheSeed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hang = [] {
    Simulation simulation({.seed = 4711});
    Loop loop(simulation);
    const auto wait = [](Loop& where) -> Task<> {
      auto listener = listen(where, "tcp://127.0.0.1:9000");
      (void)co_await listener->accept();
    };
    (void)loop.run(wait(loop));
  };
  EXPECT_DEATH(hang(),
               "seed 4711: tasks wait, but nothing can ever happen.*listener at 127.0.0.1:9000.*waits to receive");
}

TEST(SimDeathTest, AProgramThatSpinsIsAborted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto spin = [] {
    Simulation simulation({.seed = 12, .turns_max = 1000});
    Loop loop(simulation);
    const auto busy = []() -> Task<> {
      for (;;) co_await yield();
    };
    (void)loop.run(busy());
  };
  EXPECT_DEATH(spin(), "seed 12: turns_max");
}

}  // namespace
}  // namespace parley
