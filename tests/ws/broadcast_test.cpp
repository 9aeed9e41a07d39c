#include "ws/broadcast.h"

#include <gtest/gtest.h>

#include <string>

#include "ws/compressed.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

const std::string json = R"({"id":1,"name":"Ada","tags":["a","b","c"],"id2":1,"name2":"Ada","tags2":["a","b","c"]})";

TEST(Gathered, FramesLieSideBySideAndNobodysAreOverwritten) {
  Gathered gathered;
  const Gathered::Place first = gathered.room(Gathered::bytes_max - 1);
  EXPECT_EQ(gathered.room(1).data, first.data + Gathered::bytes_max - 1);
  gathered.reuse();
  const Gathered::Place second = gathered.room(2);
  EXPECT_NE(second.memory, first.memory) << "there is no room, and somebody holds the first";
  EXPECT_EQ(gathered.room(3).data, second.data + 2);
}

TEST(Gathered, WhatNobodyHoldsIsUsedAgain) {
  Gathered gathered;
  const std::byte* const place = gathered.room(10).data;
  EXPECT_EQ(gathered.room(10).data, place + 10);
  gathered.reuse();
  EXPECT_EQ(gathered.room(Gathered::bytes_max).data, place);
  EXPECT_EQ(gathered.room(Gathered::bytes_max).data, place);
}

TEST(Broadcast, IsTheFrameThatASessionWouldSend) {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 16'380u, 16'381u, 65'535u, 65'536u}) {
    for (const Kind kind : {Kind::text, Kind::binary}) {
      const std::string payload(size, 'x');
      const Message message(as_bytes(payload), kind);
      const std::string wire = testing::wire(testing::fin | static_cast<std::uint8_t>(kind), payload, false);
      Gathered gathered;
      Broadcast broadcast(message, gathered);
      const SharedFrame& frame = broadcast.plain();
      EXPECT_EQ(as_text(frame.bytes), wire);
      EXPECT_EQ(as_text(frame.payload()), payload);
      EXPECT_EQ(&frame, &broadcast.plain()) << "it is made once";
      const bool is_gathered = wire.size() <= Broadcast::gathered_frame_bytes_max;
      EXPECT_EQ(frame.is_gathered, is_gathered) << size;
    }
  }
}

TEST(Broadcast, LargeFramesThatWereMadeBeforeAreShared) {
  for (const std::size_t size : {10u, 100'000u}) {
    const std::string payload(size, 'x');
    const SharedFrame made = Broadcast::frame_of(Message(payload));
    EXPECT_EQ(as_text(made.payload()), payload);
    Gathered gathered;
    const Message message(payload);
    Broadcast broadcast(message, made, gathered);
    EXPECT_EQ(as_text(broadcast.plain().payload()), payload);
    EXPECT_EQ(broadcast.plain().memory == made.memory, size > Broadcast::gathered_frame_bytes_max);
  }
}

TEST(Broadcast, IsCompressedOnceForEachWindowAndLevel) {
  Gathered gathered;
  const Message message(json);
  Broadcast broadcast(message, gathered);
  auto& engines = codec::test_engines();
  const SharedFrame* const first = broadcast.deflated({.window_bits = 12, .level = 6}, engines);
  ASSERT_NE(first, nullptr);
  EXPECT_LT(first->bytes.size(), json.size());
  EXPECT_EQ(first->bits().value, 0xC1);
  EXPECT_EQ(testing::inflated(as_text(first->payload())), json);
  const std::byte* const place = first->bytes.data();
  EXPECT_NE(broadcast.deflated({.window_bits = 9, .level = 6}, engines)->bytes.data(), place);
  EXPECT_NE(broadcast.deflated({.window_bits = 12, .level = 1}, engines)->bytes.data(), place);
  EXPECT_EQ(broadcast.deflated({.window_bits = 12, .keeps_context = false, .level = 6}, engines)->bytes.data(), place);
  EXPECT_EQ(as_text(broadcast.plain().payload()), json);
}

TEST(Broadcast, WhatWouldNotBecomeShorterIsNotCompressed) {
  Gathered gathered;
  const Message message("x");
  Broadcast broadcast(message, gathered);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(broadcast.deflated({}, codec::test_engines()), nullptr);
  EXPECT_EQ(as_text(broadcast.plain().payload()), "x");
}

}  // namespace
}  // namespace parley::ws
