// Datagrams over a network that loses, doubles, delays and reorders them: whatever arrives is whole, and answered once
// for each time it arrives.
#include <map>

#include "sim/seeds.h"

namespace parley::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t datagram_bytes_max = 2000;

// Like harmless(), but a receiver that has no room drops datagrams: that is a loss a program does notice.
SimulationOptions harmless_and_roomy(std::uint64_t seed) noexcept {
  SimulationOptions options = SimulationOptions::harmless(seed);
  options.socket_buffer_bytes = 10'000'000;
  return options;
}

struct Service {
  UdpSocket socket;
  std::size_t answered = 0;
};

Task<> answer(Service& service) {
  for (;;) {
    const auto datagram = co_await service.socket.receive();
    if (!datagram) {
      EXPECT_TRUE(failed_with(datagram, Errc::cancelled));
      co_return;
    }
    const auto sent = co_await service.socket.send(datagram->bytes, datagram->from);
    if (sent) ++service.answered;
  }
}

UdpSocket bind_at_last(World& world, std::string_view url) {
  constexpr int attempts = 100;  // the simulation may say that descriptors are exhausted
  for (int i = 0; i < attempts; ++i) {
    auto socket = UdpSocket::bind(world.loop, url);
    if (socket) return std::move(*socket);
  }
  ADD_FAILURE() << "not bound in " << attempts << " attempts";
  return {};
}

// Its datagrams are "client:number:" and a pattern, so that each can be told from every other.
struct Client {
  World& world;
  std::uint64_t id;
  std::map<std::string, int> sent;
  std::map<std::string, int> answers;

  std::string draw(int number) {
    const std::string head = std::to_string(id) + ":" + std::to_string(number) + ":";
    return head + pattern(id, static_cast<std::size_t>(number), world.random.below(datagram_bytes_max));
  }
};

Task<> collect(UdpSocket& socket, Client& client) {
  for (;;) {
    const auto datagram = co_await within(10min, socket.receive());
    if (!datagram) {
      EXPECT_TRUE(failed_with(datagram, Errc::timed_out));
      co_return;
    }
    ++client.answers[std::string(as_text(datagram->bytes))];
  }
}

Task<> ask(Client& client, Address server) {
  Result<UdpSocket> socket = fail(Errc::none);
  for (int i = 0; i < 100 && !socket; ++i) socket = UdpSocket::connect(client.world.loop, server);
  EXPECT_TRUE(succeeded(socket));
  if (!socket) co_return;
  TaskGroup collector(client.world.loop);
  collector.spawn(collect(*socket, client));
  const int count = static_cast<int>(client.world.random.between(1, 40));
  for (int i = 0; i < count; ++i) {
    const std::string text = client.draw(i);
    const auto sent = co_await socket->send(text);
    EXPECT_TRUE(succeeded(sent));
    ++client.sent[text];
    if (client.world.random.chance(0.3))
      (void)co_await sleep_for(std::chrono::milliseconds(client.world.random.below(50)));
  }
  co_await collector.join();
}

Task<> ask_from_several(World& world, void (*check)(const Client& client)) {
  const std::string_view url = world.random.chance(0.5) ? "udp://127.0.0.1:0" : "udp://[::1]:0";
  Service service{bind_at_last(world, url)};
  TaskGroup server(world.loop);
  server.spawn(answer(service));
  std::vector<Client> clients;
  const auto count = world.random.between(1, 5);
  for (std::uint64_t id = 0; id < count; ++id) clients.push_back({world, id, {}, {}});
  TaskGroup group(world.loop);
  for (Client& client : clients) group.spawn(ask(client, service.socket.local_address()));
  co_await group.join();
  server.stop();
  co_await server.join();
  for (const Client& client : clients) check(client);
}

TEST(Udp, EachDatagramIsAnsweredOnce) {
  for_seeds(harmless_and_roomy, [](World& world) -> Task<> {
    co_await ask_from_several(world, [](const Client& client) { EXPECT_TRUE(client.answers == client.sent); });
  });
}

TEST(Udp, WhatArrivesIsWholeAndWasSent) {
  for_seeds(SimulationOptions::hostile, [](World& world) -> Task<> {
    co_await ask_from_several(world, [](const Client& client) {
      for (const auto& [text, times] : client.answers) {
        EXPECT_TRUE(client.sent.contains(text));
        EXPECT_LE(times, 4) << "doubled at most on each way";
      }
    });
  });
}

}  // namespace
}  // namespace parley::sim
