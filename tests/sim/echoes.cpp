#include "sim/echoes.h"

#include <array>
#include <vector>

namespace parley::sim {
namespace {

constexpr std::size_t message_bytes_max = 100'000;

Task<> send_all(Stream& peer, EchoClient& client) {
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

Task<> receive_all(Stream& peer, EchoClient& client) {
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

Task<> talk(EchoClient& client, const EchoWay& way) {
  Task<Result<Stream>> connecting = way.connect(client.world, client.server);
  auto peer = co_await connecting;
  if (!peer) {
    client.end = peer.error();
    co_return;
  }
  TaskGroup both(client.world.loop);
  both.spawn(send_all(*peer, client));
  both.spawn(receive_all(*peer, client));
  co_await both.join();
}

}  // namespace

Task<> echo_to_several(World& world, void (*survives)(const EchoClient&), EchoWay way) {
  Server server(world, echo, way.options);
  std::vector<EchoClient> clients;
  const auto count = world.random.between(1, 8);
  for (std::uint64_t id = 0; id < count; ++id) clients.push_back({world, server.address(), id});
  TaskGroup group(world.loop);
  for (EchoClient& client : clients) group.spawn(talk(client, way));
  co_await group.join();
  co_await server.stop();
  for (const EchoClient& client : clients) survives(client);
}

}  // namespace parley::sim
