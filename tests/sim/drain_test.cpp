// A server that is stopped while it answers.
#include <vector>

#include "sim/seeds.h"

namespace parley::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto thinking = 100h;
constexpr std::size_t text_bytes = 20'000;

// Thinks long about what it was sent, and sends it back.
Task<> think_then_echo(Stream peer, int& thought) {
  std::string heard;
  while (heard.size() < text_bytes) {
    const auto bytes = co_await peer.receive();
    EXPECT_TRUE(succeeded(bytes));
    if (!bytes) co_return;
    heard += as_text(*bytes);
  }
  const auto slept = co_await sleep_for(thinking);
  EXPECT_TRUE(succeeded(slept));
  const auto sent = co_await peer.send(heard);
  EXPECT_TRUE(succeeded(sent));
  // More never comes: the server is stopped.
  const auto more = co_await peer.receive();
  EXPECT_FALSE(more);
  ++thought;
}

Task<> ask(World& world, Address server, std::uint64_t id) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  const std::string text = pattern(id, 0, text_bytes);
  const auto sent = co_await peer->send(text);
  EXPECT_TRUE(succeeded(sent));
  std::size_t received = 0;
  while (auto bytes = co_await peer->receive()) {
    EXPECT_TRUE(is_pattern(id, received, *bytes));
    received += bytes->size();
  }
  EXPECT_EQ(received, text.size());
}

Task<> stop_while_they_think(World& world) {
  int thought = 0;
  Server server(world, {think_then_echo, thought}, {.drain_seconds = 1'000'000});
  const auto count = world.random.between(1, 5);
  TaskGroup clients(world.loop);
  for (std::uint64_t id = 0; id < count; ++id) clients.spawn(ask(world, server.address(), id));
  (void)co_await sleep_for(thinking / 2);
  co_await server.stop();
  EXPECT_EQ(thought, static_cast<int>(count));
  const auto late = co_await connect(world.loop, server.address());
  EXPECT_TRUE(failed_with(late, Errc::refused));
  co_await clients.join();
}

TEST(Drain, WhatIsBeingAnsweredIsFinished) { for_seeds(SimulationOptions::harmless, stop_while_they_think); }

Task<> never_end(Stream peer, int& cancelled) {
  (void)co_await peer.receive();
  const auto slept = co_await sleep_for(24h * 365);
  EXPECT_TRUE(failed_with(slept, Errc::cancelled));
  const auto more = co_await peer.receive();
  EXPECT_TRUE(failed_with(more, Errc::cancelled));
  ++cancelled;
}

Task<> say_and_wait(World& world, Address server) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  (void)co_await peer->send("hello");
  const auto answer = co_await peer->receive();
  EXPECT_FALSE(answer);
}

Task<> stop_those_that_go_on(World& world) {
  const auto drain_seconds = static_cast<unsigned>(world.random.between(0, 10));
  const Stop level = world.random.chance(0.5) ? Stop::all : Stop::receiving;
  int cancelled = 0;
  Server server(world, {never_end, cancelled}, {.drain_seconds = drain_seconds});
  const auto count = world.random.between(1, 5);
  TaskGroup clients(world.loop);
  for (std::uint64_t id = 0; id < count; ++id) clients.spawn(say_and_wait(world, server.address()));
  (void)co_await sleep_for(1h);

  const auto before = world.loop.now();
  co_await server.stop(level);
  const auto time = world.loop.now() - before;
  const auto limit = level == Stop::all ? 0s : std::chrono::seconds(drain_seconds);
  EXPECT_GE(time, limit);
  EXPECT_LT(time, limit + 100ms);
  EXPECT_EQ(cancelled, static_cast<int>(count));
  co_await clients.join();
}

TEST(Drain, HandlersThatGoOnAreStoppedWhenTheTimeIsOver) {
  for_seeds(SimulationOptions::harmless, stop_those_that_go_on);
}

// At the moment of the stop everything has arrived, but little of it has been received.
Task<> take_one_byte_an_hour(Stream peer, std::string& heard) {
  std::array<std::byte, 1> byte;
  for (;;) {
    const auto bytes = co_await peer.receive(byte);
    if (!bytes) {
      EXPECT_TRUE(failed_with(bytes, Errc::cancelled));
      co_return;
    }
    heard += as_text(*bytes);
    (void)co_await sleep_for(1h);
  }
}

Task<> stop_with_much_unread(World& world) {
  std::string heard;
  Server server(world, {take_one_byte_an_hour, heard}, {.drain_seconds = 1'000'000});
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  const std::string text = pattern(1, 0, world.random.between(5, 20));
  const auto sent = co_await peer->send(text);
  EXPECT_TRUE(succeeded(sent));
  (void)co_await sleep_for(2h);
  co_await server.stop(Stop::receiving);
  EXPECT_EQ(heard, text);
}

TEST(Drain, WhatHasArrivedIsStillReceived) { for_seeds(SimulationOptions::harmless, stop_with_much_unread); }

}  // namespace
}  // namespace parley::sim
