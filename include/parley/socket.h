// Socket: one descriptor and the seven verbs that everyone learns first: socket, bind, listen, accept, send, receive,
// close. It blocks unless told otherwise, needs no loop, and is all that a simple program wants.
//
//   parley::Socket server = *parley::Socket::open(parley::Kind::tcp);
//   server.bind(*parley::Address::parse("127.0.0.1:9000"));
//   server.listen();
//   auto [client, address] = *server.accept();
//
// Lifetime: a Socket owns its descriptor, closes it when destroyed, and can be moved but not copied.
// Threads: two threads may use one Socket at the same time as the kernel allows (one sends, one receives); closing it
// while another thread is inside a call is the caller's fault.
// Signals: EINTR is retried inside every call; SIGPIPE is never raised (MSG_NOSIGNAL); descriptors are close-on-exec.
// After close(), or on a Socket made by the default constructor, every call gives Errc::closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/error.h>

namespace parley {

enum class Kind : std::uint8_t {
  tcp,             // SOCK_STREAM over IPv4 or IPv6
  udp,             // SOCK_DGRAM over IPv4 or IPv6
  local_stream,    // SOCK_STREAM, Unix-domain
  local_datagram,  // SOCK_DGRAM, Unix-domain
};

enum class Direction : std::uint8_t { receive, send, both };  // SHUT_RD, SHUT_WR, SHUT_RDWR

class Socket {
 public:
  struct Accepted;  // a Socket and the peer's Address
  struct Received;  // a size and the sender's Address

  // How many connections may wait for accept(), unless listen() is told otherwise. The kernel caps it (somaxconn).
  static constexpr int backlog_default = 4096;

  Socket() noexcept = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // socket(2). `family` is ignored for the Unix-domain kinds.
  static Result<Socket> open(Kind kind, Family family = Family::ipv4);
  // Takes over a descriptor that is already a socket of that kind.
  static Socket adopt(int descriptor, Kind kind) noexcept;

  // bind(2). A stream socket is given SO_REUSEADDR first, so that a restart finds its port again.
  Result<void> bind(const Address& address);
  Result<void> listen(int backlog = backlog_default);
  // accept4(2). Waits for a connection; Errc::would_block if non-blocking and there is none.
  Result<Accepted> accept();
  // connect(2). For a datagram socket: fixes the peer, so that send() and receive() may be used. Non-blocking:
  // Errc::would_block means under way; when the descriptor is writable, error() tells the outcome.
  Result<void> connect(const Address& address);

  // send(2): how many bytes the kernel took, which may be fewer than given (a datagram goes whole or not at all).
  Result<std::size_t> send(Bytes bytes);
  Result<std::size_t> send(std::string_view text) { return send(as_bytes(text)); }
  // All of it: calls send() until everything is taken. On an error some of it may have been sent.
  Result<void> send_all(Bytes bytes);
  Result<void> send_all(std::string_view text) { return send_all(as_bytes(text)); }
  // recv(2) into `buffer`: the bytes received, a view of `buffer`. A stream that the peer finished gives Errc::end; an
  // empty datagram gives an empty view. A datagram longer than `buffer` is cut and gives Errc::too_large.
  Result<Bytes> receive(std::span<std::byte> buffer);

  Result<void> send_to(Bytes bytes, const Address& to);
  Result<void> send_to(std::string_view text, const Address& to) { return send_to(as_bytes(text), to); }
  Result<Received> receive_from(std::span<std::byte> buffer);

  Result<void> shutdown(Direction direction);
  void close() noexcept;

  // Options. Each is one setsockopt(2); the defaults are the kernel's.
  Result<void> set_blocking(bool on);
  Result<void> set_reuse_address(bool on);                           // SO_REUSEADDR
  Result<void> set_reuse_port(bool on);                              // SO_REUSEPORT: several sockets share one port
  Result<void> set_no_delay(bool on);                                // TCP_NODELAY
  Result<void> set_keep_alive(bool on);                              // SO_KEEPALIVE
  Result<void> set_ipv6_only(bool on);                               // IPV6_V6ONLY
  Result<void> set_broadcast(bool on);                               // SO_BROADCAST
  Result<void> set_receive_timeout(std::chrono::milliseconds time);  // then receive and accept give Errc::timed_out
  Result<void> set_send_timeout(std::chrono::milliseconds time);
  Result<void> set_receive_buffer_bytes(std::size_t bytes);  // SO_RCVBUF
  Result<void> set_send_buffer_bytes(std::size_t bytes);     // SO_SNDBUF
  Result<void> set_linger(std::chrono::seconds time);        // SO_LINGER; 0: close() resets the connection

  Result<void> error();  // SO_ERROR, taken: what went wrong since it was last asked

  Result<Address> local_address() const;  // getsockname(2)
  Result<Address> peer_address() const;   // getpeername(2)

  Kind kind() const noexcept { return kind_; }
  bool is_open() const noexcept { return descriptor_ >= 0; }
  explicit operator bool() const noexcept { return is_open(); }
  int descriptor() const noexcept { return descriptor_; }
  int release() noexcept;  // gives the descriptor up; the caller closes it

 private:
  Socket(int descriptor, Kind kind) noexcept : descriptor_(descriptor), kind_(kind) {}

  int descriptor_ = -1;
  Kind kind_ = Kind::tcp;
  bool timed_ = false;  // a time limit is set, so EAGAIN means Errc::timed_out
};

struct Socket::Accepted {
  Socket socket;
  Address address;
};

struct Socket::Received {
  Bytes bytes;
  Address address;
};

}  // namespace parley
