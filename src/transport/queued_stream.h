// What a stream does with those who wait for it, whatever it is made of: readers and senders, the cork, what is queued.
#pragma once

#include <cstddef>

#include <parley/detail/source.h>

#include "io/core.h"
#include "transport/unsent.h"

namespace parley::detail {

// A negative result of a driver's, or of a stream's.
inline Error error_of(std::ptrdiff_t result) noexcept { return Error::from_errno(static_cast<int>(-result)); }

// `Self` derives from it, and has
//   std::ptrdiff_t put(Bytes)   sends what there is room for now, and how much that was; < 0 is -errno
//   void broke(Error)           nothing can be sent any more; put() may have said so already
//   void want_room()            what is queued waits: pump it when there is room
//   void want_bytes()           a reader waits
//   ... receive_now()           takes what has arrived for a reader that must not wait; false: nothing has
//   has_unsent(), rare().unsent
template <class Self>
class QueuedStream : public ByteStream {
 public:
  // No more than this is gathered in the loop's cork; a larger send goes out at once from where it lies.
  static constexpr std::size_t cork_copy_bytes_max = 8192;

  [[gnu::hot]] bool wait(Context& context, std::coroutine_handle<> waiter) noexcept final {
    if (reader_) [[unlikely]] {
      context.set(Error{Errc::already, 0});
      return false;
    }
    if (!context.wait(*this, waiter, Stop::receiving)) [[unlikely]] {
      // Asked to finish what has arrived: what lies below has.
      return context.stopped() == Stop::receiving && self().receive_now() && done(context, waiter, {});
    }
    reader_ = &context;
    self().want_bytes();
    return true;
  }

  [[gnu::hot]] bool send(Context& context, std::coroutine_handle<> waiter, Bytes bytes) noexcept final {
    context.set({});
    if (state & (shut_bit | broken_bit)) [[unlikely]] {
      context.set(state & broken_bit ? broken_ : Error{Errc::not_connected, 0});
      return false;
    }
    if (!self().has_unsent()) [[likely]] {
      if (bytes.size() <= cork_copy_bytes_max && core_.cork(*this, bytes)) return false;
      if (core_.corked == this) core_.flush_cork();
    }
    if (!self().has_unsent() && !(state & broken_bit)) {
      const std::ptrdiff_t sent = self().put(bytes);
      if (sent < 0) [[unlikely]]
        self().broke(error_of(sent));
      if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    if (state & broken_bit) [[unlikely]] {
      context.set(broken_);
      return false;
    }
    if (!bytes.empty()) return queue(context, waiter, bytes);
    if (!core_.turn_is_over() || !context.wait(*this, waiter)) return false;
    context.ready();
    return true;
  }

  [[gnu::hot]] std::ptrdiff_t send_corked(Bytes bytes) noexcept final {
    return state & broken_bit ? std::ssize(bytes) : self().put(bytes);
  }
  void sent_partly(Bytes bytes, std::ptrdiff_t sent) noexcept final {
    if (sent < 0) return self().broke(error_of(sent));
    queue_copy(bytes.subspan(static_cast<std::size_t>(sent)));
  }

 protected:
  // Source::state
  static constexpr std::uint8_t shut_bit = 1;     // shutdown() was called
  static constexpr std::uint8_t broken_bit = 2;   // nothing can be sent; broken_ says why
  static constexpr std::uint8_t dropped_bit = 4;  // the Stream is gone
  static constexpr std::uint8_t sink_bit = 8;     // a Sink has it
  static constexpr std::uint8_t tell_bit = 16;    // the Sink waits for room

  explicit QueuedStream(Core& core) noexcept : core_(core) {}
  ~QueuedStream() = default;

  void give_back() noexcept {
    if (in) core_.buffers.give_back(std::exchange(in, nullptr));
  }

  // A receive ended without waiting. Others have their turn now and then, even if it could go on so for ever.
  bool done(Context& context, std::coroutine_handle<> waiter, Error outcome) noexcept {
    context.set(outcome);
    if (!core_.turn_is_over()) [[likely]]
      return false;
    context.wait_always(*this, waiter);
    context.ready(outcome);
    return true;
  }

  Error broken_;
  Core& core_;
  union {
    Context* reader_ = nullptr;  // who waits for bytes
    Sink* sink_;                 // with sink_bit: who has the stream
  };

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  bool queue(Context& context, std::coroutine_handle<> waiter, Bytes rest) {
    if (!context.wait(*this, waiter)) {
      queue_copy(rest);
      return false;
    }
    self().rare().unsent.add(rest, context);
    self().want_room();
    return true;
  }
  void queue_copy(Bytes rest) {
    self().rare().unsent.add_copy(rest);
    self().want_room();
  }
};

}  // namespace parley::detail
