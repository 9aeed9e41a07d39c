#include <parley/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace parley {
namespace {

constexpr long wait_seconds_max = 1'000'000;  // what fits in poll()'s milliseconds

// A system call, again for as long as a signal gets in first.
template <class Call>
auto retried(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

bool is_blocking(int descriptor) noexcept { return (fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0; }

const sockaddr* kernel(const Address& address) noexcept { return static_cast<const sockaddr*>(address.data()); }

template <class T>
Result<void> set_option(int descriptor, int level, int option, const T& value) {
  if (setsockopt(descriptor, level, option, &value, sizeof value) == 0) return {};
  return std::unexpected(Error::from_errno(errno));
}

Result<void> set_flag(int descriptor, int level, int option, bool on) {
  return set_option(descriptor, level, option, int{on});
}

Result<void> set_size(int descriptor, int option, std::size_t bytes) {
  if (!std::in_range<int>(bytes)) return fail(Errc::invalid_argument);
  return set_option(descriptor, SOL_SOCKET, option, static_cast<int>(bytes));
}

// getsockname, getpeername
template <class Call>
Result<Address> address_of(int descriptor, Call call) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (call(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return std::unexpected(Error::from_errno(errno));
  }
  return Address::from_kernel(&storage, size);
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : Socket(std::exchange(other.descriptor_, -1), other.kind_, other.timed_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    kind_ = other.kind_;
    timed_ = other.timed_;
  }
  return *this;
}

Socket::~Socket() { close(); }

Result<Socket> Socket::open(Kind kind, Family family) {
  const bool local = kind == Kind::local_stream || kind == Kind::local_datagram;
  const bool stream = kind == Kind::tcp || kind == Kind::local_stream;
  if (!local && family != Family::ipv4 && family != Family::ipv6) return fail(Errc::invalid_argument);

  const int domain = local ? AF_UNIX : family == Family::ipv6 ? AF_INET6 : AF_INET;
  const int descriptor = ::socket(domain, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::unexpected(Error::from_errno(errno));
  return Socket(descriptor, kind, false);
}

Socket Socket::adopt(int descriptor, Kind kind) noexcept { return Socket(descriptor, kind, true); }

std::unexpected<Error> Socket::failed(int value) const noexcept {
  // connect() that runs out of time gives EINPROGRESS, every other call EAGAIN.
  if (timed_ && (value == EAGAIN || value == EINPROGRESS) && is_blocking(descriptor_)) {
    return fail(Errc::timed_out, value);
  }
  return std::unexpected(Error::from_errno(value));
}

Result<void> Socket::bind(const Address& address) {
  if (kind_ == Kind::tcp) {
    if (auto set = set_reuse_address(true); !set) return set;
  }
  if (::bind(descriptor_, kernel(address), address.size()) == 0) return {};
  // These mean "nobody listens there" to connect(), but here that there is no such place.
  if (errno == ENOENT || errno == ENOTDIR) return fail(Errc::address_unavailable, errno);
  return failed(errno);
}

Result<void> Socket::listen(int backlog) {
  if (::listen(descriptor_, backlog) == 0) return {};
  return failed(errno);
}

Result<Socket::Accepted> Socket::accept() {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const int descriptor = retried([&] {
    size = sizeof storage;
    return ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_CLOEXEC);
  });
  if (descriptor < 0) return failed(errno);
  return Accepted{Socket(descriptor, kind_, timed_), Address::from_kernel(&storage, size)};
}

Result<void> Socket::connect(const Address& address) {
  for (;;) {
    if (::connect(descriptor_, kernel(address), address.size()) == 0) return {};
    if (errno != EINTR) return failed(errno);
    // POSIX: an interrupted connect() goes on in the background and must not be called again. Linux does so for TCP; a
    // Unix-domain socket was only waiting for room in the listener's queue.
    if (kind_ == Kind::tcp) return await_connected();
  }
}

Result<void> Socket::await_connected() {
  timeval limit{};
  socklen_t size = sizeof limit;
  getsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, &size);
  const long limit_ms = std::min(limit.tv_sec, wait_seconds_max) * 1000 + (limit.tv_usec + 999) / 1000;

  pollfd waiting{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  const int ready = retried([&] { return ::poll(&waiting, 1, limit_ms == 0 ? -1 : static_cast<int>(limit_ms)); });
  if (ready < 0) return failed(errno);
  if (ready == 0) return fail(Errc::timed_out, ETIMEDOUT);
  return error();
}

Result<std::size_t> Socket::send(Bytes bytes) {
  const ssize_t sent = retried([&] { return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
  if (sent < 0) return failed(errno);
  return static_cast<std::size_t>(sent);
}

Result<void> Socket::send_all(Bytes bytes) {
  do {
    const Result<std::size_t> sent = send(bytes);
    if (!sent) return std::unexpected(sent.error());
    bytes = bytes.subspan(*sent);
  } while (!bytes.empty());
  return {};
}

Result<std::size_t> Socket::receive_into(std::span<std::byte> buffer, void* address, unsigned* address_size) {
  // With MSG_TRUNC a datagram's whole size is returned, also of one that was cut. On TCP the flag discards the bytes.
  const int flags = is_stream() ? 0 : MSG_TRUNC;
  const ssize_t size = retried([&] {
    return ::recvfrom(descriptor_, buffer.data(), buffer.size(), flags, static_cast<sockaddr*>(address), address_size);
  });
  if (size < 0) return failed(errno);
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes > buffer.size()) return fail(Errc::too_large);
  return bytes;
}

Result<Bytes> Socket::receive(std::span<std::byte> buffer) {
  if (is_stream() && buffer.empty()) return fail(Errc::invalid_argument);
  const Result<std::size_t> size = receive_into(buffer, nullptr, nullptr);
  if (!size) return std::unexpected(size.error());
  if (*size == 0 && is_stream()) return fail(Errc::end);
  return buffer.first(*size);
}

Result<void> Socket::send_to(Bytes bytes, const Address& to) {
  if (is_stream()) return fail(Errc::invalid_argument);
  const ssize_t sent =
      retried([&] { return ::sendto(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL, kernel(to), to.size()); });
  if (sent < 0) return failed(errno);
  return {};
}

Result<Socket::Received> Socket::receive_from(std::span<std::byte> buffer) {
  if (is_stream()) return fail(Errc::invalid_argument);
  sockaddr_storage storage{};
  socklen_t address_size = sizeof storage;
  const Result<std::size_t> size = receive_into(buffer, &storage, &address_size);
  if (!size) return std::unexpected(size.error());
  return Received{buffer.first(*size), Address::from_kernel(&storage, address_size)};
}

Result<void> Socket::shutdown(Direction direction) {
  const int how = direction == Direction::receive ? SHUT_RD : direction == Direction::send ? SHUT_WR : SHUT_RDWR;
  if (::shutdown(descriptor_, how) == 0) return {};
  return failed(errno);
}

void Socket::close() noexcept {
  // Not retried: Linux has freed the descriptor also when close() was interrupted.
  if (is_open()) ::close(release());
}

int Socket::release() noexcept { return std::exchange(descriptor_, -1); }

Result<void> Socket::set_blocking(bool on) {
  const int flags = fcntl(descriptor_, F_GETFL);
  if (flags < 0) return failed(errno);
  if (fcntl(descriptor_, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0) return failed(errno);
  return {};
}

Result<void> Socket::set_reuse_address(bool on) { return set_flag(descriptor_, SOL_SOCKET, SO_REUSEADDR, on); }
Result<void> Socket::set_reuse_port(bool on) { return set_flag(descriptor_, SOL_SOCKET, SO_REUSEPORT, on); }
Result<void> Socket::set_no_delay(bool on) { return set_flag(descriptor_, IPPROTO_TCP, TCP_NODELAY, on); }
Result<void> Socket::set_keep_alive(bool on) { return set_flag(descriptor_, SOL_SOCKET, SO_KEEPALIVE, on); }
Result<void> Socket::set_ipv6_only(bool on) { return set_flag(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, on); }
Result<void> Socket::set_broadcast(bool on) { return set_flag(descriptor_, SOL_SOCKET, SO_BROADCAST, on); }

Result<void> Socket::set_receive_timeout(std::chrono::milliseconds time) { return set_time_limit(SO_RCVTIMEO, time); }
Result<void> Socket::set_send_timeout(std::chrono::milliseconds time) { return set_time_limit(SO_SNDTIMEO, time); }

Result<void> Socket::set_time_limit(int option, std::chrono::milliseconds time) {
  if (time.count() < 0) return fail(Errc::invalid_argument);
  const timeval limit{.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
  timed_ = true;
  return set_option(descriptor_, SOL_SOCKET, option, limit);
}

Result<void> Socket::set_receive_buffer_bytes(std::size_t bytes) { return set_size(descriptor_, SO_RCVBUF, bytes); }
Result<void> Socket::set_send_buffer_bytes(std::size_t bytes) { return set_size(descriptor_, SO_SNDBUF, bytes); }

Result<void> Socket::set_linger(std::chrono::seconds time) {
  if (time.count() < 0 || !std::in_range<int>(time.count())) return fail(Errc::invalid_argument);
  return set_option(descriptor_, SOL_SOCKET, SO_LINGER,
                    linger{.l_onoff = 1, .l_linger = static_cast<int>(time.count())});
}

Result<void> Socket::error() {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &value, &size) != 0) return failed(errno);
  if (value != 0) return failed(value);
  return {};
}

Result<Address> Socket::local_address() const { return address_of(descriptor_, getsockname); }
Result<Address> Socket::peer_address() const { return address_of(descriptor_, getpeername); }

}  // namespace parley
