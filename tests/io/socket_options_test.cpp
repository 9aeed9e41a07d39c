// Every option of a Socket, by what it does where that can be seen.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <parley/socket.h>
#include <sys/socket.h>

#include <chrono>
#include <limits>
#include <string>

#include "io/socket_fixture.h"

namespace parley {
namespace {

using namespace std::chrono_literals;
using SocketOptions = SocketTest;

int option(const Socket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(socket.descriptor(), level, name, &value, &size), 0);
  return value;
}

TEST_F(SocketOptions, flags_are_set_and_cleared) {
  Socket tcp = open(tcp4);
  for (const bool on : {true, false}) {
    ASSERT_TRUE(tcp.set_reuse_address(on));
    EXPECT_EQ(option(tcp, SOL_SOCKET, SO_REUSEADDR), on);
    ASSERT_TRUE(tcp.set_reuse_port(on));
    EXPECT_EQ(option(tcp, SOL_SOCKET, SO_REUSEPORT), on);
    ASSERT_TRUE(tcp.set_no_delay(on));
    EXPECT_EQ(option(tcp, IPPROTO_TCP, TCP_NODELAY), on);
    ASSERT_TRUE(tcp.set_keep_alive(on));
    EXPECT_EQ(option(tcp, SOL_SOCKET, SO_KEEPALIVE), on);
  }
}

TEST_F(SocketOptions, sizes_are_at_least_what_was_asked) {
  Socket socket = open(udp4);
  ASSERT_TRUE(socket.set_receive_buffer_bytes(10'000));
  EXPECT_GE(option(socket, SOL_SOCKET, SO_RCVBUF), 10'000);
  ASSERT_TRUE(socket.set_send_buffer_bytes(10'000));
  EXPECT_GE(option(socket, SOL_SOCKET, SO_SNDBUF), 10'000);
}

TEST_F(SocketOptions, what_can_never_be_right_is_refused) {
  Socket socket = open(tcp4);
  constexpr auto too_large = static_cast<std::size_t>(std::numeric_limits<int>::max()) + 1;
  EXPECT_EQ(told(socket.set_receive_buffer_bytes(too_large)), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_send_buffer_bytes(too_large)), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_receive_timeout(-1ms)), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_send_timeout(-1ms)), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_linger(-1s)), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_linger(std::chrono::seconds::max())), "error: invalid_argument");
  EXPECT_EQ(told(socket.set_receive_timeout(std::chrono::milliseconds::max())), "done");
}

TEST_F(SocketOptions, some_belong_to_one_kind_or_family) {
  EXPECT_EQ(told(open(udp4).set_no_delay(true)), "error: unsupported");
  EXPECT_EQ(told(open(tcp4).set_ipv6_only(true)), "error: unsupported");
}

TEST_F(SocketOptions, several_sockets_share_a_port_only_if_all_want_it) {
  for (const Where& where : {tcp4, udp4}) {
    Socket first = open(where);
    ASSERT_TRUE(first.set_reuse_port(true));
    ASSERT_TRUE(first.bind(Address::loopback(Family::ipv4, 0)));
    if (where.kind == Kind::tcp) {
      ASSERT_TRUE(first.listen());
    }
    Socket second = open(where);
    ASSERT_TRUE(second.set_reuse_port(true));
    EXPECT_EQ(told(second.bind(*first.local_address())), "done");
    EXPECT_EQ(told(open(where).bind(*first.local_address())), "error: address_in_use");
  }
}

TEST_F(SocketOptions, an_ipv6_socket_takes_ipv4_too_unless_told_not_to) {
  Socket both = open(tcp6);
  ASSERT_TRUE(both.set_ipv6_only(false));
  ASSERT_TRUE(both.bind(Address::any(Family::ipv6, 0)));
  ASSERT_TRUE(both.listen());
  Socket client = open(tcp4);
  ASSERT_TRUE(client.connect(Address::loopback(Family::ipv4, both.local_address()->port())));
  const auto accepted = both.accept();
  ASSERT_TRUE(accepted);
  EXPECT_TRUE(accepted->address.host().starts_with("::ffff:127."));
  EXPECT_TRUE(accepted->address.is_loopback());

  const Socket taken = listening(tcp4);
  const Address same_port = Address::loopback(Family::ipv6, 0).with_port(taken.local_address()->port());
  Socket only = open(tcp6);
  ASSERT_TRUE(only.set_ipv6_only(true));
  EXPECT_EQ(option(only, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_EQ(told(only.bind(same_port)), "done");
}

TEST_F(SocketOptions, broadcasting_must_be_asked_for) {
  Socket socket = open(udp4);
  const Address everyone = *Address::parse("127.255.255.255:9");
  EXPECT_EQ(told(socket.send_to("x", everyone)), "error: permission_denied");
  ASSERT_TRUE(socket.set_broadcast(true));
  EXPECT_EQ(told(socket.send_to("x", everyone)), "done");
}

TEST_F(SocketOptions, linger_zero_resets) {
  auto [client, server] = connected(tcp4);
  ASSERT_TRUE(server.set_linger(0s));
  server.close();
  EXPECT_EQ(told(client.receive(buffer_)), "error: reset");
}

TEST_F(SocketOptions, a_receive_that_ran_out_of_time_leaves_the_connection_usable) {
  for (const Where& where : streams) {
    auto [client, server] = connected(where);
    ASSERT_TRUE(server.set_receive_timeout(5ms));
    EXPECT_EQ(told(server.receive(buffer_)), "error: timed_out");
    ASSERT_TRUE(client.send_all("x"));
    EXPECT_EQ(told(server.receive(buffer_)), "x");
    ASSERT_TRUE(server.set_blocking(false));
    EXPECT_EQ(told(server.receive(buffer_)), "error: would_block");
  }
  Socket udp = bound(udp4);
  ASSERT_TRUE(udp.set_receive_timeout(5ms));
  EXPECT_EQ(told(udp.receive_from(buffer_)), "error: timed_out");
}

TEST_F(SocketOptions, a_limit_holds_for_accept_and_is_inherited) {
  Socket server = listening(tcp4);
  ASSERT_TRUE(server.set_receive_timeout(5ms));
  EXPECT_EQ(told(server.accept()), "error: timed_out");
  Socket client = open(tcp4);
  ASSERT_TRUE(client.connect(*server.local_address()));
  Socket accepted = std::move(server.accept()->socket);
  EXPECT_EQ(told(accepted.receive(buffer_)), "error: timed_out");
}

TEST_F(SocketOptions, a_limit_survives_moving_and_adopting) {
  auto [client, server] = connected(tcp4);
  ASSERT_TRUE(server.set_receive_timeout(5ms));
  Socket moved;
  moved = std::move(server);
  EXPECT_EQ(told(moved.receive(buffer_)), "error: timed_out");
  Socket adopted = Socket::adopt(moved.release(), Kind::tcp);
  EXPECT_EQ(told(adopted.receive(buffer_)), "error: timed_out");
}

TEST_F(SocketOptions, a_limit_holds_for_send_and_connect) {
  for (const Where& where : streams) {
    Socket server = listening(where, 0);
    Socket client = open(where);
    ASSERT_TRUE(client.set_send_timeout(5ms));
    ASSERT_TRUE(client.connect(*server.local_address()));
    EXPECT_EQ(told(client.send_all(std::string(16 << 20, 'x'))), "error: timed_out");

    Socket late = open(where);  // the queue is full
    ASSERT_TRUE(late.set_send_timeout(5ms));
    EXPECT_EQ(told(late.connect(*server.local_address())), "error: timed_out");
  }
}

TEST_F(SocketOptions, a_local_connect_that_does_not_wait_is_to_be_made_again) {
  Socket server = listening(local_stream, 0);
  Socket first = open(local_stream);
  ASSERT_TRUE(first.connect(*server.local_address()));
  Socket second = open(local_stream);
  ASSERT_TRUE(second.set_blocking(false));
  EXPECT_EQ(told(second.connect(*server.local_address())), "error: would_block");
  ASSERT_TRUE(server.accept());
  EXPECT_EQ(told(second.connect(*server.local_address())), "done");
}

}  // namespace
}  // namespace parley
