#include "io/epoll.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "io/datagrams.h"

namespace parley::detail {
namespace {

constexpr std::size_t events_max = 1024;  // taken from the kernel at once
constexpr std::size_t parts_max = 16;     // of one send()
constexpr unsigned accepts_max = 64;      // before others have their turn
constexpr std::uint32_t failed_bits = EPOLLERR | EPOLLHUP;

std::uint32_t kernel_bits(std::uint8_t wanted) noexcept {
  // With nothing wanted the kernel would still report a hang-up again and again; edge-triggered it does so once.
  if (!wanted) return EPOLLET;
  return (wanted & Source::in_bit ? EPOLLIN : 0u) | (wanted & Source::out_bit ? EPOLLOUT : 0u);
}

class Epoll final : public Driver {
 public:
  Epoll(int epoll, int wake_event) noexcept : epoll_(epoll), wake_event_(wake_event) {}
  ~Epoll() override {
    ::close(epoll_);
    ::close(wake_event_);
  }

  std::string_view name() const noexcept override { return "epoll"; }
  Time now() noexcept override {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * Time{1'000'000'000} + time.tv_nsec;
  }

  Result<int> listen(const Address& address, int backlog, ReusePort reuse_port) override;
  Result<int> connect(const Address& address, const Address& from) override;
  Result<int> bind_datagram(const Address& address, ReusePort reuse_port) override;
  Result<int> connect_datagram(const Address& address) override;
  Result<Address> local_address(int descriptor) override { return Borrowed(descriptor).socket.local_address(); }
  Result<Address> peer_address(int descriptor) override { return Borrowed(descriptor).socket.peer_address(); }
  Result<void> outcome(int descriptor) override { return Borrowed(descriptor).socket.error(); }
  Result<void> shutdown(int descriptor) override { return Borrowed(descriptor).socket.shutdown(Direction::send); }
  void close_descriptor(int descriptor) override { ::close(descriptor); }

  Result<void> attach(Source& source) override;
  void release(Source& source) override;
  void close(Source& source, bool reset) override;
  void arm(Source& source) override;

  std::ptrdiff_t send(Source& source, Bytes bytes) override;
  std::ptrdiff_t send(Source& source, std::span<const Bytes> parts) override;
  std::ptrdiff_t receive(Source& source, std::span<std::byte> buffer) override;
  std::ptrdiff_t send(Source& source, std::span<const Datagram> datagrams) override {
    return send_datagrams(source.descriptor, datagrams);
  }
  std::ptrdiff_t receive(Source& source, std::span<Datagram> datagrams) override {
    return receive_datagrams(source.descriptor, datagrams);
  }

  const Address& accepted_address() const noexcept override { return accepted_address_; }

  bool next(Completion& completion, Time until) override;
  void wake() noexcept override {
    // It can fail only when it is full, and then a wake-up is on its way already.
    [[maybe_unused]] int ignored = eventfd_write(wake_event_, 1);
  }

 private:
  // A Socket for one call on a descriptor that belongs to somebody else.
  struct Borrowed {
    explicit Borrowed(int descriptor) noexcept : socket(Socket::adopt(descriptor, Kind::tcp)) {}
    ~Borrowed() { socket.release(); }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    Socket socket;
  };

  bool fill(Time until) noexcept;
  bool take(Completion& completion) noexcept;
  bool accept(Source& source, Completion& completion) noexcept;
  bool receive_lent(Source& source, Completion& completion) noexcept;
  void set(Source& source) noexcept;
  void forget(Source& source) noexcept;

  const int epoll_;
  const int wake_event_;
  int count_ = 0;
  int at_ = 0;
  bool wrote_ = false;  // the event at_ has been given out as writable; its other half follows
  bool woken_ = false;
  unsigned accepts_ = 0;
  Address accepted_address_;
  std::array<epoll_event, events_max> events_;
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

Result<int> Epoll::listen(const Address& address, int backlog, ReusePort reuse_port) {
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

Result<int> Epoll::connect(const Address& address, const Address& from) {
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

Result<int> Epoll::bind_datagram(const Address& address, ReusePort reuse_port) {
  Result<Socket> socket = open_like(address, true);
  if (!socket) return std::unexpected(socket.error());
  if (address.family() != Family::local) allow_runs(socket->descriptor());
  if (auto done = bind_sharing(*socket, address, reuse_port); !done) return std::unexpected(done.error());
  return socket->release();
}

Result<int> Epoll::connect_datagram(const Address& address) {
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

Result<void> Epoll::attach(Source& source) {
  epoll_event event{.events = kernel_bits(source.wanted), .data = {.ptr = &source}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, source.descriptor, &event) != 0) {
    return std::unexpected(Error::from_errno(errno));
  }
  source.armed = source.wanted;
  return {};
}

// No event of this batch may be given out for it any more.
void Epoll::forget(Source& source) noexcept {
  for (int i = at_; i < count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &source) event.data.ptr = nullptr;
  }
  source.armed = source.wanted = 0;
}

void Epoll::release(Source& source) {
  forget(source);
  epoll_event unused{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, source.descriptor, &unused);
}

void Epoll::close(Source& source, bool reset) {
  release(source);  // close() alone does not end it while a process forked meanwhile has the descriptor too
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(source.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(source.descriptor);
  source.descriptor = -1;
}

void Epoll::set(Source& source) noexcept {
  epoll_event event{.events = kernel_bits(source.wanted), .data = {.ptr = &source}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, source.descriptor, &event);
  source.armed = source.wanted;
}

void Epoll::arm(Source& source) { set(source); }

std::ptrdiff_t result_of(std::ptrdiff_t returned) noexcept { return returned < 0 ? -errno : returned; }

std::ptrdiff_t Epoll::send(Source& source, Bytes bytes) {
  for (;;) {
    const std::ptrdiff_t sent = result_of(::send(source.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent >= 0) [[likely]]
      return sent;
    if (sent == -EAGAIN) return 0;
    if (sent != -EINTR) return sent;
  }
}

std::ptrdiff_t Epoll::send(Source& source, std::span<const Bytes> parts) {
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

std::ptrdiff_t Epoll::receive(Source& source, std::span<std::byte> buffer) {
  for (;;) {
    const std::ptrdiff_t received = result_of(recv(source.descriptor, buffer.data(), buffer.size(), 0));
    if (received != -EINTR) return received;
  }
}

bool Epoll::next(Completion& completion, Time until) {
  for (;;) {
    while (at_ < count_) {
      if (take(completion)) return true;
    }
    if (woken_) {
      woken_ = false;
      return false;
    }
    if (!fill(until)) return false;
  }
}

// Asks the kernel. False if `until` has come; the events wait for the following call.
bool Epoll::fill(Time until) noexcept {
  int milliseconds = -1;
  if (until == 0) {
    milliseconds = 0;
  } else if (until != never) {
    constexpr Time unit = 1'000'000;
    milliseconds = static_cast<int>(std::clamp<Time>((until - now() + unit - 1) / unit, 0, INT32_MAX));
  }
  at_ = 0;
  count_ = std::max(epoll_wait(epoll_, events_.data(), events_max, milliseconds), 0);
  return until == never || (until != 0 && now() < until);
}

// Performs the event at_, or half of it; false if nothing came of it.
bool Epoll::take(Completion& completion) noexcept {
  const epoll_event& event = events_[static_cast<std::size_t>(at_)];
  if (event.data.ptr == this) [[unlikely]] {
    eventfd_t value = 0;
    eventfd_read(wake_event_, &value);
    woken_ = true;
    ++at_;
    return false;
  }
  auto* source = static_cast<Source*>(event.data.ptr);
  if (!source) {
    ++at_;
    wrote_ = false;
    return false;
  }
  const std::uint32_t bits = event.events;
  if (!wrote_ && (source->wanted & Source::out_bit) && (bits & (EPOLLOUT | failed_bits))) [[unlikely]] {
    wrote_ = true;
    completion = {source, 0, Done::writable};
    return true;
  }
  wrote_ = false;
  if ((source->wanted & Source::in_bit) && (bits & (EPOLLIN | failed_bits))) [[likely]] {
    if (source->reading == Reading::accept) return accept(*source, completion);
    ++at_;
    if (source->reading == Reading::lent) [[likely]]
      return receive_lent(*source, completion);
    completion = {source, 0, Done::readable};
    return true;
  }
  ++at_;
  if (source->armed & ~source->wanted) set(*source);  // nobody waits for that any more
  return false;
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

// Stays at this event until the backlog is empty, nobody wants more, or it is others' turn.
bool Epoll::accept(Source& source, Completion& completion) noexcept {
  alignas(8) std::array<std::byte, 128> from;
  auto size = static_cast<socklen_t>(from.size());
  const int descriptor =
      accept4(source.descriptor, reinterpret_cast<sockaddr*>(from.data()), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) [[likely]] {
    accepted_address_ = Address::from_kernel(from.data(), size);
    completion = {&source, descriptor, Done::accepted};
    if (++accepts_ % accepts_max == 0) ++at_;
    return true;
  }
  if (errno == EINTR || concerns_one_connection(errno)) return false;
  ++at_;
  if (errno == EAGAIN) return false;
  completion = {&source, -errno, Done::accepted};
  return true;
}

bool Epoll::receive_lent(Source& source, Completion& completion) noexcept {
  Buffer* buffer = source.in ? source.in : buffers->lend();
  const std::ptrdiff_t received = receive(source, {buffer->data() + buffer->end, buffer->capacity - buffer->end});
  if (received > 0) [[likely]] {
    buffer->end += static_cast<std::uint32_t>(received);
    source.in = buffer;
  } else {
    if (!source.in) buffers->give_back(buffer);
    if (received == -EAGAIN) return false;
  }
  completion = {&source, static_cast<std::int32_t>(received), Done::received};
  return true;
}

}  // namespace

Result<std::unique_ptr<Driver>> make_epoll() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return std::unexpected(Error::from_errno(errno));
  const int wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_event < 0) {
    const int error = errno;
    ::close(epoll);
    return std::unexpected(Error::from_errno(error));
  }
  auto driver = std::make_unique<Epoll>(epoll, wake_event);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = driver.get()}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, wake_event, &event) != 0) return std::unexpected(Error::from_errno(errno));
  return driver;
}

}  // namespace parley::detail
