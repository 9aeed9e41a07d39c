// The receiving half of a TlsStream.
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "transport/tls/error.h"
#include "transport/tls/stream.h"

namespace parley::tls {
namespace {

// Of answers that nobody asked for (key updates, alerts) while the peer does not read: no more is received above this.
constexpr std::size_t answers_bytes_max = 256 * 1024;

}  // namespace

std::size_t TlsStream::take_ciphertext(std::span<std::byte> room) noexcept {
  if (is_shaking()) [[unlikely]]
    return rare_->handshake->take(room);
  std::string* const before = rare_ && !rare_->before.empty() ? &rare_->before : nullptr;
  const Bytes there = before ? as_bytes(*before) : inner_->in ? Bytes(inner_->in->unread()) : Bytes();
  const std::size_t taken = std::min(room.size(), there.size());
  if (taken == 0) return 0;
  std::memcpy(room.data(), there.data(), taken);
  if (before) {
    before->erase(0, taken);
  } else {
    inner_->in->begin += static_cast<std::uint32_t>(taken);
  }
  return taken;
}

// Opens records until there is no whole one, or no room: how many bytes came out of them. Then `ended` may be set.
std::size_t TlsStream::open(std::span<std::byte> room) noexcept {
  std::size_t opened = 0;
  bool starved = false;
  while (!starved && opened < room.size() && ended.code == Errc::none) {
    std::size_t count = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), room.data() + opened, room.size() - opened, &count) == 1) [[likely]] {
      opened += count;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), 0)) {
      case SSL_ERROR_WANT_READ: starved = inner_->ended.code == Errc::none || !take_rest(); break;
      case SSL_ERROR_ZERO_RETURN: ended = Error{Errc::end, 0}; break;  // a close_notify
      default: ended = error_of(*ssl_);
    }
  }
  if (out_) [[unlikely]]
    (void)push();
  if (starved || ended.code != Errc::none) settle();
  return opened;
}

// All that came has been looked at.
void TlsStream::settle() noexcept {
  if (inner_->in) core_.buffers.give_back(std::exchange(inner_->in, nullptr));
  if (ended.code == Errc::none && inner_->ended.code != Errc::none) [[unlikely]] {
    // RFC 8446, 6.1: "Each party MUST send a "close_notify" alert before closing its write side of the connection".
    ended = inner_->ended == Errc::end ? Error{Errc::truncated, 0} : inner_->ended;
  }
  if (ended.code != Errc::none && ended != Errc::end && ended != Errc::truncated) broke(ended);
  if (out_ && out_->unread().size() > answers_bytes_max) inner_->read(false);
}

// Whether there is something to open without the inner stream receiving.
bool TlsStream::has_more() const noexcept {
  if (ended.code != Errc::none) return false;
  return inner_->in || inner_->ended.code != Errc::none || SSL_pending(ssl_.get()) > 0 ||
         (rare_ && !rare_->before.empty());
}

// Opens what there is into a lent buffer. False: nothing was, and it has not ended.
bool TlsStream::fill() noexcept {
  Buffer* buffer = core_.buffers.lend();
  const std::size_t opened = open({buffer->data(), buffer->capacity});
  if (opened != 0) {
    buffer->end = static_cast<std::uint32_t>(opened);
    in = buffer;
  } else {
    core_.buffers.give_back(buffer);
  }
  return opened != 0 || ended.code != Errc::none;
}

bool TlsStream::poll() noexcept {
  give_back();
  return (has_more() && fill()) || ended.code != Errc::none;
}

// What has arrived, for a reader that must not wait; how that ended. Nothing: nothing has.
std::optional<Error> TlsStream::receive_now() noexcept {
  std::span<std::byte>* into = rare_ ? std::exchange(rare_->into, nullptr) : nullptr;
  if (!has_more() && !inner_->take()) return {};
  if (!into) return fill() ? std::optional<Error>(Error{}) : std::nullopt;
  const std::size_t opened = open(*into);
  if (opened != 0) {
    *into = into->first(opened);
    return Error{};
  }
  if (ended.code != Errc::none) return ended;
  return {};
}

bool TlsStream::receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept {
  PARLEY_CHECK(!buffer.empty(), "receive() into an empty buffer");
  give_back();
  if (ended.code != Errc::none || reader_) {
    context.set(reader_ ? Error{Errc::already, 0} : ended);
    return false;
  }
  if (context.stopped() != Stop::all) {
    rare().into = &buffer;
    if (const std::optional<Error> outcome = receive_now()) return done(context, waiter, *outcome);
  }
  if (!context.wait(*this, waiter, Stop::receiving)) return false;
  rare().into = &buffer;
  reader_ = &context;
  inner_->read(true);
  return true;
}

// ---- What the inner stream tells

void TlsStream::inner_arrived() noexcept {
  if (has(dropped_bit)) return discard();
  if (has(sink_bit)) [[likely]]
    return arrived_for_sink();
  if (!reader_) return inner_->read(false);
  if (is_shaking()) return shake_soon();
  arrived_for_reader();
}

void TlsStream::arrived_for_reader() noexcept {
  std::span<std::byte>* const into = rare_ ? rare_->into : nullptr;
  const std::optional<Error> outcome = receive_now();
  if (!outcome) {
    if (into) rare_->into = into;
    return;
  }
  inner_->read(false);
  std::exchange(reader_, nullptr)->resume(*outcome);
}

void TlsStream::arrived_for_sink() noexcept {
  Buffer* buffer = in ? in : core_.buffers.lend();
  const std::size_t opened = open({buffer->data() + buffer->end, buffer->capacity - buffer->end});
  if (opened != 0) {
    buffer->end += static_cast<std::uint32_t>(opened);
    in = buffer;
  } else if (!in) {
    core_.buffers.give_back(buffer);
  }
  if (has_more()) [[unlikely]]
    tell_again();
  if (opened != 0 || ended.code != Errc::none) sink_->arrived();
}

// There was no room for all of it; the sink is told of the rest in a later turn of the loop, if it still reads.
void TlsStream::tell_again() noexcept {
  inner_->read(false);
  if (!rare().pending()) detail::start(core_, *rare_, detail::Duration::zero());
}

void TlsStream::read(bool on) noexcept {
  state &= static_cast<std::uint8_t>(~reading_bit);
  if (on) state |= reading_bit;
  if (on && has_more()) return tell_again();
  inner_->read(on && ended.code == Errc::none);
}

bool TlsStream::take() noexcept {
  if (!has_more() && !inner_->take()) return false;
  if (!in) return fill();
  const std::size_t opened = open({in->data() + in->end, in->capacity - in->end});
  in->end += static_cast<std::uint32_t>(opened);
  return opened != 0 || ended.code != Errc::none;
}

}  // namespace parley::tls
