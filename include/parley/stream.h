// Stream: bytes in both directions, in order, between two ends: TCP, a Unix-domain socket, or a pipe in memory.
//
//   parley::Task<> echo(parley::Stream peer) {
//     while (auto bytes = co_await peer.receive()) {   // a view until the next receive(); empty: finished, or failed
//       co_await peer.send(*bytes);                    // waits while the peer does not read: backpressure
//     }
//   }
//
// Lifetime: a Stream owns its connection; its destructor closes it in order. It must not be destroyed or moved into
// while a receive() or send() of it waits. It must not outlive its Loop.
// Threads: the loop's thread only.
// Memory: an idle Stream owns no buffer. The loop lends one while bytes are unread.
#pragma once

#include <coroutine>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/detail/source.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/task.h>

namespace parley {

class Stream {
 public:
  class Receive;
  class ReceiveInto;
  class Send;

  Stream() noexcept = default;
  explicit Stream(detail::ByteStream& core) noexcept : core_(&core) {}
  Stream(Stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~Stream() { close(); }

  // The next bytes, as many as have arrived: a view that holds until the next receive() of either kind, or close().
  // No bytes is an error: Errc::end when the peer has finished in order, reset or timed_out when the connection broke;
  // each later receive() says the same. One receive() at a time: a second one is Errc::already.
  // Cancelling: nothing is lost; the next receive() goes on.
  Receive receive() noexcept;

  // The same into the caller's own `buffer`, for large transfers: the part of it that was filled, at least one byte.
  // `buffer` must not be empty and must live until this is done.
  ReceiveInto receive(std::span<std::byte> buffer) noexcept;

  // Sends all of it. Done when the loop or the kernel has taken every byte, which says nothing of the peer. `bytes`
  // must live until then; they may be a view from receive(). Small sends leave together, when the task next waits.
  // Several tasks may send at the same time: each one's bytes stay together, in the order of the calls.
  // Errors: reset, timed_out; not_connected after shutdown().
  // Cancelling: it is the waiting that ends. The rest of `bytes` is copied and still leaves, in order.
  Send send(const Bytes& bytes) noexcept;  // by reference: g++ 12 would keep a copy of the argument in the frame
  Send send(std::string_view text) noexcept;

  // Tells the peer that nothing more comes (a FIN), after what is queued. Receiving goes on.
  Result<void> shutdown() noexcept {
    if (!core_) return fail(Errc::closed);
    return core_->shutdown();
  }

  // Closes in order: what is queued is still sent, for at most LoopOptions::linger_seconds, without anybody waiting.
  void close() noexcept {
    if (auto* core = std::exchange(core_, nullptr)) core->drop(false);
  }
  // Closes at once: what is queued is lost and the peer sees a reset.
  void abort() noexcept {
    if (auto* core = std::exchange(core_, nullptr)) core->drop(true);
  }

  // Family::none when it is not known (any more).
  Address local_address() const noexcept { return core_ ? core_->local_address() : Address{}; }
  Address peer_address() const noexcept { return core_ ? core_->peer_address() : Address{}; }

  // For those who build a protocol on it.
  detail::ByteStream* release() noexcept { return std::exchange(core_, nullptr); }

  bool is_open() const noexcept { return core_ != nullptr; }
  explicit operator bool() const noexcept { return is_open(); }

 private:
  detail::ByteStream* core_ = nullptr;
};

// Two ends of a pipe in memory: what one sends the other receives. At most `bytes_max` are under way in each direction.
// For tests, and for handlers that should not know what they talk to.
std::pair<Stream, Stream> pipe(Loop& loop, std::size_t bytes_max = 64 * 1024);

// Connects to an address: TCP or Unix-domain. Errors: refused, unreachable, timed_out (the kernel's own limit is
// minutes: use within()), descriptors_exhausted. Cancelling: the attempt is given up.
// `from`, for TCP: the address of this end, one of this machine's and of the same family (invalid_argument,
// address_unavailable, address_in_use); port 0 is any free one. Family::none: the kernel chooses.
Task<Result<Stream>> connect(Loop& loop, Address address, Address from = {});

class [[nodiscard]] Stream::Receive {
 public:
  using operation = void;
  explicit Receive(detail::ByteStream* core) noexcept : core_(core) {}
  bool await_ready() const noexcept { return core_ == nullptr || core_->poll(); }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return core_->wait(*context_, waiter);
  }
  Result<Bytes> await_resume() const noexcept {
    if (context_ && context_->outcome().code != Errc::none) [[unlikely]]
      return std::unexpected(context_->outcome());
    if (!core_) [[unlikely]]
      return fail(Errc::closed);
    return core_->view();
  }

 private:
  detail::ByteStream* core_;
  detail::Context* context_ = nullptr;
};

class [[nodiscard]] Stream::ReceiveInto {
 public:
  using operation = void;
  ReceiveInto(detail::ByteStream* core, std::span<std::byte> buffer) noexcept : core_(core), buffer_(buffer) {}
  bool await_ready() const noexcept { return core_ == nullptr; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return core_->receive(*context_, waiter, buffer_);
  }
  Result<Bytes> await_resume() const noexcept {
    if (!core_) [[unlikely]]
      return fail(Errc::closed);
    if (context_->outcome().code != Errc::none) [[unlikely]]
      return std::unexpected(context_->outcome());
    return Bytes(buffer_);
  }

 private:
  detail::ByteStream* core_;
  detail::Context* context_ = nullptr;
  std::span<std::byte> buffer_;
};

class [[nodiscard]] Stream::Send {
 public:
  using operation = void;
  Send(detail::ByteStream* core, const Bytes& bytes) noexcept : core_(core), bytes_(bytes) {}
  bool await_ready() noexcept {
    if (core_) [[likely]]
      return false;
    context_ = nullptr;
    return true;
  }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    detail::ByteStream* core = core_;
    context_ = waiter.promise().context;
    return core->send(*context_, waiter, bytes_);
  }
  // Not inline, for the reason that result_of() has: g++ would put it together anew.
  [[gnu::noinline]] Result<void> await_resume() const noexcept { return detail::Context::result_of(context_); }

 private:
  union {                       // one pointer less in every idle frame
    detail::ByteStream* core_;  // until it is awaited; null: closed
    detail::Context* context_;  // from then on
  };
  Bytes bytes_;
};

inline Stream::Receive Stream::receive() noexcept { return Receive(core_); }
inline Stream::ReceiveInto Stream::receive(std::span<std::byte> buffer) noexcept { return ReceiveInto(core_, buffer); }
inline Stream::Send Stream::send(const Bytes& bytes) noexcept { return Send(core_, bytes); }
inline Stream::Send Stream::send(std::string_view text) noexcept { return Send(core_, as_bytes(text)); }

}  // namespace parley
