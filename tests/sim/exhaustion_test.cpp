// Descriptors run out: accepting pauses and goes on, nobody spins, and everybody is served in the end.
#include "sim/seeds.h"

namespace parley::sim {
namespace {

using namespace std::chrono_literals;

SimulationOptions few_descriptors(std::uint64_t seed) noexcept {
  SimulationOptions options = SimulationOptions::harmless(seed);
  options.descriptors_max = 4 + seed % 9;
  if (seed % 2 == 0) options.descriptors_exhausted_chance = 0.2;
  return options;
}

// A client holds a descriptor that the server may need, so it is patient for a while only.
Task<bool> ask_once(World& world, Address server) {
  auto peer = co_await connect(world.loop, server);
  if (!peer) co_return false;
  (void)co_await within(10s, peer->send("question"));
  std::string answer;
  while (answer.size() < 8) {
    const auto bytes = co_await within(10s, peer->receive());
    if (!bytes) co_return false;
    answer += as_text(*bytes);
  }
  EXPECT_EQ(answer, "question");
  co_return true;
}

Task<> ask_until_answered(World& world, Address server) {
  constexpr int attempts = 1000;
  for (int i = 0; i < attempts; ++i) {
    const bool answered = co_await ask_once(world, server);
    if (answered) co_return;
    (void)co_await sleep_for(std::chrono::milliseconds(world.random.below(10'000)));
  }
  ADD_FAILURE() << "not answered in " << attempts << " attempts";
}

struct Pauses {
  int begun = 0;
  int ended = 0;

  static void told(void* state, Error why) {
    auto& pauses = *static_cast<Pauses*>(state);
    EXPECT_TRUE(why == Errc::none || why == Errc::descriptors_exhausted);
    ++(why == Errc::none ? pauses.ended : pauses.begun);
  }
};

Task<> ask_many(World& world) {
  Pauses pauses;
  Server server(world, echo, {.listen = {.paused = Pauses::told, .paused_state = &pauses}});
  TaskGroup clients(world.loop);
  for (int i = 0; i < 20; ++i) clients.spawn(ask_until_answered(world, server.address()));
  co_await clients.join();
  co_await server.stop();
  EXPECT_LE(pauses.ended, pauses.begun);
  EXPECT_LE(pauses.begun, pauses.ended + 1);
}

TEST(Exhaustion, EverybodyIsServedInTheEnd) { for_seeds(few_descriptors, ask_many, 100); }

SimulationOptions four_descriptors(std::uint64_t seed) noexcept {
  SimulationOptions options = SimulationOptions::harmless(seed);
  options.descriptors_max = 4;
  return options;
}

// A listener, a connection with both its ends, and a second client: none is left to accept that with.
Task<> wait_for_a_descriptor(World& world) {
  Pauses pauses;
  Server server(world, echo, {.listen = {.paused = Pauses::told, .paused_state = &pauses}});
  auto first = co_await connect_at_last(world, server.address());
  auto second = co_await connect_at_last(world, server.address());
  if (!first || !second) co_return;
  const auto sent = co_await second->send("hello");
  EXPECT_TRUE(succeeded(sent));

  const auto turns = world.simulation.finish().turns;
  (void)co_await sleep_for(1h);
  EXPECT_EQ(pauses.begun, 1);
  EXPECT_EQ(pauses.ended, 0);
  // It looks every 100 ms: that is a few turns each time, and not as many as the machine can make.
  EXPECT_LT(world.simulation.finish().turns - turns, 36'000u * 10);

  first->close();
  const auto before = world.loop.now();
  const auto answer = co_await second->receive();
  EXPECT_TRUE(succeeded(answer));
  EXPECT_LT(world.loop.now() - before, 1min);
  (void)co_await sleep_for(1s);
  EXPECT_EQ(pauses.ended, 1);
  co_await server.stop();
}

TEST(Exhaustion, AcceptingPausesAndGoesOn) { for_seeds(four_descriptors, wait_for_a_descriptor, 20); }

// Each that goes lets the next one in, and there is none for the one after.
Task<> take_turns(World& world) {
  Pauses pauses;
  Server server(world, echo, {.listen = {.paused = Pauses::told, .paused_state = &pauses}});
  const auto began = world.loop.now();
  auto served = co_await connect_at_last(world, server.address());
  for (int i = 0; served && i < 50; ++i) {
    auto next = co_await connect_at_last(world, server.address());
    if (!next) co_return;
    const auto sent = co_await next->send("hello");
    EXPECT_TRUE(succeeded(sent));
    served->close();
    const auto answer = co_await next->receive();
    EXPECT_TRUE(succeeded(answer));
    served = std::move(next);
  }
  EXPECT_GE(pauses.begun, 1);
  EXPECT_LE(pauses.begun, pauses.ended + 1);
  EXPECT_LE(pauses.ended, (world.loop.now() - began) / 1s);  // a second of calm each
  (void)co_await sleep_for(2s);
  EXPECT_EQ(pauses.ended, pauses.begun);
  served->close();
  co_await server.stop();
}

// Who opened connections without end had a line of log written for each that was closed.
TEST(Exhaustion, ALongShortageIsToldOnce) { for_seeds(four_descriptors, take_turns, 20); }

}  // namespace
}  // namespace parley::sim
