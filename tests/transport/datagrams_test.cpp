#include "transport/datagrams.h"

#include <gtest/gtest.h>

#include <string>

#include <parley/loop.h>

namespace parley::detail {
namespace {

class UnsentQueueTest : public testing::Test {
 protected:
  ~UnsentQueueTest() override {
    queue.clear(core);
    EXPECT_EQ(core.buffers.lent_bytes(), 0u);
  }
  bool push(std::string_view text) { return queue.push(core, as_bytes(text), to); }
  std::string first() { return std::string(as_text({queue.all()[0].data, queue.all()[0].size})); }

  Loop loop;
  Core& core = loop.core();
  const Address to = Address::loopback(Family::ipv4, 9);
  UnsentQueue queue;
};

TEST_F(UnsentQueueTest, owns_a_buffer_only_while_it_holds_something) {
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(core.buffers.lent_bytes(), 0u);
  EXPECT_TRUE(push("a"));
  EXPECT_FALSE(queue.empty());
  EXPECT_GT(core.buffers.lent_bytes(), 0u);
  queue.pop(core, 1);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(core.buffers.lent_bytes(), 0u);
}

TEST_F(UnsentQueueTest, keeps_copies_in_order_one_after_the_other) {
  EXPECT_TRUE(push("one"));
  EXPECT_TRUE(push(""));
  EXPECT_TRUE(push("three"));
  ASSERT_EQ(queue.all().size(), 3u);
  EXPECT_EQ(first(), "one");
  EXPECT_EQ(queue.all()[2].data, queue.all()[0].data + 3);
  EXPECT_EQ(queue.all()[2].peer, to);
  queue.pop(core, 2);
  ASSERT_EQ(queue.all().size(), 1u);
  EXPECT_EQ(first(), "three");
}

TEST_F(UnsentQueueTest, is_bounded_in_datagrams) {
  for (std::size_t i = 0; i < UdpSocket::queue_datagrams_max; ++i) EXPECT_TRUE(push("a"));
  EXPECT_FALSE(push("a"));
}

TEST_F(UnsentQueueTest, is_bounded_in_bytes_and_an_empty_one_takes_the_largest) {
  EXPECT_TRUE(push(std::string(UdpSocket::datagram_bytes_max, 'x')));
  EXPECT_TRUE(push(std::string(UdpSocket::queue_bytes_max - UdpSocket::datagram_bytes_max, 'y')));
  EXPECT_FALSE(push("a"));
  queue.pop(core, 2);
  EXPECT_TRUE(push("a"));
}

// A driver gives one message of several datagrams: the borders are where they were.
TEST(ReceivedBatch, hands_out_the_datagrams_of_a_run_one_by_one) {
  Loop loop;
  Core& core = loop.core();
  const auto receiver = core.driver->bind_datagram(Address::loopback(Family::ipv4, 0), ReusePort::no);
  ASSERT_TRUE(receiver);
  const auto sender = core.driver->connect_datagram(*core.driver->local_address(*receiver));
  ASSERT_TRUE(sender);
  struct Plain final : Source {
    explicit Plain(int number) { descriptor = number; }
    void completed(const Completion&) noexcept override {}
    void stop(Context&, Stop, Errc) noexcept override {}
  } in(*receiver), out(*sender);
  UnsentQueue queue;
  for (std::string_view text : {"abc", "def", "g"}) EXPECT_TRUE(queue.push(core, as_bytes(text), Address()));
  ASSERT_EQ(core.driver->send(out, queue.all()), 3);
  queue.clear(core);

  ReceivedBatch batch;
  EXPECT_TRUE(batch.is_over());
  ASSERT_EQ(batch.receive(core, in), 1);
  for (std::string_view text : {"abc", "def", "g"}) {
    ASSERT_FALSE(batch.is_over());
    const parley::Datagram datagram = batch.next();
    EXPECT_EQ(as_text(datagram.bytes), text);
    EXPECT_EQ(datagram.from, *core.driver->local_address(*sender));
  }
  EXPECT_TRUE(batch.is_over());
  batch.clear(core);
  EXPECT_EQ(core.buffers.lent_bytes(), 0u);
  EXPECT_LT(batch.receive(core, in), 0);
  EXPECT_EQ(core.buffers.lent_bytes(), 0u);
  core.driver->close_descriptor(*receiver);
  core.driver->close_descriptor(*sender);
}

}  // namespace
}  // namespace parley::detail
