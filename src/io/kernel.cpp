#include "io/kernel.h"

#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <parley/socket.h>
#include "io/datagrams.h"

namespace parley::detail {
namespace {

constexpr std::size_t parts_max = 16;  // of one send()

// A Socket for one call on a descriptor that belongs to somebody else.
struct Borrowed {
  explicit Borrowed(int descriptor) noexcept : socket(Socket::adopt(descriptor, Kind::tcp)) {}
  ~Borrowed() { socket.release(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Socket socket;
};

Result<Socket> open_like(const Address& address, bool datagram) {
  const bool local = address.family() == Family::local;
  const Kind kind = local ? (datagram ? Kind::local_datagram : Kind::local_stream) : (datagram ? Kind::udp : Kind::tcp);
  Result<Socket> socket = Socket::open(kind, address.family());
  if (!socket) return socket;
  if (auto done = socket->set_blocking(false); !done) return std::unexpected(done.error());
  return socket;
}

// The first of several is bound alone, so that a port another program shares is not taken for a free one.
Result<void> bind_sharing(Socket& socket, const Address& address, ReusePort reuse_port) {
  if (reuse_port == ReusePort::join) {
    if (auto done = socket.set_reuse_port(true); !done) return done;
  }
  if (auto done = socket.bind(address); !done) return done;
  if (reuse_port == ReusePort::first) return socket.set_reuse_port(true);
  return {};
}

// accept(2): Linux "passes already-pending network errors on the new socket as an error code from accept()". Those, and
// a firewall's refusal, end that connection, not the listener.
bool concerns_one_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM: return true;
    default: return false;
  }
}

}  // namespace

KernelDriver::~KernelDriver() { ::close(wake_event_); }

void KernelDriver::wake() noexcept {
  // It can fail only when it is full, and then a wake-up is on its way already.
  [[maybe_unused]] int ignored = eventfd_write(wake_event_, 1);
}

void KernelDriver::still() noexcept {
  eventfd_t value = 0;
  eventfd_read(wake_event_, &value);
}

Time KernelDriver::now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * Time{1'000'000'000} + time.tv_nsec;
}

Result<int> KernelDriver::listen(const Address& address, int backlog, ReusePort reuse_port) {
  Result<Socket> socket = open_like(address, false);
  if (!socket) return std::unexpected(socket.error());
  if (auto done = bind_sharing(*socket, address, reuse_port); !done) return std::unexpected(done.error());
  // What is accepted inherits it: one system call a listener instead of one a connection.
  if (address.family() != Family::local) {
    if (auto done = socket->set_no_delay(true); !done) return std::unexpected(done.error());
  }
  if (auto done = socket->listen(backlog); !done) return std::unexpected(done.error());
  return socket->release();
}

Result<int> KernelDriver::connect(const Address& address, const Address& from) {
  Result<Socket> socket = open_like(address, false);
  if (!socket) return std::unexpected(socket.error());
  if (from.family() != Family::none) {
    // ip(7), IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect(), so that one may serve towards several peers.
    const int on = 1;
    setsockopt(socket->descriptor(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (auto done = socket->bind(from); !done) return std::unexpected(done.error());
  }
  if (address.family() != Family::local) {
    if (auto done = socket->set_no_delay(true); !done) return std::unexpected(done.error());
  }
  Result<void> begun = socket->connect(address);
  const bool under_way = !begun && begun.error().os == EINPROGRESS;
  if (!begun && !under_way) return std::unexpected(begun.error());
  return socket->release();
}

Result<int> KernelDriver::bind_datagram(const Address& address, ReusePort reuse_port) {
  Result<Socket> socket = open_like(address, true);
  if (!socket) return std::unexpected(socket.error());
  if (address.family() != Family::local) allow_runs(socket->descriptor());
  if (auto done = bind_sharing(*socket, address, reuse_port); !done) return std::unexpected(done.error());
  return socket->release();
}

Result<int> KernelDriver::connect_datagram(const Address& address) {
  Result<Socket> socket = open_like(address, true);
  if (!socket) return std::unexpected(socket.error());
  if (address.family() == Family::local) {
    // unix(7), autobind: it takes a free abstract name, so that the peer can answer.
    const sa_family_t nameless = AF_UNIX;
    if (auto done = socket->bind(Address::from_kernel(&nameless, sizeof nameless)); !done) {
      return std::unexpected(done.error());
    }
  } else {
    allow_runs(socket->descriptor());
  }
  if (auto done = socket->connect(address); !done) return std::unexpected(done.error());
  return socket->release();
}

Result<Address> KernelDriver::local_address(int descriptor) { return Borrowed(descriptor).socket.local_address(); }

Result<Address> KernelDriver::peer_address(int descriptor) { return Borrowed(descriptor).socket.peer_address(); }

Result<void> KernelDriver::outcome(int descriptor) { return Borrowed(descriptor).socket.error(); }

Result<void> KernelDriver::shutdown(int descriptor) { return Borrowed(descriptor).socket.shutdown(Direction::send); }

void KernelDriver::close_descriptor(int descriptor) { ::close(descriptor); }

void KernelDriver::close_now(Source& source, bool reset) noexcept {
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(source.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(source.descriptor);
  source.descriptor = -1;
}

[[gnu::hot]] std::ptrdiff_t KernelDriver::send(Source& source, Bytes bytes) noexcept {
  for (;;) {
    const std::ptrdiff_t sent = result_of(::send(source.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent >= 0) [[likely]]
      return sent;
    if (sent == -EAGAIN) return 0;
    if (sent != -EINTR) return sent;
  }
}

[[gnu::hot]] std::ptrdiff_t KernelDriver::send(Source& source, std::span<const Bytes> parts) noexcept {
  std::array<iovec, parts_max> vectors;
  const std::size_t count = std::min(parts.size(), parts_max);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  for (;;) {
    const std::ptrdiff_t sent = result_of(sendmsg(source.descriptor, &message, MSG_NOSIGNAL));
    if (sent == -EAGAIN) return 0;
    if (sent != -EINTR) return sent;
  }
}

std::ptrdiff_t KernelDriver::send(Source& source, std::span<const Datagram> datagrams) noexcept {
  return send_datagrams(source.descriptor, datagrams);
}

std::ptrdiff_t KernelDriver::receive(Source& source, std::span<Datagram> datagrams) noexcept {
  return receive_datagrams(source.descriptor, datagrams);
}

KernelDriver::Accepting KernelDriver::accept(Source& source, Completion& completion) noexcept {
  alignas(8) std::array<std::byte, 128> from;
  auto size = static_cast<socklen_t>(from.size());
  const int descriptor =
      accept4(source.descriptor, reinterpret_cast<sockaddr*>(from.data()), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) [[likely]] {
    accepted_address_ = Address::from_kernel(from.data(), size);
    completion = {&source, descriptor, Done::accepted};
    return Accepting::one;
  }
  if (errno == EINTR || concerns_one_connection(errno)) return Accepting::again;
  if (errno == EAGAIN) return Accepting::none;
  completion = {&source, -errno, Done::accepted};
  return Accepting::failed;
}

Result<int> make_wake_event() noexcept {
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return std::unexpected(Error::from_errno(errno));
  return event;
}

}  // namespace parley::detail
