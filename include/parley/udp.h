// UdpSocket: datagrams, over UDP or a Unix-domain datagram socket. Each arrives whole, or not at all, in any order.
//
//   parley::Task<> echo(parley::UdpSocket socket) {
//     while (auto datagram = co_await socket.receive()) {              // a view until the next receive()
//       co_await socket.send(datagram->bytes, datagram->from);
//     }
//   }
//
// Datagrams are received and sent in batches, one system call for many: receive() hands out what one call brought, and
// what send() was given leaves together when the loop next waits.
//
// Lifetime: a UdpSocket owns its socket; its destructor closes it. It must not be destroyed or moved into while a
// receive() or send() of it waits. It must not outlive its Loop. Threads: the loop's thread only.
// Memory: an idle UdpSocket owns no buffer. The loop lends one of about 1 MiB (of which only what arrived is touched)
// while a batch is unread, and one of 128 KiB while datagrams are queued.
#pragma once

#include <coroutine>
#include <cstddef>
#include <string_view>
#include <utility>

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/detail/source.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/reuse_port.h>
#include <parley/task.h>

namespace parley {

class Loop;

struct Datagram {
  Bytes bytes;   // a view that holds until the next receive(), or close(); empty is legal
  Address from;  // Family::none from a Unix-domain socket without a name: it can't be answered
};

struct UdpOptions {
  ReusePort reuse_port = ReusePort::no;  // several sockets, one a loop, share one port (threads.h)
};

namespace detail {
class UdpCore;
}

class UdpSocket {
 public:
  class Receive;
  class Send;

  // The largest datagram, in bytes: 65507 over IPv4, 65527 over IPv6. The path may carry less.
  static constexpr std::size_t datagram_bytes_max = 65527;
  // What may be queued before send() waits for the kernel.
  static constexpr std::size_t queue_bytes_max = 64 * 1024;
  static constexpr std::size_t queue_datagrams_max = 64;

  // Takes an address, to receive from anybody. UDP: port 0 is any free one; SO_REUSEADDR is not set, since on UDP it
  // would let two programs share a port. Unix-domain: the path is created, and is the caller's to remove.
  // Errors: address_in_use, permission_denied, address_unavailable, descriptors_exhausted.
  static Result<UdpSocket> bind(Loop& loop, const Address& address, const UdpOptions& options = {});

  // "udp://127.0.0.1:9000-9998", or "unix:/path" for Unix-domain datagrams. Of a range of ports, the first that is
  // free. The host must be a number, or empty for every address of this machine.
  static Result<UdpSocket> bind(Loop& loop, const Endpoint& endpoint, const UdpOptions& options = {});
  static Result<UdpSocket> bind(Loop& loop, std::string_view url, const UdpOptions& options = {});

  // Fixes the peer: send(bytes) goes there, and only its datagrams are received. Nothing is sent yet, so whether
  // anybody listens is learnt from a later receive() or send(). A Unix-domain one gets a name of its own (Linux's
  // autobind), so that it can be answered. For names and URLs see connect.h.
  static Result<UdpSocket> connect(Loop& loop, const Address& peer);

  UdpSocket() noexcept = default;
  explicit UdpSocket(detail::UdpCore& core) noexcept : core_(&core) {}
  UdpSocket(UdpSocket&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  UdpSocket& operator=(UdpSocket&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~UdpSocket() { close(); }

  // The next datagram, whole. One receive() at a time: a second one is Errc::already.
  // A bound socket goes on whatever a peer does. A connected one may give Errc::refused or unreachable, when the
  // network told it so of something sent before; the socket stays usable.
  // Cancelling, and Stop::receiving: nothing is lost; the next receive() has it.
  Receive receive() noexcept;

  // Queues one datagram, copied, and returns at once; it waits only while the queue is full and the kernel has no room.
  // Several tasks may send at the same time; the order is that of the calls. Done says nothing of the peer.
  // Errors at once: too_large; not_connected (no `to` on a bound socket, or Family::none); invalid_argument (`to` on a
  // connected socket, or of a family that this socket can't reach). What the kernel refuses later (no route, a filter)
  // is lost like any other datagram and counted by dropped(); so is a Unix-domain datagram to a peer whose queue is
  // full, unless the socket is connected: then it waits. A connected socket also tells such an error once, by the next
  // receive(), or by the next send(), which then sends nothing.
  // Cancelling: this datagram is not sent.
  Send send(Bytes bytes, const Address& to) noexcept;
  Send send(std::string_view text, const Address& to) noexcept;
  Send send(Bytes bytes) noexcept;
  Send send(std::string_view text) noexcept;

  // What is queued is given to the kernel as far as it has room now; the rest is lost.
  void close() noexcept;

  Address local_address() const noexcept;
  Address peer_address() const noexcept;  // Family::none if it is not connected
  // Datagrams that send() took and the kernel then refused, so far.
  std::size_t dropped() const noexcept;
  bool is_open() const noexcept { return core_ != nullptr; }
  explicit operator bool() const noexcept { return is_open(); }

 private:
  detail::UdpCore* core_ = nullptr;
};

class [[nodiscard]] UdpSocket::Receive {
 public:
  using operation = void;
  explicit Receive(detail::UdpCore* core) noexcept : core_(core) {}
  bool await_ready() const noexcept;
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<Datagram> await_resume() const noexcept;

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  detail::UdpCore* core_;
  detail::Context* context_ = nullptr;
};

class [[nodiscard]] UdpSocket::Send {
 public:
  using operation = void;
  Send(detail::UdpCore* core, Bytes bytes, const Address* to) noexcept : core_(core), bytes_(bytes), to_(to) {}
  bool await_ready() const noexcept { return core_ == nullptr; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<void> await_resume() const noexcept { return detail::Context::result_of(context_); }

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  detail::UdpCore* core_;
  detail::Context* context_ = nullptr;
  Bytes bytes_;
  const Address* to_;  // null: to the connected peer
};

inline UdpSocket::Receive UdpSocket::receive() noexcept { return Receive(core_); }
inline UdpSocket::Send UdpSocket::send(Bytes bytes, const Address& to) noexcept { return Send(core_, bytes, &to); }
inline UdpSocket::Send UdpSocket::send(std::string_view text, const Address& to) noexcept {
  return Send(core_, as_bytes(text), &to);
}
inline UdpSocket::Send UdpSocket::send(Bytes bytes) noexcept { return Send(core_, bytes, nullptr); }
inline UdpSocket::Send UdpSocket::send(std::string_view text) noexcept { return Send(core_, as_bytes(text), nullptr); }

}  // namespace parley
