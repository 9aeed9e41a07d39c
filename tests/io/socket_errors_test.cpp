// Every error of a Socket that can be provoked on the loopback.
#include <gtest/gtest.h>
#include <parley/socket.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "io/socket_fixture.h"

namespace parley {
namespace {

using namespace std::chrono_literals;
using SocketErrors = SocketTest;

TEST_F(SocketErrors, a_closed_socket_says_so_to_every_call) {
  Socket socket = open(tcp4);
  socket.close();
  const Address address = Address::loopback(Family::ipv4, 1);
  EXPECT_EQ(told(socket.bind(address)), "error: closed");
  EXPECT_EQ(told(socket.listen()), "error: closed");
  EXPECT_EQ(told(socket.accept()), "error: closed");
  EXPECT_EQ(told(socket.connect(address)), "error: closed");
  EXPECT_EQ(told(socket.send("x")), "error: closed");
  EXPECT_EQ(told(socket.send_all("")), "error: closed");
  EXPECT_EQ(told(socket.receive(buffer_)), "error: closed");
  EXPECT_EQ(told(socket.shutdown(Direction::both)), "error: closed");
  EXPECT_EQ(told(socket.set_blocking(false)), "error: closed");
  EXPECT_EQ(told(socket.set_no_delay(true)), "error: closed");
  EXPECT_EQ(told(socket.set_receive_timeout(1ms)), "error: closed");
  EXPECT_EQ(told(socket.set_linger(1s)), "error: closed");
  EXPECT_EQ(told(socket.set_send_buffer_bytes(1)), "error: closed");
  EXPECT_EQ(told(socket.error()), "error: closed");
  EXPECT_EQ(told(socket.local_address()), "error: closed");
  EXPECT_EQ(told(socket.peer_address()), "error: closed");

  Socket udp = open(udp4);
  udp.close();
  EXPECT_EQ(told(udp.send_to("x", address)), "error: closed");
  EXPECT_EQ(told(udp.receive_from(buffer_)), "error: closed");
  EXPECT_EQ(told(Socket().listen()), "error: closed");
}

TEST_F(SocketErrors, families_and_kinds_must_fit) {
  EXPECT_EQ(told(Socket::open(Kind::tcp, Family::local)), "error: invalid_argument");
  EXPECT_EQ(told(Socket::open(Kind::udp, Family::none)), "error: invalid_argument");
  EXPECT_EQ(told(Socket::open(Kind::local_stream, Family::ipv6)), "done");
  EXPECT_EQ(told(open(tcp4).bind(*Address::local("/x"))), "error: invalid_argument");
  EXPECT_EQ(told(open(tcp6).bind(Address::loopback(Family::ipv4, 0))), "error: invalid_argument");
  EXPECT_EQ(told(open(tcp4).bind(Address())), "error: invalid_argument");
  EXPECT_EQ(told(open(tcp4).connect(*Address::local("/x"))), "error: invalid_argument");
  EXPECT_EQ(told(open(udp6).send_to("x", *Address::local("/x"))), "error: invalid_argument");
  EXPECT_EQ(told(open(udp4).send_to("x", Address())), "error: invalid_argument");
  EXPECT_EQ(told(open(local_stream).bind(Address::loopback(Family::ipv4, 0))), "error: invalid_argument");
}

TEST_F(SocketErrors, addresses_that_are_taken_or_not_ours) {
  const Socket server = listening(tcp4);
  EXPECT_EQ(told(open(tcp4).bind(*server.local_address())), "error: address_in_use");
  const Socket udp = bound(udp4);
  EXPECT_EQ(told(open(udp4).bind(*udp.local_address())), "error: address_in_use");
  // 192.0.2.0/24 is for documentation (RFC 5737); no machine has it.
  EXPECT_EQ(told(open(tcp4).bind(*Address::parse("192.0.2.1:0"))), "error: address_unavailable");
  EXPECT_EQ(told(open(local_stream).bind(*Address::local(path("none/socket")))), "error: address_unavailable");
}

TEST_F(SocketErrors, a_port_bound_twice_without_listening_is_found_out_by_listen) {
  Socket first = bound(tcp4);
  Socket second = open(tcp4);
  ASSERT_TRUE(second.bind(*first.local_address()));
  ASSERT_TRUE(first.listen());
  EXPECT_EQ(told(second.listen()), "error: address_in_use");
}

TEST_F(SocketErrors, nothing_listens_there) {
  const Socket silent = bound(tcp4);
  EXPECT_EQ(told(open(tcp4).connect(*silent.local_address())), "error: refused");

  EXPECT_EQ(told(open(local_stream).connect(*Address::local(path("missing")))), "error: refused");
  EXPECT_EQ(told(open(local_stream).connect(*Address::local("@parley-nobody-listens-here"))), "error: refused");
  std::ofstream(path("file")) << "no socket";
  EXPECT_EQ(told(open(local_stream).connect(*Address::local(path("file")))), "error: refused");
  EXPECT_EQ(told(open(local_stream).connect(*Address::local(path("file/below")))), "error: refused");
  const Socket datagrams_only = bound(local_datagram);
  EXPECT_EQ(told(open(local_stream).connect(*datagrams_only.local_address())), "error: refused");
  EXPECT_EQ(told(open(local_datagram).send_to("x", *Address::local(path("missing")))), "error: refused");
}

TEST_F(SocketErrors, udp_learns_later_that_nobody_listens) {
  // A socket that is connected to itself takes no datagram of another's, and the kernel answers that none does.
  Socket deaf = bound(udp4);
  ASSERT_TRUE(deaf.connect(*deaf.local_address()));
  Socket client = open(udp4);
  ASSERT_TRUE(client.connect(*deaf.local_address()));
  ASSERT_TRUE(client.send("x"));
  EXPECT_EQ(told(client.receive(buffer_)), "error: refused");
  ASSERT_TRUE(client.send("x"));
  EXPECT_EQ(told(client.error()), "error: refused");
  EXPECT_EQ(told(client.error()), "done");  // taken
}

TEST_F(SocketErrors, calls_out_of_order) {
  EXPECT_EQ(told(open(tcp4).receive(buffer_)), "error: not_connected");
  EXPECT_EQ(told(open(tcp4).peer_address()), "error: not_connected");
  EXPECT_EQ(told(open(tcp4).shutdown(Direction::send)), "error: not_connected");
  EXPECT_EQ(told(open(tcp4).accept()), "error: invalid_argument");
  auto [client, server] = connected(tcp4);
  EXPECT_EQ(told(client.connect(*server.local_address())), "error: already");
  EXPECT_EQ(told(server.bind(Address::loopback(Family::ipv4, 0))), "error: invalid_argument");
}

TEST_F(SocketErrors, a_datagram_larger_than_udp_can_carry) {
  const Socket server = bound(udp4);
  Socket client = open(udp4);
  constexpr std::size_t udp_payload_bytes_max = 65'535 - 8 - 20;  // less the UDP and the IPv4 header
  const std::string largest(udp_payload_bytes_max, 'x');
  EXPECT_EQ(told(client.send_to(largest, *server.local_address())), "done");
  EXPECT_EQ(told(client.send_to(largest + 'x', *server.local_address())), "error: too_large");
}

TEST_F(SocketErrors, descriptors_run_out) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Socket server = listening(tcp4);
  Socket client = open(tcp4);
  ASSERT_TRUE(client.connect(*server.local_address()));
  const rlimit none{.rlim_cur = static_cast<rlim_t>(client.descriptor()) + 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto opened = Socket::open(Kind::tcp);
  const auto accepted = server.accept();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(told(opened), "error: descriptors_exhausted");
  EXPECT_EQ(told(accepted), "error: descriptors_exhausted");
  EXPECT_EQ(told(server.accept()), "done");  // the connection waited
}

TEST_F(SocketErrors, what_is_no_socket_is_the_callers_mistake) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Socket socket = Socket::adopt(ends[0], Kind::tcp);
  const Socket other = Socket::adopt(ends[1], Kind::tcp);
  EXPECT_EQ(told(socket.receive(buffer_)), "error: invalid_argument");
}

}  // namespace
}  // namespace parley
