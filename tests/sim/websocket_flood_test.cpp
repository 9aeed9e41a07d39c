// A WebSocket server that says more than its client listens to, under each policy of a full queue: what is heard is
// whole and in order, and what is not heard was counted.
#include <charconv>

#include "sim/sessions.h"

namespace parley::sim {
namespace {

constexpr std::uint64_t messages = 60;
constexpr unsigned patience_seconds = 20'000;

struct Flood {
  World& world;
  ws::Acceptor acceptor;
  std::uint64_t sessions = 0;  // of which the network may break some
  std::uint64_t taken = 0;     // send() said yes
  std::uint64_t refused = 0;   // send() said too_large
  std::uint64_t dropped = 0;   // by the session's counters
  bool closed = false;         // by its own policy
  bool finished = false;       // all messages had their answer
};

// "17 ....": its number, and what fills it.
std::string numbered(std::uint64_t number, std::size_t bytes) {
  return std::to_string(number) + ' ' + std::string(bytes, static_cast<char>('a' + number % 26));
}

Task<> flood(Stream stream, Flood& flood) {
  Task<Result<ws::Session>> accepting = flood.acceptor.accept(std::move(stream));
  auto accepted = co_await accepting;
  if (!accepted) co_return;
  ws::Session peer = std::move(*accepted);
  const auto begin = co_await peer.receive();
  if (!begin) co_return;
  ++flood.sessions;
  std::uint64_t number = 0;
  for (; number < messages; ++number) {
    const std::string text = numbered(number, draw_size(flood.world.random, 3000));
    const ws::Message message(text);
    const auto sent = co_await peer.send(message);
    if (sent) {
      ++flood.taken;
    } else if (sent.error() == Errc::too_large) {
      ++flood.refused;
    } else {
      break;
    }
    if (flood.world.random.chance(0.3))
      (void)co_await sleep_for(std::chrono::microseconds(flood.world.random.below(2000)));
  }
  flood.finished = number == messages;
  (void)peer.close(1000);
  auto end = co_await peer.receive();
  EXPECT_FALSE(end);
  flood.dropped += peer.counters().dropped;
  flood.closed = peer.closed().code == 1008;
}

struct Heard {
  std::uint64_t count = 0;
  ws::Closed closed = {};
};

Task<> listen_slowly(World& world, Address address, Heard& heard) {
  ws::ConnectOptions options{.limits = {.close_seconds = patience_seconds, .keepalive_seconds = 0}};
  options.deflate = true;  // if the server wants it, too
  options.handshake_seconds = patience_seconds;
  Task<Result<ws::Session>> opening = open_at_last(world, address, options);
  auto session = co_await opening;
  if (!session) co_return;
  (void)co_await session->send("begin");  // earlier, what breaks the flood would break the handshake, too
  std::int64_t last = -1;
  for (;;) {
    if (world.random.chance(0.2)) (void)co_await sleep_for(std::chrono::milliseconds(world.random.below(50)));
    const auto message = co_await session->receive();
    if (!message) break;
    std::uint64_t number = 0;
    const std::string_view text = message->text();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto rest = static_cast<std::size_t>(text.data() + text.size() - parsed.ptr);
    EXPECT_TRUE(rest > 0 && text == numbered(number, rest - 1)) << text.substr(0, 40);
    EXPECT_GT(static_cast<std::int64_t>(number), last);
    last = static_cast<std::int64_t>(number);
    ++heard.count;
  }
  heard.closed = session->closed();
}

Task<> flood_one(World& world, bool harmless) {
  Random& random = world.random;
  constexpr ws::WhenFull policies[] = {ws::WhenFull::wait, ws::WhenFull::drop_newest, ws::WhenFull::drop_oldest,
                                       ws::WhenFull::close};
  const ws::WhenFull policy = policies[random.below(std::size(policies))];
  ws::ServeOptions options{.limits = {.queue_bytes_max = draw_size(random, 100'000),
                                      .when_full = policy,
                                      .close_seconds = patience_seconds,
                                      .keepalive_seconds = 0}};
  options.handshake_seconds = patience_seconds;
  options.deflate = random.chance(0.5);
  Flood flooding{world, ws::Acceptor(world.loop, options)};
  Heard heard;
  Server server(world, {flood, flooding});
  Task<> listening = listen_slowly(world, server.address(), heard);
  co_await listening;
  (void)co_await sleep_for(long_enough * 24);
  co_await server.stop();

  EXPECT_LE(heard.count, flooding.taken);
  switch (policy) {
    case ws::WhenFull::wait: EXPECT_EQ(flooding.refused + flooding.dropped, 0u); break;
    case ws::WhenFull::drop_newest: EXPECT_EQ(flooding.refused, flooding.dropped); break;
    case ws::WhenFull::drop_oldest: EXPECT_EQ(flooding.refused, 0u); break;
    case ws::WhenFull::close:
      EXPECT_EQ(flooding.dropped, 0u);
      EXPECT_LE(flooding.refused, flooding.sessions);
      break;
  }
  if (!harmless) co_return;
  const bool closed = policy == ws::WhenFull::close && flooding.refused > 0;
  EXPECT_EQ(flooding.closed, closed);
  EXPECT_EQ(heard.closed.code, closed ? 1008 : 1000) << heard.closed.reason;
  if (closed) co_return;
  EXPECT_TRUE(flooding.finished);
  EXPECT_EQ(flooding.taken + flooding.refused, messages);
  EXPECT_EQ(heard.count, flooding.taken - (policy == ws::WhenFull::drop_oldest ? flooding.dropped : 0));
}

Task<> flood_unharmed(World& world) { return flood_one(world, true); }
Task<> flood_at_risk(World& world) { return flood_one(world, false); }

TEST(WebSocketFlood, WhatIsNotHeardWasCounted) { for_seeds(SimulationOptions::harmless, flood_unharmed, 300); }

TEST(WebSocketFlood, NothingIsHeardTwiceOrOutOfOrder) { for_seeds(SimulationOptions::hostile, flood_at_risk, 200); }

}  // namespace
}  // namespace parley::sim
