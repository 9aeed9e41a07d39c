// Connections that break in the middle of a message, beside others that must not notice.
#include "sim/seeds.h"

namespace parley::sim {
namespace {

constexpr std::size_t message_bytes = 20'000;

// What a server saw of each connection.
struct Seen {
  int ended = 0;
  int reset = 0;
  int other = 0;
};

Task<> echo_and_note(Stream peer, Seen& seen) {
  for (;;) {
    const auto bytes = co_await peer.receive();
    if (!bytes) {
      ++(bytes.error() == Errc::end ? seen.ended : bytes.error() == Errc::reset ? seen.reset : seen.other);
      co_return;
    }
    const Bytes view = *bytes;
    const auto sent = co_await peer.send(view);
    if (!sent) {
      ++(sent.error() == Errc::reset ? seen.reset : seen.other);
      co_return;
    }
  }
}

Task<> abort_in_the_middle(World& world, Address server) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  const std::string text = pattern(9, 0, draw_size(world.random, message_bytes));
  const auto sent = co_await within(std::chrono::milliseconds(world.random.below(50)), peer->send(text));
  EXPECT_TRUE(sent || sent.error() == Errc::timed_out);
  if (world.random.chance(0.5)) (void)co_await within(std::chrono::milliseconds(1), peer->receive());
  peer->abort();
}

Task<> converse(World& world, Address server) {
  auto peer = co_await connect_at_last(world, server);
  if (!peer) co_return;
  const std::string text = pattern(1, 0, message_bytes);
  for (std::size_t at = 0; at < text.size(); at += 1000) {
    const auto sent = co_await peer->send(std::string_view(text).substr(at, 1000));
    EXPECT_TRUE(succeeded(sent));
    for (std::size_t back = at; back < at + 1000;) {
      const auto bytes = co_await peer->receive();
      EXPECT_TRUE(succeeded(bytes));
      if (!bytes) co_return;
      EXPECT_TRUE(is_pattern(1, back, *bytes));
      back += bytes->size();
    }
  }
}

Task<> aborts_beside_conversations(World& world) {
  Seen seen;
  Server server(world, {echo_and_note, seen});
  const int aborting = static_cast<int>(world.random.between(1, 5));
  TaskGroup clients(world.loop);
  for (int i = 0; i < aborting; ++i) clients.spawn(abort_in_the_middle(world, server.address()));
  clients.spawn(converse(world, server.address()));
  clients.spawn(converse(world, server.address()));
  co_await clients.join();
  (void)co_await sleep_for(long_enough);
  co_await server.stop();
  EXPECT_EQ(seen.ended + seen.reset, aborting + 2);
  EXPECT_EQ(seen.other, 0);
  // A Unix-domain socket has no reset of its own: the server meets one only with bytes unread.
  if (server.address().family() != Family::local) {
    EXPECT_EQ(seen.reset, aborting);
  }
}

TEST(Reset, OthersDoNotNotice) { for_seeds(SimulationOptions::harmless, aborts_beside_conversations); }

// A server that closes without reading, as one does that refuses a request half way.
Task<> hang_up(Stream peer) {
  (void)co_await peer.receive();
  (void)co_await peer.send("no");
}

Task<> close_with_unread_bytes(World& world) {
  Server server(world, hang_up);
  auto peer = co_await connect_at_last(world, server.address());
  if (!peer) co_return;
  const std::string text = pattern(1, 0, 1'000'000);
  const auto sent = co_await peer->send(text);
  // More than the buffers take cannot all be taken by a server that reads once.
  EXPECT_TRUE(failed_with(sent, Errc::reset));
  Error last;
  for (;;) {
    const auto bytes = co_await peer->receive();
    if (!bytes) {
      last = bytes.error();
      break;
    }
  }
  EXPECT_EQ(last, Errc::reset);
  co_await server.stop();
}

TEST(Reset, ClosingWithUnreadBytesTellsTheSender) { for_seeds(SimulationOptions::harmless, close_with_unread_bytes); }

}  // namespace
}  // namespace parley::sim
