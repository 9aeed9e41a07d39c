// A peer that does not read: whoever sends to it waits, in bounded memory, and nobody else does.
#include "sim/seeds.h"

#include "io/core.h"

namespace parley::sim {
namespace {

constexpr std::size_t text_bytes = 1'000'000;
constexpr auto pause = std::chrono::minutes(10);

struct Progress {
  std::size_t sent = 0;
  bool finished = false;
};

Task<> pour(Stream peer, Progress& progress) {
  constexpr std::size_t piece_bytes = 10'000;
  const std::string text = pattern(1, 0, text_bytes);
  while (progress.sent < text.size()) {
    const auto piece = std::string_view(text).substr(progress.sent, piece_bytes);
    const auto sent = co_await peer.send(piece);
    EXPECT_TRUE(succeeded(sent));
    if (!sent) co_return;
    progress.sent += piece.size();
  }
  progress.finished = true;
}

Task<> read_late(World& world) {
  Progress progress;
  Server server(world, {pour, progress});
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  (void)co_await sleep_for(pause);
  EXPECT_FALSE(progress.finished);
  EXPECT_LE(progress.sent, world.simulation.options().socket_buffer_bytes) << "the rest is not queued, but waits";

  std::size_t received = 0;
  while (auto bytes = co_await peer->receive()) {
    EXPECT_TRUE(is_pattern(1, received, *bytes));
    received += bytes->size();
    if (world.random.chance(0.1)) (void)co_await sleep_for(std::chrono::milliseconds(world.random.below(100)));
  }
  EXPECT_EQ(received, text_bytes);
  EXPECT_TRUE(progress.finished);
  co_await server.stop();
}

TEST(SlowReader, TheSenderWaitsAndNothingIsLost) { for_seeds(SimulationOptions::harmless, read_late, 100); }

Task<> send_and_not_read(World& world, Address server) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  const std::string text = pattern(2, 0, text_bytes);
  const auto sent = co_await within(pause, peer->send(text));
  EXPECT_TRUE(failed_with(sent, Errc::timed_out));
  peer->abort();
}

Task<> ask(World& world, Address server) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  for (int i = 0; i < 20; ++i) {
    const auto before = world.loop.now();
    const auto sent = co_await peer->send("question");
    EXPECT_TRUE(succeeded(sent));
    for (std::size_t size = 0; size < 8;) {
      const auto bytes = co_await peer->receive();
      EXPECT_TRUE(bytes);
      if (!bytes) co_return;
      size += bytes->size();
    }
    EXPECT_LT(world.loop.now() - before, std::chrono::minutes(1));
  }
}

std::size_t one_buffer_bytes(World& world) {
  detail::BufferPool& pool = world.loop.core().buffers;
  const std::size_t before = pool.lent_bytes();
  detail::Buffer* const buffer = pool.lend();
  const std::size_t bytes = pool.lent_bytes() - before;
  pool.give_back(buffer);
  return bytes;
}

Task<> stall_one(World& world) {
  const std::size_t usual_bytes = one_buffer_bytes(world);
  Server server(world, echo);
  TaskGroup clients(world.loop);
  clients.spawn(send_and_not_read(world, server.address()));
  clients.spawn(ask(world, server.address()));
  clients.spawn(ask(world, server.address()));
  (void)co_await sleep_for(pause / 2);
  EXPECT_EQ(clients.size(), 1u) << "those who read are served meanwhile";
  EXPECT_LE(world.loop.core().buffers.lent_bytes(), usual_bytes) << "the stalled handler holds its bytes";
  co_await clients.join();
  co_await server.stop();
}

TEST(SlowReader, OthersAreServedMeanwhile) { for_seeds(SimulationOptions::harmless, stall_one, 100); }

}  // namespace
}  // namespace parley::sim
