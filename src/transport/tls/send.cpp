// The sending half of a TlsStream.
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/copy.h"
#include "transport/tls/error.h"
#include "transport/tls/stream.h"

namespace parley::tls {
namespace {

// RFC 8446, 5.1: "The length MUST NOT exceed 2^14 bytes."
constexpr std::size_t record_bytes_max = 16 * 1024;
constexpr std::size_t record_overhead_bytes_max = 64;  // of the ciphers that are allowed: 22 (TLS 1.3), 29 (TLS 1.2)
// What is encrypted before it is given to the inner stream, unless there is less.
constexpr std::size_t batch_bytes_max = 64 * 1024;

// What is to be sent, cut into the largest possible records: a frame's head travels with its payload.
class Pieces {
 public:
  explicit Pieces(std::span<const Bytes> parts) noexcept : parts_(parts) {
    for (const Bytes& part : parts) left_ += part.size();
  }

  std::size_t left() const noexcept { return left_; }

  // The next piece, of at most `bytes_max`, a multiple of a record's. It may lie in `record`.
  Bytes next(std::size_t bytes_max, std::span<std::byte, record_bytes_max> record) noexcept {
    Bytes piece = take(bytes_max);
    if (piece.size() >= record_bytes_max || left_ == 0) {
      const std::size_t extra = left_ == 0 ? 0 : piece.size() % record_bytes_max;
      return give_back(piece, extra);
    }
    std::size_t gathered = 0;
    for (;; piece = take(record_bytes_max - gathered)) {
      copy_bytes(piece, record.data() + gathered);
      gathered += piece.size();
      if (gathered == record_bytes_max || left_ == 0) return record.first(gathered);
    }
  }

 private:
  Bytes take(std::size_t bytes_max) noexcept {
    while (parts_.front().size() == at_) {
      parts_ = parts_.subspan(1);
      at_ = 0;
    }
    const Bytes taken = parts_.front().subspan(at_, std::min(bytes_max, parts_.front().size() - at_));
    at_ += taken.size();
    left_ -= taken.size();
    return taken;
  }
  Bytes give_back(Bytes piece, std::size_t bytes) noexcept {
    at_ -= bytes;
    left_ += bytes;
    return piece.first(piece.size() - bytes);
  }

  std::span<const Bytes> parts_;
  std::size_t at_ = 0;  // of the first part
  std::size_t left_ = 0;
};

}  // namespace

void TlsStream::add_ciphertext(Bytes bytes) noexcept {
  if (is_shaking()) [[unlikely]] {
    rare_->handshake->sealed += as_text(bytes);
  } else {
    add_to_out(bytes);
  }
}

void TlsStream::add_to_out(Bytes bytes) noexcept {
  if (!out_ || out_->capacity - out_->end < bytes.size()) {
    const Bytes before = out_ ? Bytes(out_->unread()) : Bytes();
    Buffer* larger = core_.buffers.lend(std::max<std::size_t>(before.size() + bytes.size(), room_wanted_));
    if (out_) {
      copy_bytes(before, larger->data());
      larger->end = static_cast<std::uint32_t>(before.size());
      core_.buffers.give_back(out_);
    }
    out_ = larger;
  }
  std::memcpy(out_->data() + out_->end, bytes.data(), bytes.size());
  out_->end += static_cast<std::uint32_t>(bytes.size());
}

// Gives the inner stream what it has room for. True: nothing is left, or nothing can go any more.
bool TlsStream::push() noexcept {
  if (!out_) return true;
  const std::ptrdiff_t sent = inner_->write(out_->unread());
  if (sent < 0) {
    broke(detail::error_of(sent));
    return true;
  }
  out_->begin += static_cast<std::uint32_t>(sent);
  if (out_->begin != out_->end) {
    inner_->tell_writable(true);
    return false;
  }
  core_.buffers.give_back(std::exchange(out_, nullptr));
  return true;
}

void TlsStream::seal(Bytes bytes) noexcept {
  std::size_t written = 0;
  ERR_clear_error();
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1) [[unlikely]]
    broke(error_of(*ssl_));
}

// Encrypts and sends as long as the inner stream takes all; how much that was. < 0: it is broken.
std::ptrdiff_t TlsStream::put(std::span<const Bytes> parts) noexcept {
  std::array<std::byte, record_bytes_max> record;
  Pieces pieces(parts);
  const std::size_t all = pieces.left();
  while (push() && !has(broken_bit) && pieces.left() != 0) {
    const std::size_t expected = std::min(pieces.left(), batch_bytes_max);
    const std::size_t records = expected / record_bytes_max + 2;
    room_wanted_ = static_cast<std::uint32_t>(expected + records * record_overhead_bytes_max);
    for (std::size_t batch = 0; batch < batch_bytes_max && pieces.left() != 0 && !has(broken_bit);) {
      const Bytes piece = pieces.next(batch_bytes_max - batch, record);
      seal(piece);
      batch += piece.size();
    }
    room_wanted_ = 0;
  }
  if (has(broken_bit)) return broken_.os != 0 ? -broken_.os : -EPIPE;
  return static_cast<std::ptrdiff_t>(all - pieces.left());
}

std::ptrdiff_t TlsStream::write(std::span<const Bytes> parts) noexcept {
  if (has(shut_bit | broken_bit)) return broken_.os != 0 ? -broken_.os : -EPIPE;
  return has_unsent() ? 0 : put(parts);  // what was sent before the sink came leaves before
}

// The inner stream has room again.
void TlsStream::inner_writable() noexcept {
  if (!push()) return;
  if (has_unsent()) (void)rare_->unsent.pump([this](Bytes rest) { return put(rest); });
  finish();
  if (has(dropped_bit) && (has(broken_bit) || inner_->ended.code != Errc::none || ended.code != Errc::none)) {
    if (has(broken_bit) || (!out_ && !has_unsent())) destroy(false);
    return;
  }
  if (has(broken_bit)) {
    inner_->tell_writable(false);
    if (!has(sink_bit) || ended.code != Errc::none) return;
    ended = broken_;
    return sink_->arrived();
  }
  if (out_ || has_unsent()) return;
  if (has(sink_bit) && has(tell_bit)) return sink_->writable();
  inner_->tell_writable(false);
  if (has(sink_bit) ? has(reading_bit) : reader_ != nullptr) inner_->read(true);  // it may have been told not to
}

void TlsStream::tell_writable(bool on) noexcept {
  state &= static_cast<std::uint8_t>(~tell_bit);
  if (on) state |= tell_bit;
  if (on || (!out_ && !has_unsent())) inner_->tell_writable(on);
}

// After all that was sent, says that nothing more comes; and once that has left, so does the stream below.
void TlsStream::finish() noexcept {
  if (!has(shut_bit) || has(broken_bit) || has_unsent()) return;
  if (!has(notified_bit)) {
    state |= notified_bit;
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
  }
  if (push() && !has(broken_bit)) (void)inner_->shutdown();
}

Result<void> TlsStream::shutdown() noexcept {
  if (core_.corked == this) core_.flush_cork();
  if (has(broken_bit)) return std::unexpected(broken_);
  state |= shut_bit;
  finish();
  return {};
}

// Nothing can be sent any more. What had arrived by then can still be received.
void TlsStream::broke(Error error) noexcept {
  if (has(broken_bit)) return;
  state |= broken_bit;
  broken_ = error;
  if (core_.corked == this) core_.uncork();
  if (out_) core_.buffers.give_back(std::exchange(out_, nullptr));
  if (rare_) rare_->unsent.fail(error);
}

}  // namespace parley::tls
