// Several clients at once send messages of all sizes to an echo server, and look at every byte that comes back.
#include <algorithm>

#include "sim/seeds.h"

namespace parley::sim {
namespace {

constexpr std::size_t message_bytes_max = 100'000;

struct Client {
  World& world;
  Address server;
  std::uint64_t id;
  std::size_t sent = 0;
  std::size_t received = 0;
  Error end = {};
};

Task<> send_all(Stream& peer, Client& client) {
  const auto messages = client.world.random.between(1, 10);
  for (std::uint64_t i = 0; i < messages; ++i) {
    const std::string text = pattern(client.id, client.sent, draw_size(client.world.random, message_bytes_max));
    const auto sent = co_await peer.send(text);
    if (!sent) co_return;
    client.sent += text.size();
    if (client.world.random.chance(0.2)) co_await yield();
  }
  (void)peer.shutdown();
}

Task<> receive_all(Stream& peer, Client& client) {
  std::array<std::byte, 1000> mine;
  for (;;) {
    Result<Bytes> bytes;
    if (client.world.random.chance(0.5)) {
      bytes = co_await peer.receive();
    } else {
      bytes = co_await peer.receive(mine);
    }
    if (!bytes) {
      client.end = bytes.error();
      co_return;
    }
    EXPECT_TRUE(is_pattern(client.id, client.received, *bytes)) << "client " << client.id << " at " << client.received;
    client.received += bytes->size();
  }
}

Task<> talk(Client& client) {
  auto peer = co_await connect_at_last(client.world, client.server);
  if (!peer) co_return;
  TaskGroup both(client.world.loop);
  both.spawn(send_all(*peer, client));
  both.spawn(receive_all(*peer, client));
  co_await both.join();
}

// `survives` is what must hold for each client in the end.
Task<> echo_to_several(World& world, void (*survives)(const Client&)) {
  Server server(world, echo);
  std::vector<Client> clients;
  const auto count = world.random.between(1, 8);
  for (std::uint64_t id = 0; id < count; ++id) clients.push_back({world, server.address(), id});
  TaskGroup group(world.loop);
  for (Client& client : clients) group.spawn(talk(client));
  co_await group.join();
  co_await server.stop();
  for (const Client& client : clients) survives(client);
}

TEST(Echo, EveryByteComesBackInOrder) {
  for_seeds(SimulationOptions::harmless, [](World& world) -> Task<> {
    co_await echo_to_several(world, [](const Client& client) {
      EXPECT_EQ(client.received, client.sent);
      EXPECT_GT(client.received, 0u);
      EXPECT_EQ(client.end, Errc::end);
    });
  });
}

TEST(Echo, NobodyIsToldOfAnOrderlyEndWhenBytesAreMissing) {
  for_seeds(SimulationOptions::hostile, [](World& world) -> Task<> {
    co_await echo_to_several(world, [](const Client& client) {
      if (client.end == Errc::end) {
        EXPECT_EQ(client.received, client.sent);
      } else {
        EXPECT_EQ(client.end, Errc::reset);
      }
    });
  });
}

}  // namespace
}  // namespace parley::sim
