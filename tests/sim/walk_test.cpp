// Both ends of many connections do anything at all, at random: send, receive, wait, finish, close, break off. Whatever
// arrives must be a beginning of what was sent, nothing may leak, and nothing may hang.
#include <memory>

#include "sim/seeds.h"

namespace parley::sim {
namespace {

constexpr std::uint64_t steps_max = 30;
constexpr std::size_t piece_bytes_max = 30'000;

std::chrono::nanoseconds draw_time(Random& random) {
  return std::chrono::microseconds(random.between(0, 1000) * random.between(0, 1000));
}

// One end. `says` and `hears` are the numbers of the patterns.
struct Walker {
  World& world;
  std::uint64_t says;
  std::uint64_t hears;
  std::size_t said = 0;
  std::size_t heard = 0;
};

Task<bool> step_receive(Stream& peer, Walker& walker) {
  std::array<std::byte, 300> mine;
  const auto time = draw_time(walker.world.random);
  Result<Bytes> bytes;
  if (walker.world.random.chance(0.5)) {
    bytes = co_await within(time, peer.receive());
  } else {
    bytes = co_await within(time, peer.receive(mine));
  }
  if (!bytes) co_return bytes.error() == Errc::timed_out || bytes.error() == Errc::end;
  EXPECT_TRUE(is_pattern(walker.hears, walker.heard, *bytes)) << "at " << walker.heard;
  walker.heard += bytes->size();
  co_return true;
}

Task<bool> step_send(Stream& peer, Walker& walker) {
  const std::string text = pattern(walker.says, walker.said, draw_size(walker.world.random, piece_bytes_max));
  const auto time = draw_time(walker.world.random);
  const auto sent = co_await within(time, peer.send(text));
  walker.said += text.size();
  co_return sent || sent.error() == Errc::timed_out || sent.error() == Errc::not_connected;
}

Task<> walk(Stream peer, Walker walker) {
  Random& random = walker.world.random;
  const auto steps = random.between(1, steps_max);
  for (std::uint64_t i = 0; i < steps; ++i) {
    bool goes_on = true;
    const auto choice = random.below(100);
    if (choice < 40) {
      goes_on = co_await step_receive(peer, walker);
    } else if (choice < 80) {
      goes_on = co_await step_send(peer, walker);
    } else if (choice < 94) {
      (void)co_await sleep_for(draw_time(random));
    } else if (choice < 97) {
      (void)peer.shutdown();
    } else if (choice < 98) {
      peer.abort();
    } else {
      peer.close();
    }
    if (!goes_on || !peer.is_open()) co_return;
  }
}

Task<> walk_as_server(Stream peer, World& world) { co_await walk(std::move(peer), Walker{world, 2, 1}); }

Task<> walk_as_client(World& world, Address server) {
  (void)co_await sleep_for(draw_time(world.random));
  auto peer = co_await connect(world.loop, server);
  if (!peer) co_return;
  co_await walk(std::move(*peer), Walker{world, 1, 2});
}

Task<> walk_together(World& world) {
  Server server(world, {walk_as_server, world}, {.connections_max = world.random.below(5), .drain_seconds = 1});
  TaskGroup clients(world.loop);
  const auto count = world.random.between(1, 10);
  for (std::uint64_t i = 0; i < count; ++i) clients.spawn(walk_as_client(world, server.address()));
  if (world.random.chance(0.2)) {
    (void)co_await sleep_for(draw_time(world.random));
    co_await server.stop(world.random.chance(0.5) ? Stop::all : Stop::receiving);
  }
  co_await clients.join();
  co_await server.stop();
}

TEST(Walk, HarmlessFaults) { for_seeds(SimulationOptions::harmless, walk_together); }
TEST(Walk, AllFaults) { for_seeds(SimulationOptions::hostile, walk_together); }

}  // namespace
}  // namespace parley::sim
