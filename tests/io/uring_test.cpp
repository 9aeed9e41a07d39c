#include "io/uring.h"

#include <string>

#include "io/drivers.h"
#include "io/kernel_driver.h"

namespace parley::detail {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KernelDriverTest);
INSTANTIATE_TEST_SUITE_P(IoUring, KernelDriverTest, testing::ValuesIn(io_uring_if_allowed()));
INSTANTIATE_TEST_SUITE_P(IoUring, KernelDriverListening, testing::ValuesIn(io_uring_if_allowed()));

class UringTest : public KernelDriverTest {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringTest);
INSTANTIATE_TEST_SUITE_P(IoUring, UringTest, testing::ValuesIn(io_uring_if_allowed()));

// More than a buffer of the ring, and more than one receive takes: nothing is lost between the two ways of receiving.
TEST_P(UringTest, bytes_keep_their_order_from_small_to_large_and_back) {
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.set_blocking(false));
  std::string sent, received;
  for (int round = 0; round < 200; ++round) {
    const std::size_t bytes = round % 50 < 25 ? 100 : 60'000;
    const std::string piece(bytes, static_cast<char>('a' + round % 26));
    const auto taken_by_kernel = peer.send(piece);
    ASSERT_TRUE(taken_by_kernel);
    sent += piece.substr(0, *taken_by_kernel);
    while (received.size() < sent.size()) {
      ASSERT_GT(next().result, 0);
      received += taken(*source);
    }
  }
  EXPECT_TRUE(sent == received);
  driver_->close(*source, false);
}

// What arrived before it was unwanted is in a buffer already, and must not wait for the next that arrives.
TEST_P(UringTest, what_arrived_unwanted_is_given_when_it_is_wanted_by_hand_too) {
  auto [source, peer] = pair(Source::in_bit);
  EXPECT_TRUE(is_quiet());
  want(*source, 0);
  ASSERT_TRUE(peer.send("one"));
  EXPECT_TRUE(is_quiet());
  std::array<std::byte, 2> room{};
  EXPECT_EQ(driver_->receive(*source, room), 2);
  ASSERT_TRUE(peer.send("two"));
  peer.close();
  EXPECT_TRUE(is_quiet());
  source->reading = Reading::ready;
  want(*source, Source::in_bit);
  std::string text;
  for (;;) {
    EXPECT_EQ(next().what, Done::readable);
    const auto size = driver_->receive(*source, room);
    if (size <= 0) {
      EXPECT_EQ(size, 0);
      break;
    }
    text += as_text(Bytes(room).first(static_cast<std::size_t>(size)));
  }
  EXPECT_EQ(text, "etwo");
  driver_->close(*source, false);
}

}  // namespace parley::detail
