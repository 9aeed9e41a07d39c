// Several tasks send on one stream at the same time: each message stays together, also when its sender runs out of
// time.
#include <vector>

#include "sim/seeds.h"

namespace parley::sim {
namespace {

constexpr std::size_t head_bytes = 4;  // the sender, and the size in three bytes
constexpr std::size_t body_bytes_max = 60'000;
constexpr int messages_each = 5;

std::string message(std::uint64_t sender, std::size_t size) {
  std::string text = {static_cast<char>(sender), static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                      static_cast<char>(size)};
  return text + pattern(sender, 0, size);
}

// Reads a message at a time, and counts those of each sender.
struct Inbox {
  std::vector<int> counts;
  std::string waiting = {};

  void take(Bytes bytes) {
    waiting += as_text(bytes);
    for (;;) {
      if (waiting.size() < head_bytes) return;
      const auto byte = [this](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(waiting[i]));
      };
      const std::size_t sender = byte(0);
      const std::size_t size = byte(1) << 16 | byte(2) << 8 | byte(3);
      if (waiting.size() < head_bytes + size) return;
      ASSERT_LT(sender, counts.size());
      ASSERT_TRUE(is_pattern(sender, 0, as_bytes(waiting).subspan(head_bytes, size)));
      ++counts[sender];
      waiting.erase(0, head_bytes + size);
    }
  }
};

Task<> receive_all(Stream peer, Inbox& inbox) {
  while (auto bytes = co_await peer.receive()) inbox.take(*bytes);
}

Task<> send_messages(World& world, Stream& peer, std::uint64_t sender, bool in_a_hurry) {
  for (int i = 0; i < messages_each; ++i) {
    const std::string text = message(sender, draw_size(world.random, body_bytes_max));
    const auto time = in_a_hurry ? std::chrono::microseconds(world.random.below(10'000)) : std::chrono::hours(1000);
    const auto sent = co_await within(time, peer.send(text));
    if (!in_a_hurry || sent) {
      EXPECT_TRUE(succeeded(sent));
    } else {
      EXPECT_TRUE(failed_with(sent, Errc::timed_out));
    }
  }
}

Task<> send_from_several(World& world) {
  const auto senders = world.random.between(2, 5);
  Inbox inbox{std::vector<int>(senders)};
  Server server(world, {receive_all, inbox});
  {
    auto peer = co_await connect_at_last(world, server.address());
    if (!peer) co_return;
    TaskGroup group(world.loop);
    for (std::uint64_t i = 0; i < senders; ++i) group.spawn(send_messages(world, *peer, i, world.random.chance(0.5)));
    co_await group.join();
  }
  (void)co_await sleep_for(long_enough * 24 * 100);
  co_await server.stop();
  EXPECT_EQ(inbox.waiting, "");
  EXPECT_EQ(inbox.counts, std::vector<int>(senders, messages_each));
}

TEST(Senders, EachMessageStaysTogether) { for_seeds(SimulationOptions::harmless, send_from_several); }

}  // namespace
}  // namespace parley::sim
