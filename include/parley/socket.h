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
// Signals: EINTR is retried inside every call (a time limit then starts anew); SIGPIPE is never raised (MSG_NOSIGNAL);
// descriptors are close-on-exec.
// After close(), or on a Socket made by the default constructor, every call with a possible argument gives
// Errc::closed.
// Errors beyond those named below are the entries of Errc for the errno that the system call gave (Error::os has it).
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

  // socket(2). `family` is ignored for the Unix-domain kinds; otherwise it is ipv4 or ipv6, or Errc::invalid_argument.
  static Result<Socket> open(Kind kind, Family family = Family::ipv4);
  // Takes over a descriptor that is already a socket of that kind; it is not checked. The Socket will close it.
  static Socket adopt(int descriptor, Kind kind) noexcept;

  // bind(2). A TCP socket is given SO_REUSEADDR first, so that a restart finds its port again; because of it a port
  // that another program has bound but not begun to listen on is found out by listen(). A Unix-domain path appears in
  // the file system and stays there after close(): the caller unlinks it, and until then it is Errc::address_in_use. A
  // path in a directory that does not exist is Errc::address_unavailable.
  Result<void> bind(const Address& address);
  Result<void> listen(int backlog = backlog_default);
  // accept4(2). Waits for a connection; Errc::would_block if non-blocking and there is none. The new Socket blocks,
  // whatever this one does.
  Result<Accepted> accept();
  // connect(2). For a datagram socket: fixes the peer, so that send() and receive() may be used. Non-blocking TCP:
  // Errc::would_block means under way; when the descriptor is writable, error() tells the outcome. Non-blocking
  // Unix-domain stream: Errc::would_block means that the listener's queue is full, and connect() must be called again.
  Result<void> connect(const Address& address);

  // send(2): how many bytes the kernel took, which may be fewer than given (a datagram goes whole or not at all).
  Result<std::size_t> send(Bytes bytes);
  Result<std::size_t> send(std::string_view text) { return send(as_bytes(text)); }
  // All of it: calls send() until everything is taken. For blocking sockets: on an error, Errc::would_block and
  // Errc::timed_out included, some of it may have been sent, and how much is not known.
  Result<void> send_all(Bytes bytes);
  Result<void> send_all(std::string_view text) { return send_all(as_bytes(text)); }
  // recv(2) into `buffer`: the bytes received, a view of `buffer`. A stream that the peer finished gives Errc::end; an
  // empty datagram gives an empty view. A datagram longer than `buffer` is cut, is lost, and gives Errc::too_large. An
  // empty `buffer` is Errc::invalid_argument for a stream, where it could not be told from the end.
  Result<Bytes> receive(std::span<std::byte> buffer);

  // sendto(2) and recvfrom(2), for datagrams; on a stream they give Errc::invalid_argument. receive_from() is as
  // receive(), and gives the sender too: Family::none for a Unix-domain peer that has not bound itself.
  Result<void> send_to(Bytes bytes, const Address& to);
  Result<void> send_to(std::string_view text, const Address& to) { return send_to(as_bytes(text), to); }
  Result<Received> receive_from(std::span<std::byte> buffer);

  // shutdown(2). After Direction::send the peer receives the end of the stream, and this end may still receive.
  Result<void> shutdown(Direction direction);
  // close(2). Closing twice is fine. Bytes that were not received make the kernel reset a TCP connection.
  void close() noexcept;

  // Options. Each is one setsockopt(2), set_blocking() is fcntl(2); the defaults are the kernel's. A negative time, and
  // a size that does not fit in an int, are Errc::invalid_argument.
  Result<void> set_blocking(bool on);
  Result<void> set_reuse_address(bool on);  // SO_REUSEADDR
  Result<void> set_reuse_port(bool on);     // SO_REUSEPORT: several sockets share one port
  Result<void> set_no_delay(bool on);       // TCP_NODELAY
  Result<void> set_keep_alive(bool on);     // SO_KEEPALIVE
  Result<void> set_ipv6_only(bool on);      // IPV6_V6ONLY
  Result<void> set_broadcast(bool on);      // SO_BROADCAST
  // How long a blocking receive() or accept() may wait, and a blocking send() or connect(), before it gives
  // Errc::timed_out; the connection stays usable. 0: without limit. An accepted Socket has its listener's limits.
  Result<void> set_receive_timeout(std::chrono::milliseconds time);  // SO_RCVTIMEO
  Result<void> set_send_timeout(std::chrono::milliseconds time);     // SO_SNDTIMEO
  Result<void> set_receive_buffer_bytes(std::size_t bytes);          // SO_RCVBUF; the kernel doubles and caps it
  Result<void> set_send_buffer_bytes(std::size_t bytes);             // SO_SNDBUF; likewise
  Result<void> set_linger(std::chrono::seconds time);                // SO_LINGER; 0: close() resets the connection

  // SO_ERROR, taken: what went wrong since it was last asked.
  Result<void> error();

  Result<Address> local_address() const;  // getsockname(2)
  Result<Address> peer_address() const;   // getpeername(2)

  Kind kind() const noexcept { return kind_; }
  bool is_open() const noexcept { return descriptor_ >= 0; }
  explicit operator bool() const noexcept { return is_open(); }
  int descriptor() const noexcept { return descriptor_; }
  int release() noexcept;  // gives the descriptor up; the caller closes it

 private:
  Socket(int descriptor, Kind kind, bool timed) noexcept : descriptor_(descriptor), kind_(kind), timed_(timed) {}

  bool is_stream() const noexcept { return kind_ == Kind::tcp || kind_ == Kind::local_stream; }
  std::unexpected<Error> failed(int value) const noexcept;
  Result<void> await_connected();
  Result<void> set_time_limit(int option, std::chrono::milliseconds time);
  Result<std::size_t> receive_into(std::span<std::byte> buffer, void* address, unsigned* address_size);

  int descriptor_ = -1;
  Kind kind_ = Kind::tcp;
  bool timed_ = false;  // a time limit may be set, so EAGAIN on a blocking descriptor means Errc::timed_out
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
