#include <parley/udp.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/check.h"
#include "transport/datagrams.h"
#include "transport/ports.h"

namespace parley {

using detail::Completion;
using detail::Context;
using detail::Core;

namespace detail {

// What the network says of one peer. A socket that serves many goes on.
bool is_about_peer(Error error) noexcept {
  return error == Errc::refused || error == Errc::unreachable || error == Errc::reset || error == Errc::timed_out ||
         error == Errc::too_large;
}

class UdpCore final : public Source, private Unflushed {
 public:
  UdpCore(Core& core, int fd, Family family, bool connected) noexcept
      : core_(core), family_(family), connected_(connected) {
    descriptor = fd;
    reading = Reading::ready;
  }

  static Result<UdpSocket> make(Core& core, Result<int> descriptor, Family family, bool connected);
  void destroy() noexcept;

  bool poll() noexcept;
  bool wait(Context& context, std::coroutine_handle<> waiter) noexcept;
  Result<parley::Datagram> take() noexcept;
  bool send(Context& context, std::coroutine_handle<> waiter, Bytes bytes, const Address* to) noexcept;

  void completed(const Completion& completion) noexcept override;
  void stop(Context& context, Stop level, Errc reason) noexcept override;

  Address local_address() const noexcept { return core_.driver->local_address(descriptor).value_or(Address{}); }
  Address peer_address() const noexcept { return core_.driver->peer_address(descriptor).value_or(Address{}); }
  std::size_t dropped() const noexcept { return dropped_; }

 private:
  struct Sender {
    Context* context;
    Bytes bytes;
    const Address* to;
  };

  ~UdpCore() = default;

  void want(std::uint8_t bit) noexcept {
    wanted |= bit;
    if (!(armed & bit)) core_.driver->arm(*this);
  }
  void want_no_more(std::uint8_t bit) noexcept { wanted &= static_cast<std::uint8_t>(~bit); }

  Errc refusal(Bytes bytes, const Address* to) const noexcept;
  bool enqueue(Bytes bytes, const Address* to) noexcept { return unsent_.push(core_, bytes, to ? *to : Address{}); }
  bool push(Bytes bytes, const Address* to) noexcept;
  void turn_ended() noexcept override { pump(); }
  void pump() noexcept;
  bool send_queue() noexcept;
  void drop_first(Error error) noexcept;
  void report(Error error) noexcept;

