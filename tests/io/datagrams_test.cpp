#include "io/datagrams.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <parley/socket.h>

namespace parley::detail {
namespace {

Socket bound(Kind kind = Kind::udp) {
  Socket socket = *Socket::open(kind);
  EXPECT_TRUE(socket.bind(Address::loopback(Family::ipv4, 0)));
  EXPECT_TRUE(socket.set_blocking(false));
  return socket;
}

// Datagrams of these sizes, one after the other in memory.
class Series {
 public:
  Series(const std::vector<std::size_t>& sizes, const Address& to) {
    std::size_t total = 0;
    for (std::size_t size : sizes) total += size;
    for (std::size_t i = 0; i < total; ++i) bytes_.push_back(static_cast<std::byte>(i * 7 % 251));
    std::byte* at = bytes_.data();
    for (std::size_t size : sizes) {
      datagrams.push_back({.data = at, .size = size, .peer = to});
      at += size;
    }
  }
  std::vector<Datagram> datagrams;

 private:
  std::vector<std::byte> bytes_;
};

struct Rooms {
  explicit Rooms(std::size_t count, std::size_t bytes = 65536) : memory(count * bytes) {
    for (std::size_t i = 0; i < count; ++i)
      datagrams.push_back({.data = memory.data() + i * bytes, .size = bytes, .peer = {}});
  }
  std::vector<std::byte> memory;
  std::vector<Datagram> datagrams;
};

// What has arrived, one Bytes each; segments apart.
std::vector<std::string> received(const Socket& from) {
  std::vector<std::string> all;
  for (;;) {
    Rooms rooms(received_at_once_max);
    const std::ptrdiff_t count = receive_datagrams(from.descriptor(), rooms.datagrams);
    if (count < 0) {
      EXPECT_EQ(count, -EAGAIN);
      return all;
    }
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const Datagram& message = rooms.datagrams[static_cast<std::size_t>(i)];
      const std::string text(as_text({message.data, message.size}));
      const std::size_t step = message.segment_bytes ? message.segment_bytes : std::max<std::size_t>(text.size(), 1);
      for (std::size_t at = 0; at == 0 || at < text.size(); at += step) all.push_back(text.substr(at, step));
    }
  }
}

void expect_sent(const Socket& to, const Series& series, const std::vector<std::string>& arrived) {
  ASSERT_EQ(arrived.size(), series.datagrams.size());
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    EXPECT_EQ(arrived[i], as_text({series.datagrams[i].data, series.datagrams[i].size})) << i;
  }
  EXPECT_TRUE(to.is_open());
}

TEST(Datagrams, every_mixture_of_sizes_keeps_its_borders) {
  const std::vector<std::vector<std::size_t>> mixtures{
      {1},
      {0},
      {0, 0, 0},
      {100, 100, 100},
      {100, 100, 40},
      {100, 100, 40, 40, 100},
      {100, 200, 200, 100, 0, 100, 100},
      std::vector<std::size_t>(64, 1000),
      {30000, 30000, 30000},
      {65507, 1},
  };
  for (bool runs : {false, true}) {
    const Socket receiver = bound();
    const Socket sender = bound();
    if (runs) allow_runs(receiver.descriptor());
    for (const auto& sizes : mixtures) {
      const Series series(sizes, *receiver.local_address());
      EXPECT_EQ(send_datagrams(sender.descriptor(), series.datagrams), std::ssize(sizes));
      expect_sent(sender, series, received(receiver));
    }
  }
}

TEST(Datagrams, a_run_arrives_as_one_piece_where_that_is_allowed) {
  const Socket receiver = bound();
  const Socket sender = bound();
  allow_runs(receiver.descriptor());
  const Series series({500, 500, 500, 20}, *receiver.local_address());
  ASSERT_EQ(send_datagrams(sender.descriptor(), series.datagrams), 4);
  Rooms rooms(4);
  ASSERT_EQ(receive_datagrams(receiver.descriptor(), rooms.datagrams), 1);
  EXPECT_EQ(rooms.datagrams[0].size, 1520u);
  EXPECT_EQ(rooms.datagrams[0].segment_bytes, 500u);
  EXPECT_EQ(rooms.datagrams[0].peer, *sender.local_address());
}

TEST(Datagrams, a_run_ends_where_the_peer_changes) {
  const Socket one = bound();
  const Socket other = bound();
  const Socket sender = bound();
  Series series({100, 100, 100, 100}, *one.local_address());
  series.datagrams[2].peer = *other.local_address();
  ASSERT_EQ(send_datagrams(sender.descriptor(), series.datagrams), 4);
  EXPECT_EQ(received(one).size(), 3u);
  EXPECT_EQ(received(other).size(), 1u);
}

// The kernel would take a run for one large datagram there.
TEST(Datagrams, over_a_unix_domain_socket_nothing_is_joined) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const Socket sender = Socket::adopt(ends[0], Kind::local_datagram);
  const Socket receiver = Socket::adopt(ends[1], Kind::local_datagram);
  const Series series({100, 100, 100}, Address());
  ASSERT_EQ(send_datagrams(sender.descriptor(), series.datagrams), 3);
  expect_sent(sender, series, received(receiver));
}

TEST(Datagrams, no_more_than_the_maximum_goes_at_once) {
  const Socket receiver = bound();
  const Socket sender = bound();
  const Series series(std::vector<std::size_t>(sent_at_once_max + 1, 10), *receiver.local_address());
  EXPECT_EQ(send_datagrams(sender.descriptor(), series.datagrams), std::ssize(series.datagrams) - 1);
}

TEST(Datagrams, one_that_does_not_fit_is_dropped_and_the_next_ones_stay) {
  const Socket receiver = bound();
  const Socket sender = bound();
  const Series series({10, 200, 20}, *receiver.local_address());
  ASSERT_EQ(send_datagrams(sender.descriptor(), series.datagrams), 3);
  Rooms rooms(4, 100);
  ASSERT_EQ(receive_datagrams(receiver.descriptor(), rooms.datagrams), 2);
  EXPECT_EQ(rooms.datagrams[0].size, 10u);
  EXPECT_EQ(rooms.datagrams[1].size, 20u);
  EXPECT_EQ(as_text({rooms.datagrams[1].data, 20}), as_text({series.datagrams[2].data, 20}));
}

TEST(Datagrams, the_error_is_that_of_the_first) {
  const Socket receiver = bound();
  const Socket sender = bound();
  Series series({10, 10, 10}, *receiver.local_address());
  series.datagrams[1].peer = Address::loopback(Family::ipv6, 9);
  EXPECT_EQ(send_datagrams(sender.descriptor(), series.datagrams), 1);
  EXPECT_EQ(send_datagrams(sender.descriptor(), std::span(series.datagrams).subspan(1)), -EAFNOSUPPORT);
  Rooms rooms(1);
  EXPECT_EQ(receive_datagrams(receiver.descriptor(), rooms.datagrams), 1);
  EXPECT_EQ(receive_datagrams(receiver.descriptor(), rooms.datagrams), -EAGAIN);
}

}  // namespace
}  // namespace parley::detail
