// Whole WebSocket conversations: several clients send messages of every kind and size to a server that sends them back,
// over networks that cut, delay and block, and over ones that break. What comes back is what was sent, in its order.
#include <memory>
#include <vector>

#include "sim/sessions.h"

namespace parley::sim {
namespace {

constexpr std::size_t message_bytes_max = 60'000;
constexpr std::size_t messages_each = 6;

// Everything may be late: only what the network does ends a session.
ws::Limits patient(Random& random) {
  return {
      .queue_bytes_max = random.chance(0.5) ? 1024 * 1024u : 1000u, .close_seconds = 1'000'000, .keepalive_seconds = 0};
}

struct Echoes {
  World& world;
  ws::Acceptor acceptor;
  bool in_parts;
  std::size_t served = 0;
};

// Sends each message back: whole, or part by part as it comes.
Task<> echo_messages(Stream stream, Echoes& echoes) {
  Task<Result<ws::Session>> accepting = echoes.acceptor.accept(std::move(stream));
  auto accepted = co_await accepting;
  if (!accepted) co_return;
  ws::Session peer = std::move(*accepted);
  ++echoes.served;
  for (;;) {
    if (echoes.in_parts) {
      auto part = co_await peer.receive_some();
      if (!part) break;
      const ws::Message same(part->bytes, part->kind);
      auto sent = co_await peer.send_some(same, part->last);
      if (!sent) break;
    } else {
      auto message = co_await peer.receive();
      if (!message) break;
      auto sent = co_await peer.send(*message);
      if (!sent) break;
    }
  }
}

// What one client says, in the order of its calls, and what it has heard.
struct Client {
  std::uint64_t id = 0;
  std::vector<std::string> said = {};
  std::size_t heard = 0;
  bool complete = false;  // all was sent, and the network took it
};

std::string draw_text(World& world, const Client& client) {
  std::string text = pattern(client.id + 7 * client.said.size(), 0, draw_size(world.random, message_bytes_max));
  if (world.random.chance(0.1)) text.clear();
  for (char& c : text) c = static_cast<char>(c & 0x3F) + ' ';  // so that it is UTF-8, and compresses
  return text;
}

Task<bool> say(World& world, ws::Session& session, Client& client) {
  const std::string text = draw_text(world, client);
  client.said.push_back(text);
  if (world.random.chance(0.3)) {
    const std::string_view all = text;
    const std::size_t half = all.size() / 2;
    const ws::Message first(all.substr(0, half));
    auto sent = co_await session.send_some(first, false);
    if (!sent) co_return false;
    const ws::Message second(all.substr(half));
    sent = co_await session.send_some(second, true);
    co_return sent.has_value();
  }
  const ws::Message message(as_bytes(text), world.random.chance(0.5) ? ws::Kind::text : ws::Kind::binary);
  // Whoever is in a hurry stops waiting; the message still leaves.
  const auto time =
      std::chrono::microseconds(world.random.chance(0.3) ? world.random.between(1, 2000) : 1'000'000'000'000);
  auto sent = co_await within(time, session.send(message));
  co_return sent || sent.error() == Errc::timed_out;
}

Task<> say_all(World& world, ws::Session& session, Client& client) {
  for (std::size_t i = 0; i < messages_each; ++i) {
    Task<bool> saying = say(world, session, client);
    const bool said = co_await saying;
    if (!said) co_return;
    if (world.random.chance(0.2)) {
      const auto time = std::chrono::microseconds(world.random.below(100'000));
      auto trip = co_await within(time, session.ping());
      if (!trip && trip.error() != Errc::timed_out) co_return;
    }
  }
  client.complete = true;
}

Task<> hear_all(World& world, ws::Session& session, Client& client) {
  while (client.heard < messages_each) {
    const bool in_a_hurry = world.random.chance(0.2);
    const auto time = in_a_hurry ? std::chrono::microseconds(world.random.below(1000)) : long_enough * 10'000;
    auto message = co_await within(time, session.receive());
    if (!message && in_a_hurry && message.error() == Errc::timed_out) continue;
    if (!message) co_return;
    EXPECT_LT(client.heard, client.said.size());
    if (client.heard >= client.said.size()) co_return;
    EXPECT_TRUE(message->text() == client.said[client.heard]) << "message " << client.heard;
    ++client.heard;
  }
}

Task<> be_client(World& world, Address address, ws::ConnectOptions options, Client& client) {
  Task<Result<ws::Session>> opening = open_at_last(world, address, options);
  auto session = co_await opening;
  if (!session) co_return;
  TaskGroup group(world.loop);
  group.spawn(say_all(world, *session, client));
  group.spawn(hear_all(world, *session, client));
  co_await group.join();
  (void)session->close(1000, "done");
  auto end = co_await session->receive();
  EXPECT_FALSE(end);
  const ws::Closed closed = session->closed();
  EXPECT_TRUE(closed.code == 1000 || closed.code == ws::Closed::abnormal) << closed.code << " " << closed.reason;
}

Task<> converse(World& world, bool harmless) {
  Random& random = world.random;
  ws::ServeOptions accepting{.limits = patient(random)};
  accepting.deflate = random.chance(0.7);
  accepting.deflate_options = draw_deflate(random);
  accepting.handshake_seconds = 1'000'000;
  Echoes echoes{world, ws::Acceptor(world.loop, accepting), random.chance(0.5)};
  ws::ConnectOptions connecting{.limits = patient(random)};
  connecting.deflate = random.chance(0.8);
  connecting.deflate_options = draw_deflate(random);
  connecting.handshake_seconds = 1'000'000;
  std::vector<Client> clients;
  for (std::uint64_t i = random.between(1, 3); i != 0; --i) clients.push_back({.id = i});
  Server server(world, {echo_messages, echoes});
  TaskGroup group(world.loop);
  for (Client& client : clients) group.spawn(be_client(world, server.address(), connecting, client));
  co_await group.join();
  (void)co_await sleep_for(long_enough * 24 * 100);
  co_await server.stop();
  if (!harmless) co_return;
  EXPECT_EQ(echoes.served, clients.size());
  for (const Client& client : clients) {
    EXPECT_TRUE(client.complete);
    EXPECT_EQ(client.heard, messages_each);
  }
}

Task<> converse_unharmed(World& world) { return converse(world, true); }
Task<> converse_at_risk(World& world) { return converse(world, false); }

TEST(WebSocket, EveryMessageComesBackInOrder) { for_seeds(SimulationOptions::harmless, converse_unharmed, 300); }

TEST(WebSocket, NothingElseComesBackWhateverBreaks) { for_seeds(SimulationOptions::hostile, converse_at_risk, 200); }

}  // namespace
}  // namespace parley::sim
