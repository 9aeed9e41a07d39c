// The handshake of a TlsStream.
#include <openssl/err.h>

#include <utility>

#include "transport/tls/error.h"
#include "transport/tls/stream.h"

namespace parley::tls {

bool TlsStream::begin(Context& context, std::coroutine_handle<> waiter) noexcept {
  const bool is_server = SSL_is_server(ssl_.get()) != 0;
  if (!context.wait(*this, waiter, is_server ? Stop::receiving : Stop::all)) return false;
  reader_ = &context;
  if (is_server && rare_->before.empty()) {
    inner_->read(true);
  } else {
    shake_soon();
  }
  return true;
}

void TlsStream::shake_soon() noexcept {
  inner_->read(false);
  if (!rare_->Costly::is_listed()) core_.costly.push_back(*rare_);
}

void TlsStream::shake_now() noexcept {
  Error outcome;
  if (!shake(outcome)) return inner_->read(true);
  inner_->read(false);
  std::exchange(reader_, nullptr)->resume(outcome);
}

// Whether what came first can be no record of TLS (RFC 8446, 5.1).
bool TlsStream::began_otherwise() const noexcept {
  const int first = rare_->first_byte;
  return first >= 0 && (first < 20 || first > 23);
}

// Of an inner stream that has ended: what is still to be had from it.
bool TlsStream::take_rest() noexcept {
  if (rare_ && rare_->handshake_bytes_left == 0) return false;
  if (inner_->in) core_.buffers.give_back(std::exchange(inner_->in, nullptr));
  return inner_->take();
}

// As far as it goes now. False: the peer's turn.
bool TlsStream::shake(Error& outcome) noexcept {
  int why = SSL_ERROR_NONE;
  do {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    why = SSL_get_error(ssl_.get(), done);
  } while (why == SSL_ERROR_WANT_READ && inner_->ended.code != Errc::none && take_rest());
  if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
    outcome = began_otherwise() ? Error{Errc::not_tls, 0} : error_of(*ssl_);
  }
  (void)push();  // also the alert that says why
  if (inner_->in && inner_->in->unread().empty()) core_.buffers.give_back(std::exchange(inner_->in, nullptr));
  if (why == SSL_ERROR_NONE) {
    state &= static_cast<std::uint8_t>(~shaking_bit);
    outcome = broken_;
    if (rare_->before.empty()) rare_.reset();
    return true;
  }
  if (why != SSL_ERROR_WANT_READ) return true;
  if (has(broken_bit)) {
    outcome = broken_;
  } else if (rare_->handshake_bytes_left == 0) {
    outcome = Error{Errc::too_large, 0};
  } else if (inner_->ended.code != Errc::none) {
    outcome = began_otherwise() ? Error{Errc::not_tls, 0} : inner_->ended;
  } else {
    return false;
  }
  return true;
}

}  // namespace parley::tls
