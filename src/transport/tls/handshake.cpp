// The handshake of a TlsStream. Its cryptography is done by the loop's Helper, maybe in another thread: between the
// two, bytes go through strings.
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/tls/error.h"
#include "transport/tls/stream.h"

namespace parley::tls {

std::size_t TlsStream::Handshake::take(std::span<std::byte> room) noexcept {
  const std::size_t taken = std::min({room.size(), received.size(), bytes_left});
  if (taken == 0) return 0;
  std::memcpy(room.data(), received.data(), taken);
  if (first_byte < 0) first_byte = static_cast<unsigned char>(received.front());
  received.erase(0, taken);
  bytes_left -= taken;
  return taken;
}

// As far as it goes with what has been received.
void TlsStream::Handshake::work() noexcept {
  SSL& ssl = *stream.ssl_;
  ERR_clear_error();
  const int done = SSL_do_handshake(&ssl);
  why = SSL_get_error(&ssl, done);
  if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) failure = error_of(ssl);
}

bool TlsStream::begin(Context& context, std::coroutine_handle<> waiter) noexcept {
  const Handshake& handshake = *rare_->handshake;
  if (!context.wait(*this, waiter, handshake.is_server ? Stop::receiving : Stop::all)) return false;
  reader_ = &context;
  if (handshake.is_server && handshake.received.empty()) {
    inner_->read(true);
  } else {
    shake_soon();
  }
  return true;
}

// With what has arrived.
void TlsStream::shake_soon() noexcept {
  inner_->read(false);
  if (is_away()) return;
  Handshake& handshake = *rare_->handshake;
  if (inner_->in) {
    handshake.received += as_text(inner_->in->unread());
    core_.buffers.give_back(std::exchange(inner_->in, nullptr));
  }
  if (!handshake.is_listed()) core_.helper.add(handshake);
}

// Of an inner stream that has ended: what is still to be had from it.
bool TlsStream::take_rest() noexcept {
  if (inner_->in) core_.buffers.give_back(std::exchange(inner_->in, nullptr));
  return inner_->take();
}

// A step of it is over.
void TlsStream::shaken() noexcept {
  Handshake& handshake = *rare_->handshake;
  if (const std::string sealed = std::exchange(handshake.sealed, {}); !sealed.empty()) {
    add_to_out(as_bytes(sealed));
    (void)push();  // also the alert that says why
  }
  if (has(dropped_bit)) {
    rare_->unlist();
    state &= static_cast<std::uint8_t>(~dropped_bit);
    return drop(handshake.abort);
  }
  if (!reader_) return;
  if (handshake.why == SSL_ERROR_WANT_READ && handshake.bytes_left != 0 && !has(broken_bit)) {
    if (inner_->in) return shake_soon();
    if (inner_->ended.code == Errc::none) return inner_->read(true);
    if (take_rest()) return shake_soon();
  }
  inner_->read(false);
  const Error outcome = outcome_of_handshake();
  if (handshake.why == SSL_ERROR_NONE) end_handshake();
  std::exchange(reader_, nullptr)->resume(outcome);
}

Error TlsStream::outcome_of_handshake() noexcept {
  const Handshake& handshake = *rare_->handshake;
  if (handshake.why == SSL_ERROR_NONE) return broken_;
  const Error otherwise{Errc::not_tls, 0};
  if (handshake.why != SSL_ERROR_WANT_READ) return handshake.began_otherwise() ? otherwise : handshake.failure;
  if (has(broken_bit)) return broken_;
  if (handshake.bytes_left == 0) return Error{Errc::too_large, 0};
  return handshake.began_otherwise() ? otherwise : inner_->ended;
}

void TlsStream::end_handshake() noexcept {
  rare_->before = std::move(rare_->handshake->received);
  rare_->handshake.reset();
  if (rare_->before.empty()) rare_.reset();
}

}  // namespace parley::tls
