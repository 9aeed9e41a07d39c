// Operations that run out of time leave the connection as it was.
#include "sim/seeds.h"

namespace parley::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t text_bytes = 50'000;

Task<> dribble(Stream peer, World& world) {
  for (std::size_t at = 0; at < text_bytes;) {
    const std::size_t size = std::min(draw_size(world.random, 5000), text_bytes - at);
    const std::string piece = pattern(1, at, size);
    const auto sent = co_await peer.send(piece);
    EXPECT_TRUE(succeeded(sent));
    at += size;
    (void)co_await sleep_for(std::chrono::milliseconds(world.random.below(100)));
  }
}

Task<> receive_with_little_time(World& world) {
  Server server(world, {dribble, world});
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  std::array<std::byte, 777> mine;
  std::size_t received = 0;
  for (;;) {
    const auto time = std::chrono::microseconds(world.random.below(50'000));
    Result<Bytes> bytes;
    if (world.random.chance(0.5)) {
      bytes = co_await within(time, peer->receive());
    } else {
      bytes = co_await within(time, peer->receive(mine));
    }
    if (bytes) {
      EXPECT_TRUE(is_pattern(1, received, *bytes)) << "at " << received;
      received += bytes->size();
    } else if (bytes.error() != Errc::timed_out) {
      EXPECT_EQ(bytes.error(), Errc::end);
      break;
    }
  }
  EXPECT_EQ(received, text_bytes);
  co_await server.stop();
}

TEST(Timeouts, AReceiveThatTimedOutHasLostNothing) { for_seeds(SimulationOptions::harmless, receive_with_little_time); }

Task<> take_slowly(Stream peer, World& world) {
  std::size_t received = 0;
  while (auto bytes = co_await peer.receive()) {
    EXPECT_TRUE(is_pattern(1, received, *bytes)) << "at " << received;
    received += bytes->size();
    if (world.random.chance(0.2)) (void)co_await sleep_for(std::chrono::milliseconds(world.random.below(50)));
  }
  EXPECT_EQ(received, text_bytes);
}

Task<> send_with_little_time(World& world) {
  Server server(world, {take_slowly, world});
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  for (std::size_t at = 0; at < text_bytes;) {
    const std::size_t size = std::min(draw_size(world.random, 20'000), text_bytes - at);
    const std::string piece = pattern(1, at, size);
    const auto time = std::chrono::microseconds(world.random.below(20'000));
    const auto sent = co_await within(time, peer->send(piece));
    EXPECT_TRUE(sent || sent.error() == Errc::timed_out);
    at += size;
  }
  EXPECT_TRUE(peer->shutdown());
  const auto end = co_await peer->receive();
  EXPECT_TRUE(failed_with(end, Errc::end));
  co_await server.stop();
}

TEST(Timeouts, ASendThatTimedOutStillLeavesInOrder) { for_seeds(SimulationOptions::harmless, send_with_little_time); }

// A whole conversation under one limit of time.
Task<Result<std::size_t>> hear_out(Stream& peer) {
  std::size_t size = 0;
  for (;;) {
    const auto bytes = co_await peer.receive();
    if (!bytes && bytes.error() == Errc::end) co_return size;
    if (!bytes) co_return std::unexpected(bytes.error());
    size += bytes->size();
  }
}

Task<> limit_a_task(World& world) {
  Server server(world, {dribble, world});
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  const auto time = std::chrono::milliseconds(world.random.below(2000));
  const auto before = world.loop.now();
  const auto heard = co_await within(time, hear_out(*peer));
  if (heard) {
    EXPECT_EQ(*heard, text_bytes);
  } else {
    EXPECT_EQ(heard.error(), Errc::timed_out);
    EXPECT_GE(world.loop.now() - before, time);
    EXPECT_LT(world.loop.now() - before, time + 10ms);
  }
  const auto rest = co_await hear_out(*peer);
  EXPECT_TRUE(succeeded(rest));
  co_await server.stop();
}

TEST(Timeouts, ATaskThatTimedOutLeavesTheConnectionUsable) { for_seeds(SimulationOptions::harmless, limit_a_task); }

Task<> connect_to_silence(World& world) {
  const Address far = *Address::parse("10.1.2.3:80");
  world.simulation.set_route(far, Route::silent);
  auto before = world.loop.now();
  {
    const auto limited = co_await within(3s, connect(world.loop, far));
    EXPECT_TRUE(failed_with(limited, Errc::timed_out));
    EXPECT_GE(world.loop.now() - before, 3s);
    EXPECT_LT(world.loop.now() - before, 4s);
  }
  before = world.loop.now();
  const auto unlimited = co_await connect(world.loop, far);
  EXPECT_TRUE(failed_with(unlimited, Errc::timed_out));
  EXPECT_GE(world.loop.now() - before, 127s);
  EXPECT_LT(world.loop.now() - before, 140s);

  world.simulation.set_route(far, Route::unreachable);
  const auto unreachable = co_await connect(world.loop, far);
  EXPECT_TRUE(failed_with(unreachable, Errc::unreachable));
  world.simulation.set_route(far, Route::open);
  const auto refused = co_await connect(world.loop, far);
  EXPECT_TRUE(failed_with(refused, Errc::refused));
}

TEST(Timeouts, AHostThatDoesNotAnswer) { for_seeds(SimulationOptions::harmless, connect_to_silence, 50); }

}  // namespace
}  // namespace parley::sim
