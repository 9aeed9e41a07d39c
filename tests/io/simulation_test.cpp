#include <parley/simulation.h>

#include <gtest/gtest.h>

#include <parley/parley.h>

#include "io/core.h"
#include "results.h"

namespace parley {
namespace {

TEST(Simulation, HarmlessOptionsHaveNoFaultThatAProgramNotices) {
  int partial = 0, blocked = 0, delayed = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const SimulationOptions options = SimulationOptions::harmless(seed);
    EXPECT_EQ(options.seed, seed);
    EXPECT_EQ(options.reset_chance, 0);
    EXPECT_EQ(options.connect_refused_chance, 0);
    EXPECT_EQ(options.accept_aborted_chance, 0);
    EXPECT_EQ(options.datagram_lost_chance, 0);
    EXPECT_EQ(options.descriptors_exhausted_chance, 0);
    partial += options.receive_partial_chance > 0;
    blocked += options.send_blocked_chance > 0;
    delayed += options.delay_chance > 0;
  }
  for (const int count : {partial, blocked, delayed}) {
    EXPECT_GT(count, 300);
    EXPECT_LT(count, 700) << "each fault is at times absent";
  }
}

TEST(Simulation, HostileOptionsHaveEveryFault) {
  int reset = 0, refused = 0, aborted = 0, lost = 0, duplicated = 0, reordered = 0, exhausted = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const SimulationOptions options = SimulationOptions::hostile(seed);
    reset += options.reset_chance > 0;
    refused += options.connect_refused_chance > 0;
    aborted += options.accept_aborted_chance > 0;
    lost += options.datagram_lost_chance > 0;
    duplicated += options.datagram_duplicated_chance > 0;
    reordered += options.datagram_reordered_chance > 0;
    exhausted += options.descriptors_exhausted_chance > 0;
  }
  for (const int count : {reset, refused, aborted, lost, duplicated, reordered, exhausted}) {
    EXPECT_GT(count, 300);
    EXPECT_LT(count, 700);
  }
}

TEST(Simulation, AFreshOneIsClean) {
  Simulation simulation({.seed = 5});
  {
    Loop loop(simulation);
  }
  const SimulationReport report = simulation.finish();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.to_string(), "seed 5: nothing leaked, nothing lost");
}

TEST(Simulation, ALentBufferThatIsNotGivenBackIsALeak) {
  Simulation simulation;
  {
    Loop loop(simulation);
    detail::Buffer* const buffer = loop.core().buffers.lend();
    EXPECT_TRUE(succeeded(loop.run([]() -> Task<> { co_return; }())));
    // Given back when nobody can tell any more: only so that the test itself leaks nothing.
    loop.core().driver.reset();
    loop.core().buffers.give_back(buffer);
  }
  const SimulationReport report = simulation.finish();
  EXPECT_GT(report.buffer_bytes_leaked, 0u);
  EXPECT_FALSE(report.clean());
  EXPECT_NE(report.to_string().find("bytes of receive buffers leaked"), std::string::npos);
}

TEST(SimulationDeathTest, OneThatNobodyAskedAbortsWhenItIsNotClean) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto leak = [] {
    Simulation simulation({.seed = 99});
    Loop loop(simulation);
    (void)loop.core().driver->listen(*Address::parse("127.0.0.1:80"), 1, ReusePort::no);
  };
  EXPECT_DEATH(leak(), "seed 99: 1 descriptors leaked .3: listener at 127.0.0.1:80");
}

TEST(Simulation, TwoLoopsOneAfterTheOtherShareTheClock) {
  Simulation simulation;
  const auto an_hour = []() -> Task<> { (void)co_await sleep_for(std::chrono::hours(1)); };
  {
    Loop loop(simulation);
    EXPECT_TRUE(succeeded(loop.run(an_hour())));
  }
  Loop loop(simulation);
  EXPECT_GE(loop.now(), std::chrono::hours(1));
}

}  // namespace
}  // namespace parley
