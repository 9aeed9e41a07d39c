// A client that reconnects, over networks that break: with confirming, every message arrives, again and again if need
// be, but first in its order; without, none arrives twice.
#include <charconv>
#include <set>
#include <vector>

#include "sim/sessions.h"

namespace parley::sim {
namespace {

constexpr std::uint64_t messages = 20;
constexpr std::size_t connections_max = 30;
constexpr unsigned patience_seconds = 20'000;

struct Receiver {
  World& world;
  ws::Acceptor acceptor;
  std::vector<std::vector<std::uint64_t>> heard = {};  // by connection
};

// Listens, and at times goes without a word, or with one.
Task<> hear(Stream stream, Receiver& receiver) {
  Task<Result<ws::Session>> accepting = receiver.acceptor.accept(std::move(stream));
  auto accepted = co_await accepting;
  if (!accepted) co_return;
  ws::Session peer = std::move(*accepted);
  const std::size_t number = receiver.heard.size();
  receiver.heard.emplace_back();
  for (;;) {
    if (receiver.world.random.chance(0.05)) co_return (void) peer.close(1012);
    auto message = co_await peer.receive();
    if (!message) co_return;
    const std::string_view text = message->text();
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    receiver.heard[number].push_back(value);
  }
}

struct Sender {
  World& world;
  ws::Outbox outbox;
  std::size_t connections = 0;
  bool complete = false;
};

// Until enough connections have been broken.
Task<> listen(ws::Session& peer, Sender& sender) {
  if (++sender.connections > connections_max) co_return;
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) break;
  }
}

Task<> say_all(Sender& sender, TaskGroup& connection) {
  for (std::uint64_t i = 0; i < messages; ++i) {
    const std::string text = std::to_string(i) + std::string(draw_size(sender.world.random, 500), ' ');
    while (!sender.outbox.send(text)) {
      const auto room = co_await sender.outbox.room();
      if (!room) co_return;
    }
    if (sender.world.random.chance(0.3)) {
      const auto slept = co_await sleep_for(std::chrono::milliseconds(sender.world.random.below(2000)));
      if (!slept) co_return;
    }
  }
  while (sender.outbox.messages() > 0) {
    const auto room = co_await sender.outbox.room();
    if (!room) co_return;
  }
  sender.complete = true;
  connection.stop();
}

Task<> stay_connected(Sender& sender, const std::string& url) {
  const ws::ConnectOptions options{.limits = {.close_seconds = 1000, .keepalive_seconds = 1000, .pong_seconds = 1000},
                                   .handshake_seconds = 10'000};
  const ws::ReconnectOptions again{.delay_max = std::chrono::milliseconds(2000),
                                   .seed = sender.world.random.between(1, 1000)};
  (void)co_await ws::reconnect(sender.world.loop, url, ws::Talk(listen, sender), sender.outbox, options, again);
}

// The connections in turn, the messages of each rising: without a gap from the first on; and all of them in the end.
void expect_all_in_order(const Receiver& receiver, bool complete) {
  std::uint64_t next = 0;
  for (const auto& connection : receiver.heard) {
    for (std::size_t i = 0; i < connection.size(); ++i) {
      EXPECT_TRUE(i == 0 || connection[i] == connection[i - 1] + 1) << connection[i];
      EXPECT_LE(connection[i], next);
      next = std::max(next, connection[i] + 1);
    }
  }
  EXPECT_TRUE(!complete || next == messages) << next;
}

void expect_none_twice(const Receiver& receiver) {
  std::set<std::uint64_t> all;
  for (const auto& connection : receiver.heard) {
    for (std::size_t i = 0; i < connection.size(); ++i) {
      EXPECT_TRUE(i == 0 || connection[i] > connection[i - 1]) << connection[i];
      EXPECT_TRUE(all.insert(connection[i]).second) << connection[i] << " came twice";
    }
  }
}

Task<> keep_talking(World& world) {
  ws::ServeOptions accepting{.limits = {.close_seconds = patience_seconds, .keepalive_seconds = 0}};
  accepting.handshake_seconds = patience_seconds;
  Receiver receiver{world, ws::Acceptor(world.loop, accepting)};
  Server server(world, {hear, receiver});
  const std::string url = url_of(server.address());
  const bool confirm = world.random.chance(0.5);
  const ws::OutboxOptions keeping{.bytes_max = 5000, .messages_max = world.random.between(1, 20), .confirm = confirm};
  Sender sender{world, ws::Outbox(keeping)};
  TaskGroup connection(world.loop);
  connection.spawn(stay_connected(sender, url));
  TaskGroup speech(world.loop);
  speech.spawn(say_all(sender, connection));
  co_await connection.join();
  speech.stop();
  co_await speech.join();
  (void)co_await sleep_for(long_enough * 24);
  co_await server.stop();
  confirm ? expect_all_in_order(receiver, sender.complete) : expect_none_twice(receiver);
}

TEST(Reconnect, NothingIsLostOrElseNothingIsDoubled) { for_seeds(SimulationOptions::hostile, keep_talking, 200); }

}  // namespace
}  // namespace parley::sim