  Core& core_;
  Context* reader_ = nullptr;
  ReceivedBatch received_;
  UnsentQueue unsent_;
  std::vector<Sender> senders_;  // which wait for room in the queue
  std::size_t dropped_ = 0;
  Error error_;  // of something sent before, to be told
  const Family family_;
  const bool connected_;
  bool told_refused_ = false;
};

Result<UdpSocket> UdpCore::make(Core& core, Result<int> descriptor, Family family, bool connected) {
  if (!descriptor) return std::unexpected(descriptor.error());
  auto* made = new UdpCore(core, *descriptor, family, connected);  // owned: by the UdpSocket
  UdpSocket socket(*made);
  made->wanted = in_bit;  // so that the first receive() needs no second system call
  Result<void> attached = core.driver->attach(*made);
  made->wanted = 0;
  if (!attached) return std::unexpected(attached.error());
  return socket;
}

void UdpCore::destroy() noexcept {
  PARLEY_CHECK(!reader_, "a UdpSocket was closed while a receive() of it waits");
  PARLEY_CHECK(senders_.empty(), "a UdpSocket was closed while a send() of it waits");
  pump();
  unlist();
  received_.clear(core_);
  unsent_.clear(core_);
  core_.driver->close(*this, false);
  core_.descriptor_freed();
  delete this;  // owned: by the UdpSocket that is being closed
}

// ---- Receiving

bool UdpCore::poll() noexcept {
  if (error_.code != Errc::none || !received_.is_over()) return true;
  received_.clear(core_);
  return false;
}

bool UdpCore::wait(Context& context, std::coroutine_handle<> waiter) noexcept {
  if (reader_) {
    context.set(Error{Errc::already, 0});
    return false;
  }
  if (!context.wait(*this, waiter, Stop::receiving)) {
    // Asked to finish what has arrived: what the kernel holds has.
    if (context.stopped() == Stop::receiving && received_.receive(core_, *this) > 0) context.set({});
    return false;
  }
  reader_ = &context;
  want(in_bit);
  return true;
}

Result<parley::Datagram> UdpCore::take() noexcept {
  if (error_.code != Errc::none) return std::unexpected(std::exchange(error_, Error{}));
  return received_.next();
}

void UdpCore::completed(const Completion& completion) noexcept {
  if (completion.what == Done::writable) return pump();
  const std::ptrdiff_t received = received_.receive(core_, *this);
  if (received == 0 || received == -EAGAIN) return;
  Error error;
  if (received < 0) error = Error::from_errno(static_cast<int>(-received));
  if (!connected_ && is_about_peer(error)) return;
  want_no_more(in_bit);
  std::exchange(reader_, nullptr)->resume(error);
}

// ---- Sending

// Why this datagram can't be sent at all.
Errc UdpCore::refusal(Bytes bytes, const Address* to) const noexcept {
  constexpr std::size_t ipv4_bytes_max = 65507;
  if (bytes.size() > (family_ == Family::ipv4 ? ipv4_bytes_max : UdpSocket::datagram_bytes_max)) return Errc::too_large;
  if (!to) return connected_ ? Errc::none : Errc::not_connected;
  if (connected_) return Errc::invalid_argument;
  if (to->family() == Family::none) return Errc::not_connected;
  // An IPv6 socket can also reach IPv4.
  const bool fits = to->family() == family_ || (family_ == Family::ipv6 && to->family() == Family::ipv4);
  return fits ? Errc::none : Errc::invalid_argument;
}

bool UdpCore::push(Bytes bytes, const Address* to) noexcept {
  if (!enqueue(bytes, to)) return false;
  if (!is_listed() && !(wanted & out_bit)) core_.unflushed.push_front(*this);
  return true;
}

bool UdpCore::send(Context& context, std::coroutine_handle<> waiter, Bytes bytes, const Address* to) noexcept {
  context.set(std::exchange(error_, Error{}));
  if (context.outcome().code != Errc::none) return false;
  context.set(Error{refusal(bytes, to), 0});
  if (context.outcome().code != Errc::none) return false;
  if (senders_.empty() && push(bytes, to)) return false;
  if (!(wanted & out_bit)) pump();
  if (senders_.empty() && push(bytes, to)) return false;
  if (!context.wait(*this, waiter)) return false;
  senders_.push_back({&context, bytes, to});
  return true;
}

// Everything that the kernel has room for. What is left over goes when it has room again.
void UdpCore::pump() noexcept {
  while (send_queue()) {
    want_no_more(out_bit);
    if (senders_.empty()) return;
    std::size_t admitted = 0;
    while (admitted < senders_.size() && enqueue(senders_[admitted].bytes, senders_[admitted].to)) {
      senders_[admitted++].context->ready();
    }
    senders_.erase(senders_.begin(), senders_.begin() + static_cast<std::ptrdiff_t>(admitted));
  }
}

// False: the kernel has no more room.
bool UdpCore::send_queue() noexcept {
  while (!unsent_.empty()) {
    const std::ptrdiff_t sent = core_.driver->send(*this, unsent_.all());
    if (sent > 0) {
      told_refused_ = false;
      unsent_.pop(core_, static_cast<std::size_t>(sent));
      continue;
    }
    // A Unix-domain peer's full queue must not keep the others' datagrams back, nor could it be waited for.
    const bool full = sent == 0 || sent == -EAGAIN;
    if (full && (connected_ || family_ != Family::local)) {
      want(out_bit);
      return false;
    }
    drop_first(Error::from_errno(static_cast<int>(full ? EAGAIN : -sent)));
  }
  return true;
}

void UdpCore::drop_first(Error error) noexcept {
  report(error);
  // The kernel says so of an earlier datagram, and has not tried this one.
  if (connected_ && family_ != Family::local && is_about_peer(error) && !std::exchange(told_refused_, true)) return;
  told_refused_ = false;
  dropped_ += 1;
  unsent_.pop(core_, 1);
}

void UdpCore::report(Error error) noexcept {
  if (!connected_) return;
  if (reader_) {
    want_no_more(in_bit);
    std::exchange(reader_, nullptr)->ready(error);
  } else {
    error_ = error;
  }
}

void UdpCore::stop(Context& context, Stop level, Errc reason) noexcept {
  if (&context == reader_) {
    const bool arrived = level == Stop::receiving && received_.receive(core_, *this) > 0;
    reader_ = nullptr;
    want_no_more(in_bit);
    return context.ready(arrived ? Error{} : Error{reason, 0});
  }
  if (level != Stop::all) return;
  std::erase_if(senders_, [&context](const Sender& sender) { return sender.context == &context; });
  context.ready(Error{reason, 0});
}

}  // namespace detail

bool UdpSocket::Receive::await_ready() const noexcept { return !core_ || core_->poll(); }
bool UdpSocket::Receive::wait(std::coroutine_handle<> waiter) noexcept { return core_->wait(*context_, waiter); }

Result<Datagram> UdpSocket::Receive::await_resume() const noexcept {
  if (!core_) return fail(Errc::closed);
  if (context_ && context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
  return core_->take();
}

bool UdpSocket::Send::wait(std::coroutine_handle<> waiter) noexcept {
  return core_->send(*context_, waiter, bytes_, to_);
}

void UdpSocket::close() noexcept {
  if (auto* core = std::exchange(core_, nullptr)) core->destroy();
}

Address UdpSocket::local_address() const noexcept { return core_ ? core_->local_address() : Address{}; }
Address UdpSocket::peer_address() const noexcept { return core_ ? core_->peer_address() : Address{}; }
std::size_t UdpSocket::dropped() const noexcept { return core_ ? core_->dropped() : 0; }

Result<UdpSocket> UdpSocket::bind(Loop& loop, const Address& address, const UdpOptions& options) {
  Core& core = loop.core();
  if (!core.driver) return std::unexpected(core.failure());
  return detail::UdpCore::make(core, core.driver->bind_datagram(address, options.reuse_port), address.family(), false);
}

Result<UdpSocket> UdpSocket::bind(Loop& loop, const Endpoint& endpoint, const UdpOptions& options) {
  if (endpoint.scheme == Scheme::tcp || endpoint.scheme == Scheme::tls) return fail(Errc::invalid_argument);
  return detail::first_free(endpoint, [&](const Address& address) { return bind(loop, address, options); });
}

Result<UdpSocket> UdpSocket::bind(Loop& loop, std::string_view url, const UdpOptions& options) {
  Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  return bind(loop, *endpoint, options);
}

Result<UdpSocket> UdpSocket::connect(Loop& loop, const Address& peer) {
  Core& core = loop.core();
  if (!core.driver) return std::unexpected(core.failure());
  return detail::UdpCore::make(core, core.driver->connect_datagram(peer), peer.family(), true);
}

}  // namespace parley
