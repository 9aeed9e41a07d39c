// A FIN closes one direction; the other goes on.
#include "sim/seeds.h"

namespace parley::sim {
namespace {

constexpr std::size_t text_bytes_max = 300'000;

// Reads to the end, then answers with how much it was.
Task<> count_bytes(Stream peer) {
  std::size_t size = 0;
  for (;;) {
    const auto bytes = co_await peer.receive();
    if (!bytes) {
      EXPECT_EQ(bytes.error(), Errc::end);
      break;
    }
    EXPECT_TRUE(is_pattern(1, size, *bytes));
    size += bytes->size();
  }
  const std::string answer = std::to_string(size);
  const auto sent = co_await peer.send(answer);
  EXPECT_TRUE(succeeded(sent));
}

TEST(HalfClose, AnAnswerComesAfterTheQuestionIsFinished) {
  for_seeds(SimulationOptions::harmless, [](World& world) -> Task<> {
    Server server(world, count_bytes);
    auto peer = co_await connect_at_last(world, server.address());
    if (!peer) co_return;
    const std::string text = pattern(1, 0, draw_size(world.random, text_bytes_max));
    const auto sent = co_await peer->send(text);
    EXPECT_TRUE(succeeded(sent));
    EXPECT_TRUE(peer->shutdown());
    EXPECT_TRUE(peer->shutdown()) << "once more is harmless";
    const auto more = co_await peer->send("more");
    EXPECT_TRUE(failed_with(more, Errc::not_connected));

    std::string answer;
    while (auto bytes = co_await peer->receive()) answer += as_text(*bytes);
    EXPECT_EQ(answer, std::to_string(text.size()));
    co_await server.stop();
  });
}

// Says goodbye first, and then takes all that still comes.
Task<> finish_then_count(Stream peer, std::size_t& size) {
  EXPECT_TRUE(peer.shutdown());
  while (auto bytes = co_await peer.receive()) {
    EXPECT_TRUE(is_pattern(1, size, *bytes));
    size += bytes->size();
  }
}

Task<> send_after_the_end(World& world) {
  std::size_t counted = 0;
  Server server(world, {finish_then_count, counted});
  const std::string text = pattern(1, 0, draw_size(world.random, text_bytes_max));
  {
    auto peer = co_await connect_at_last(world, server.address());
    if (!peer) co_return;
    const auto nothing = co_await peer->receive();
    EXPECT_TRUE(failed_with(nothing, Errc::end));
    const auto sent = co_await peer->send(text);
    EXPECT_TRUE(succeeded(sent));
  }
  (void)co_await sleep_for(long_enough);
  co_await server.stop();
  EXPECT_EQ(counted, text.size());
}

TEST(HalfClose, WhatIsSentAfterThePeerFinishedArrives) { for_seeds(SimulationOptions::harmless, send_after_the_end); }

}  // namespace
}  // namespace parley::sim
