#include "transport/kernel_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"

namespace parley::detail {

Result<Stream> KernelStream::make(Core& core, int descriptor, bool accepted) {
  auto* stream = new (frame_allocate(sizeof(KernelStream))) KernelStream(core, descriptor);
  stream->wanted = in_bit;  // so that the first receive() needs no second system call
  if (auto attached = core.driver->attach(*stream); !attached) {
    core.driver->close_descriptor(descriptor);
    stream->~KernelStream();
    frame_free(stream, sizeof(KernelStream));
    return std::unexpected(attached.error());
  }
  stream->wanted = 0;
  if (accepted) core.accepted = stream;
  return Stream(*stream);
}

void KernelStream::destroy(bool reset) noexcept {
  if (rare_ && rare_->pending()) cancel(core_, *rare_);
  if (rare_) rare_->unlist();
  core_.driver->close(*this, reset);
  core_.descriptor_freed();
  this->~KernelStream();
  frame_free(this, sizeof(KernelStream));
}

void KernelStream::drop(bool abort) noexcept {
  if (state & sink_bit) {  // whom nothing is told any more
    state &= static_cast<std::uint8_t>(~sink_bit);
    reader_ = nullptr;
    wanted &= static_cast<std::uint8_t>(~in_bit);
  }
  PARLEY_CHECK(!reader_, "a Stream was closed while a receive() of it waits");
  if (core_.corked == this) abort ? core_.uncork() : core_.flush_cork();
  if (core_.accepted == this) core_.accepted = nullptr;
  give_back();
  if (abort || !has_unsent()) return destroy(abort);
  PARLEY_CHECK(!rare_->unsent.has_sender(), "a Stream was closed while a send() of it waits");
  state |= dropped_bit;
  core_.lingering.push_front(*rare_);
  start(core_, *rare_, std::chrono::seconds(core_.options.linger_seconds));
}

void KernelStream::want(std::uint8_t bit) noexcept {
  wanted |= bit;
  if (!(armed & bit)) core_.driver->arm(*this);
}

// ---- Receiving

[[gnu::hot]] bool KernelStream::poll() noexcept {
  give_back();
  return ended.code != Errc::none;
}

// Takes what is there already, for a reader that must not wait. False: nothing is.
bool KernelStream::receive_now() noexcept {
  std::span<std::byte>* into = rare_ ? std::exchange(rare_->into, nullptr) : nullptr;
  if (!into) return take();
  const std::ptrdiff_t received = core_.driver->receive(*this, *into);
  if (received == -EAGAIN) return false;
  if (received > 0) {
    *into = into->first(static_cast<std::size_t>(received));
  } else {
    end(received);
  }
  return true;
}

// `result` came instead of bytes. When sending has failed before, that is why.
void KernelStream::end(std::ptrdiff_t result) noexcept {
  ended = state & broken_bit ? broken_ : result == 0 ? Error{Errc::end, 0} : error_of(result);
  if (result < 0) broke(ended);
}

bool KernelStream::receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept {
  PARLEY_CHECK(!buffer.empty(), "receive() into an empty buffer");
  if (poll()) {
    context.set(ended);
    return false;
  }
  if (reader_) {
    context.set(Error{Errc::already, 0});
    return false;
  }
  if (context.stopped() != Stop::all) {
    rare().into = &buffer;
    if (receive_now()) return done(context, waiter, ended);
  }
  if (!context.wait(*this, waiter, Stop::receiving)) return false;
  rare().into = &buffer;
  reading = Reading::ready;
  reader_ = &context;
  want(in_bit);
  return true;
}

[[gnu::hot]] void KernelStream::completed(const Completion& completion) noexcept {
  if (state & sink_bit) return completed_for_sink(completion);
  if (completion.what == Done::received) [[likely]] {
    wanted &= static_cast<std::uint8_t>(~in_bit);
    Context* reader = std::exchange(reader_, nullptr);
    if (completion.result <= 0) [[unlikely]]
      end(completion.result);
    return reader->resume();
  }
  if (completion.what == Done::writable) return pump();
  std::span<std::byte>* into = rare_->into;
  if (!receive_now()) {
    rare_->into = into;
    return;
  }
  wanted &= static_cast<std::uint8_t>(~in_bit);
  reading = Reading::lent;
  std::exchange(reader_, nullptr)->resume(ended);
}

// ---- Sending

// The kernel has room again.
void KernelStream::pump() noexcept {
  const std::ptrdiff_t result = rare_->unsent.pump([this](Bytes rest) { return put(rest); });
  if (result < 0) return broke(error_of(result));
  if (has_unsent()) return;
  wanted &= static_cast<std::uint8_t>(~out_bit);
  if (rare_->shutdown_after) (void)core_.driver->shutdown(descriptor);
  if (state & dropped_bit) return destroy(false);
  if (!rare_->into) rare_.reset();
}

// Nothing can be sent any more. What had arrived by then can still be received; who waits for more is told by the
// driver, since a broken connection counts as readable.
void KernelStream::broke(Error error) noexcept {
  state |= broken_bit;
  broken_ = error;
  wanted &= static_cast<std::uint8_t>(~out_bit);
  if (core_.corked == this) core_.uncork();
  if (!rare_) return;
  rare_->unsent.fail(error);
  if (state & dropped_bit) destroy(false);
}

Result<void> KernelStream::shutdown() noexcept {
  if (core_.corked == this) core_.flush_cork();
  if (state & broken_bit) return std::unexpected(broken_);
  if (state & shut_bit) return {};
  state |= shut_bit;
  if (has_unsent()) {
    rare_->shutdown_after = true;
    return {};
  }
  return core_.driver->shutdown(descriptor);
}

// ---- For a sink

void KernelStream::attach(Sink& sink) noexcept {
  PARLEY_CHECK(!reader_ && !has_unsent(), "a Stream was given to a session while a task waits for it");
  if (core_.corked == this) core_.flush_cork();
  state |= sink_bit;
  sink_ = &sink;
}

[[gnu::hot]] void KernelStream::read(bool on) noexcept {
  if (!on) {
    wanted &= static_cast<std::uint8_t>(~in_bit);
  } else if (!(state & broken_bit) && ended.code == Errc::none) {
    want(in_bit);
  }
}

[[gnu::hot]] bool KernelStream::take() noexcept {
  if (ended.code != Errc::none) return false;
  Buffer* buffer = in ? in : core_.buffers.lend();
  const std::ptrdiff_t received =
      core_.driver->receive(*this, std::span(buffer->data() + buffer->end, buffer->capacity - buffer->end));
  if (received > 0) {
    buffer->end += static_cast<std::uint32_t>(received);
    in = buffer;
  } else if (!in) {
    core_.buffers.give_back(buffer);
  }
  if (received == -EAGAIN) return false;
  if (received <= 0) end(received);
  return true;
}

[[gnu::hot]] std::ptrdiff_t KernelStream::write(std::span<const Bytes> parts) noexcept {
  return has_unsent() ? 0 : core_.driver->send(*this, parts);  // what was sent before the sink came leaves before
}

[[gnu::hot]] std::ptrdiff_t KernelStream::write(Bytes bytes) noexcept { return has_unsent() ? 0 : put(bytes); }

void KernelStream::tell_writable(bool on) noexcept {
  if (on) {
    state |= tell_bit;
    want(out_bit);
  } else {
    state &= static_cast<std::uint8_t>(~tell_bit);
    if (!has_unsent()) wanted &= static_cast<std::uint8_t>(~out_bit);
  }
}

[[gnu::hot]] void KernelStream::completed_for_sink(const Completion& completion) noexcept {
  if (completion.what == Done::writable) {
    if (has_unsent()) pump();
    if (state & broken_bit) {
      ended = broken_;
      return sink_->arrived();
    }
    if (has_unsent() || !(state & tell_bit)) return;
    want(out_bit);
    return sink_->writable();
  }
  if (completion.result <= 0) [[unlikely]] {
    wanted &= static_cast<std::uint8_t>(~in_bit);
    ended = completion.result == 0 ? Error{Errc::end, 0} : error_of(completion.result);
  }
  sink_->arrived();
}

// ---- Both

void KernelStream::stop(Context& context, Stop level, Errc reason) noexcept {
  if (&context == reader_) {
    std::span<std::byte>* into = rare_ ? rare_->into : nullptr;
    const bool arrived = level == Stop::receiving && receive_now();
    reader_ = nullptr;
    reading = Reading::lent;
    if (rare_) rare_->into = nullptr;
    wanted &= static_cast<std::uint8_t>(~in_bit);
    return context.ready(arrived ? (into ? ended : Error{}) : Error{reason, 0});
  }
  if (level != Stop::all) return;
  rare_->unsent.forget(context);
  context.ready(Error{reason, 0});
}

Address KernelStream::local_address() const noexcept {
  return core_.driver->local_address(descriptor).value_or(Address{});
}

Address KernelStream::peer_address() const noexcept {
  if (core_.accepted == this) return core_.driver->accepted_address();
  return core_.driver->peer_address(descriptor).value_or(Address{});
}

}  // namespace parley::detail
