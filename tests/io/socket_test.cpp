#include <parley/socket.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <type_traits>

#include "io/socket_fixture.h"

namespace parley {
namespace {

bool is_descriptor(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

using StreamSocket = SocketTest;
using DatagramSocket = SocketTest;
using OneSocket = SocketTest;
class EachStream : public SocketTest {};
class EachDatagram : public SocketTest {};

INSTANTIATE_TEST_SUITE_P(Socket, EachStream, testing::ValuesIn(streams), where_name);
INSTANTIATE_TEST_SUITE_P(Socket, EachDatagram, testing::ValuesIn(datagrams), where_name);

TEST_P(EachStream, carries_bytes_both_ways_until_each_end_finishes) {
  auto [client, server] = connected(GetParam());
  EXPECT_EQ(client.send("ping"), 4u);
  EXPECT_EQ(told(server.receive(buffer_)), "ping");
  ASSERT_TRUE(client.shutdown(Direction::send));
  EXPECT_EQ(told(server.receive(buffer_)), "error: end");
  EXPECT_EQ(told(server.receive(buffer_)), "error: end");
  EXPECT_TRUE(server.send_all("pong"));
  EXPECT_EQ(told(client.receive(buffer_)), "pong");
  server.close();
  EXPECT_EQ(told(client.receive(buffer_)), "error: end");
}

TEST_P(EachStream, shutting_down_stops_this_ends_direction) {
  auto [client, server] = connected(GetParam());
  ASSERT_TRUE(client.shutdown(Direction::send));
  EXPECT_EQ(told(client.send("x")), "error: reset");
  ASSERT_TRUE(server.shutdown(Direction::receive));
  EXPECT_EQ(told(server.receive(buffer_)), "error: end");
  ASSERT_TRUE(server.shutdown(Direction::both));
  EXPECT_EQ(told(server.send("x")), "error: reset");
}

TEST_P(EachStream, both_ends_know_both_addresses) {
  Socket server = listening(GetParam());
  Socket client = open(GetParam());
  ASSERT_TRUE(client.connect(*server.local_address()));
  auto accepted = server.accept();
  ASSERT_TRUE(accepted);
  auto& [peer, address] = *accepted;
  EXPECT_EQ(address, *client.local_address());
  EXPECT_EQ(*peer.peer_address(), *client.local_address());
  EXPECT_EQ(*peer.local_address(), *client.peer_address());
  EXPECT_EQ(*client.peer_address(), *server.local_address());
  EXPECT_EQ(address.family(), GetParam().family);
  EXPECT_EQ(peer.kind(), GetParam().kind);
}

TEST_P(EachStream, send_all_sends_more_than_the_kernel_holds) {
  auto [client, server] = connected(GetParam());
  std::string sent(8 << 20, ' ');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 31) >> 8);
  std::thread sender([&client, &sent] {
    EXPECT_TRUE(client.send_all(sent));
    client.close();
  });
  std::string received;
  auto bytes = server.receive(buffer_);
  for (; bytes; bytes = server.receive(buffer_)) received += as_text(*bytes);
  sender.join();
  EXPECT_EQ(bytes.error(), Errc::end);
  EXPECT_TRUE(received == sent);
}

TEST_P(EachStream, sends_nothing_and_receives_into_nothing) {
  auto [client, server] = connected(GetParam());
  EXPECT_EQ(client.send(""), 0u);
  EXPECT_TRUE(client.send_all(""));
  EXPECT_TRUE(client.send_all("x"));
  EXPECT_EQ(told(server.receive({})), "error: invalid_argument");
  EXPECT_EQ(told(server.receive(buffer_)), "x");
}

TEST_P(EachStream, receives_what_fits_and_keeps_the_rest) {
  auto [client, server] = connected(GetParam());
  ASSERT_TRUE(client.send_all("abcde"));
  EXPECT_EQ(told(server.receive(std::span(buffer_).first(3))), "abc");
  EXPECT_EQ(told(server.receive(std::span(buffer_).first(3))), "de");
}

TEST_P(EachStream, does_not_wait_when_told_not_to) {
  Socket server = listening(GetParam());
  ASSERT_TRUE(server.set_blocking(false));
  EXPECT_EQ(told(server.accept()), "error: would_block");
  Socket client = open(GetParam());
  ASSERT_TRUE(client.connect(*server.local_address()));
  auto accepted = server.accept();
  ASSERT_TRUE(accepted);
  EXPECT_EQ(fcntl(accepted->socket.descriptor(), F_GETFL) & O_NONBLOCK, 0);

  ASSERT_TRUE(client.set_blocking(false));
  EXPECT_EQ(told(client.receive(buffer_)), "error: would_block");
  const std::string much(64 << 10, 'x');
  auto sent = client.send(much);
  while (sent) sent = client.send(much);
  EXPECT_EQ(sent.error(), Errc::would_block);
  EXPECT_EQ(told(client.send_all(much)), "error: would_block");
  ASSERT_TRUE(client.set_blocking(true));
  EXPECT_EQ(fcntl(client.descriptor(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(EachStream, a_reset_is_an_error_and_no_signal) {
  auto [client, server] = connected(GetParam());
  ASSERT_TRUE(client.send_all("not received"));
  server.close();  // with unread bytes: a reset
  EXPECT_EQ(told(client.receive(buffer_)), "error: reset");
  EXPECT_EQ(told(client.send("x")), "error: reset");
  EXPECT_EQ(told(client.send_all("x")), "error: reset");
}

TEST_P(EachStream, has_no_datagrams) {
  auto [client, server] = connected(GetParam());
  EXPECT_EQ(told(client.send_to("x", *server.local_address())), "error: invalid_argument");
  EXPECT_EQ(told(server.receive_from(buffer_)), "error: invalid_argument");
}

TEST_P(EachDatagram, carries_datagrams_whole_and_says_who_sent_them) {
  Socket server = bound(GetParam());
  Socket client = bound(GetParam());
  ASSERT_TRUE(client.send_to("first", *server.local_address()));
  ASSERT_TRUE(client.send_to("second", *server.local_address()));
  auto received = server.receive_from(buffer_);
  ASSERT_TRUE(received);
  EXPECT_EQ(as_text(received->bytes), "first");
  EXPECT_EQ(received->address, *client.local_address());
  EXPECT_EQ(told(server.receive(buffer_)), "second");
  ASSERT_TRUE(server.send_to("answer", received->address));
  EXPECT_EQ(told(client.receive(buffer_)), "answer");
}

TEST_P(EachDatagram, an_empty_one_is_no_end) {
  Socket server = bound(GetParam());
  Socket client = open(GetParam());
  ASSERT_TRUE(client.connect(*server.local_address()));
  ASSERT_TRUE(client.send_all(""));
  EXPECT_EQ(client.send(""), 0u);
  EXPECT_EQ(told(server.receive(buffer_)), "");
  const auto received = server.receive_from(buffer_);
  ASSERT_TRUE(received);
  EXPECT_TRUE(received->bytes.empty());
}

TEST_P(EachDatagram, one_that_does_not_fit_is_lost) {
  Socket server = bound(GetParam());
  Socket client = open(GetParam());
  ASSERT_TRUE(client.connect(*server.local_address()));
  for (const char* text : {"abcde", "fghij", "kl"}) ASSERT_TRUE(client.send(text));
  EXPECT_EQ(told(server.receive(std::span(buffer_).first(4))), "error: too_large");
  EXPECT_EQ(told(server.receive_from(std::span(buffer_).first(0))), "error: too_large");
  EXPECT_EQ(told(server.receive(std::span(buffer_).first(2))), "kl");
}

TEST_P(EachDatagram, does_not_wait_when_told_not_to) {
  Socket socket = bound(GetParam());
  ASSERT_TRUE(socket.set_blocking(false));
  EXPECT_EQ(told(socket.receive(buffer_)), "error: would_block");
  EXPECT_EQ(told(socket.receive_from(buffer_)), "error: would_block");
}

TEST_P(EachDatagram, sends_only_when_it_knows_where) {
  Socket socket = open(GetParam());
  EXPECT_EQ(told(socket.send("x")), "error: not_connected");
  EXPECT_EQ(told(socket.peer_address()), "error: not_connected");
}

TEST_P(EachDatagram, cannot_listen) {
  Socket socket = bound(GetParam());
  EXPECT_EQ(told(socket.listen()), "error: unsupported");
  EXPECT_EQ(told(socket.accept()), "error: unsupported");
}

TEST_F(DatagramSocket, an_unbound_local_sender_has_no_address) {
  Socket server = bound(local_datagram);
  Socket client = open(local_datagram);
  ASSERT_TRUE(client.send_to("x", *server.local_address()));
  EXPECT_EQ(server.receive_from(buffer_)->address.family(), Family::none);
}

TEST_F(StreamSocket, abstract_names_need_no_file) {
  const Address address = *Address::local("@parley-test-" + std::to_string(getpid()));
  Socket server = open(local_stream);
  ASSERT_TRUE(server.bind(address));
  ASSERT_TRUE(server.listen());
  EXPECT_EQ(*server.local_address(), address);
  Socket client = open(local_stream);
  EXPECT_TRUE(client.connect(address));
  EXPECT_EQ(server.accept()->address.to_string(), "unix:");
}

TEST_F(StreamSocket, leaves_the_file_of_a_path_to_the_caller) {
  const Address address = *Address::local(path("left"));
  Socket server = open(local_stream);
  ASSERT_TRUE(server.bind(address));
  server.close();
  EXPECT_TRUE(std::filesystem::exists(address.host()));
  EXPECT_EQ(told(open(local_stream).bind(address)), "error: address_in_use");
  std::filesystem::remove(address.host());
  EXPECT_EQ(told(open(local_stream).bind(address)), "done");
}

TEST_F(StreamSocket, finds_its_port_again_after_a_restart) {
  Socket server = listening(tcp4);
  const Address address = *server.local_address();
  Socket client = open(tcp4);
  ASSERT_TRUE(client.connect(address));
  Socket accepted = std::move(server.accept()->socket);
  accepted.close();  // the end that closes first keeps the port in TIME_WAIT
  EXPECT_EQ(told(client.receive(buffer_)), "error: end");
  client.close();
  server.close();
  Socket again = open(tcp4);
  EXPECT_EQ(told(again.bind(address)), "done");
  EXPECT_EQ(told(again.listen()), "done");
}

TEST_F(StreamSocket, a_connection_under_way_tells_its_outcome_later) {
  Socket server = listening(tcp4);
  Socket client = open(tcp4);
  ASSERT_TRUE(client.set_blocking(false));
  EXPECT_EQ(told(client.connect(*server.local_address())), "error: would_block");
  pollfd writable{.fd = client.descriptor(), .events = POLLOUT, .revents = 0};
  ASSERT_EQ(poll(&writable, 1, -1), 1);
  EXPECT_EQ(told(client.error()), "done");
  EXPECT_TRUE(client.peer_address());
}

TEST_F(OneSocket, owns_its_descriptor) {
  Socket socket = open(tcp4);
  const int descriptor = socket.descriptor();
  EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  {
    Socket moved = std::move(socket);
    EXPECT_TRUE(moved);
    EXPECT_EQ(moved.descriptor(), descriptor);
    EXPECT_FALSE(socket.is_open());
    Socket& itself = moved;
    moved = std::move(itself);
    EXPECT_TRUE(is_descriptor(descriptor));
  }
  EXPECT_FALSE(is_descriptor(descriptor));
  EXPECT_FALSE(std::is_copy_constructible_v<Socket>);
}

TEST_F(OneSocket, assigning_closes_what_was_held) {
  Socket socket = open(tcp4);
  const int before = socket.descriptor();
  Socket other = open(udp4);
  const int after = other.descriptor();
  socket = std::move(other);
  EXPECT_FALSE(is_descriptor(before));
  EXPECT_EQ(socket.descriptor(), after);
  EXPECT_EQ(socket.kind(), Kind::udp);
}

TEST_F(OneSocket, takes_over_and_gives_up_a_descriptor) {
  const int descriptor = bound(udp4).release();
  EXPECT_TRUE(is_descriptor(descriptor));
  Socket socket = Socket::adopt(descriptor, Kind::udp);
  EXPECT_EQ(socket.local_address()->family(), Family::ipv4);
  EXPECT_EQ(socket.kind(), Kind::udp);
  socket.close();
  EXPECT_FALSE(is_descriptor(descriptor));
  EXPECT_EQ(socket.release(), -1);
  socket.close();
}

TEST_F(OneSocket, accepted_descriptors_are_close_on_exec) {
  const auto [client, server] = connected(tcp4);
  EXPECT_NE(fcntl(server.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace parley
