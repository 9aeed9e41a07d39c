#include "transport/tls/stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/check.h"
#include "transport/tls/bio.h"
#include "transport/tls/error.h"

namespace parley::tls {
namespace {

// After a failed handshake nobody counts the connection any more; its peer has this long to read why.
constexpr std::chrono::seconds refused_linger{1};

}  // namespace

TlsStream& TlsStream::make(Core& core, Stream stream, Ssl ssl, std::shared_ptr<const void> keeps, std::string before,
                           std::size_t bytes_max) {
  ByteStream& inner = *stream.release();
  auto* made = new (detail::frame_allocate(sizeof(TlsStream))) TlsStream(core, inner, std::move(ssl));
  connect_bio(*made->ssl_, *made);
  inner.attach(made->told_);
  if (inner.in) core.buffers.give_back(std::exchange(inner.in, nullptr));
  auto handshake = std::make_unique<Handshake>(*made);
  handshake->received = std::move(before);
  handshake->bytes_left = bytes_max;
  handshake->is_server = SSL_is_server(made->ssl()) != 0;
  handshake->keeps = std::move(keeps);
  made->rare().handshake = std::move(handshake);
  return *made;
}

TlsStream::TlsStream(Core& core, ByteStream& inner, Ssl ssl) noexcept
    : QueuedStream(core), inner_(&inner), ssl_(std::move(ssl)), told_(*this) {}

void TlsStream::destroy(bool reset) noexcept {
  if (rare_) detail::cancel(core_, *rare_);
  if (rare_) rare_->unlist();
  if (is_shaking()) rare_->handshake->unlist();
  give_back();
  if (out_) core_.buffers.give_back(out_);
  inner_->drop(reset);
  this->~TlsStream();
  detail::frame_free(this, sizeof(TlsStream));
}

// To close with input unread would be a reset, which can overtake what was sent; and there may be input that no reader
// has ever seen: session tickets, a close_notify. So what comes is dropped until the peer has closed, too. Only what a
// reader should have had is a reason to reset, as it is for any stream.
void TlsStream::drop(bool abort) noexcept {
  if (has(sink_bit)) {
    state &= static_cast<std::uint8_t>(~(sink_bit | reading_bit | tell_bit));
    reader_ = nullptr;
  }
  PARLEY_CHECK(!reader_, "a Stream was closed while a receive() of it waits");
  PARLEY_CHECK(!rare_ || !rare_->unsent.has_sender(), "a Stream was closed while a send() of it waits");
  if (core_.corked == this) abort ? core_.uncork() : core_.flush_cork();
  if (rare_) detail::cancel(core_, *rare_);
  give_back();
  if (is_away()) {  // it is dropped once that is over
    rare_->handshake->abort = abort;
    state |= dropped_bit;
    core_.lingering.push_front(*rare_);
    return;
  }
  if (abort || has(broken_bit)) return destroy(abort);
  if (!is_shaking()) {
    if (has_more()) (void)fill();
    if (!in && ended.code == Errc::none && inner_->take()) (void)fill();
    if (in) return destroy(true);
    state |= shut_bit;
    finish();
  } else if (inner_->ended.code == Errc::none) {
    (void)inner_->shutdown();
  }
  const bool peer_is_done = ended.code != Errc::none || inner_->ended.code != Errc::none;
  if (has(broken_bit) || (peer_is_done && !out_ && !has_unsent())) return destroy(false);
  state |= dropped_bit;
  core_.lingering.push_front(rare());
  const auto linger = std::chrono::seconds(core_.options.linger_seconds);
  detail::start(core_, *rare_, is_shaking() ? std::min(linger, refused_linger) : linger);
  inner_->read(true);
}

// The time to linger is over, or a sink is to be told.
void TlsStream::timer_over() noexcept {
  if (has(dropped_bit)) return destroy(out_ || has_unsent());
  if (!has(reading_bit)) return;
  inner_->read(true);
  if (has_more()) arrived_for_sink();
}

// The peer's input after this end has closed: what a reader should have had is answered by a reset, as the kernel does.
// After a failed handshake it can be anything.
void TlsStream::discard() noexcept {
  if (is_shaking()) {
    if (inner_->in) core_.buffers.give_back(std::exchange(inner_->in, nullptr));
    ended = inner_->ended;
  } else {
    (void)fill();
    if (in) return destroy(true);
  }
  const bool is_broken =
      has(broken_bit) || (ended.code != Errc::none && ended != Errc::end && ended != Errc::truncated);
  if (is_broken || (ended.code != Errc::none && !out_ && !has_unsent())) destroy(false);
}

void TlsStream::attach(Sink& sink) noexcept {
  PARLEY_CHECK(!reader_ && !has_unsent(), "a Stream was given to a session while a task waits for it");
  if (core_.corked == this) core_.flush_cork();
  state |= sink_bit;
  sink_ = &sink;
}

void TlsStream::stop(Context& context, Stop level, Errc reason) noexcept {
  if (&context == reader_) {
    if (is_shaking() && level != Stop::all && !rare_->handshake->is_server) return;
    const std::optional<Error> outcome =
        level == Stop::receiving && !is_shaking() ? receive_now() : std::optional<Error>();
    reader_ = nullptr;
    if (rare_) rare_->into = nullptr;
    if (is_shaking()) rare_->handshake->unlist();
    inner_->read(false);
    return context.ready(outcome.value_or(Error{reason, 0}));
  }
  if (level != Stop::all) return;
  rare_->unsent.forget(context);
  context.ready(Error{reason, 0});
}

}  // namespace parley::tls
