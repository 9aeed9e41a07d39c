// The stream that TLS carries, over another one: OpenSSL does the cryptography and knows of no socket. It reads what
// lies in the inner stream's buffer and writes into one of ours, which leaves with as many records as there are.
//
// Kernel TLS would come in here: where the kernel takes the keys (BIO_CTRL_SET_KTLS in bio.cpp), the inner stream
// itself carries plain bytes from then on, and write() and open() pass them through.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include <parley/stream.h>

#include "io/core.h"
#include "transport/unsent.h"

namespace parley::tls {

using detail::Buffer;
using detail::ByteStream;
using detail::Completion;
using detail::Context;
using detail::Core;
using detail::Sink;

struct SslFree {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

class TlsStream final : public ByteStream {
 public:
  class Shaking;

  // Takes over the stream, and what its last receive() showed. `ssl` is set to be a client or a server. `before`:
  // received earlier, and read first. No more than `bytes_max` are taken from the peer for the handshake.
  static TlsStream& make(Core& core, Stream stream, Ssl ssl, std::string before, std::size_t bytes_max);

  // Shakes hands. It must be awaited before anything else is done.
  Shaking shake_hands() noexcept;
  SSL* ssl() const noexcept { return ssl_.get(); }
  // Whether what came first can be no TLS (RFC 8446, 5.1).
  bool began_otherwise() const noexcept { return first_byte_ < 20 || first_byte_ > 23; }

  bool poll() noexcept override;
  bool wait(Context& context, std::coroutine_handle<> waiter) noexcept override;
  bool receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept override;
  bool send(Context& context, std::coroutine_handle<> waiter, Bytes bytes) noexcept override;
  void attach(Sink& sink) noexcept override;
  void read(bool on) noexcept override;
  bool take() noexcept override;
  std::ptrdiff_t write(std::span<const Bytes> parts) noexcept override;
  void tell_writable(bool on) noexcept override;
  Result<void> shutdown() noexcept override;
  void drop(bool abort) noexcept override;
  Address local_address() const noexcept override { return inner_->local_address(); }
  Address peer_address() const noexcept override { return inner_->peer_address(); }

  void completed(const Completion&) noexcept override {}  // no driver knows it
  void flush() noexcept override;
  void stop(Context& context, Stop level, Errc reason) noexcept override;

  // For OpenSSL: bio.cpp.
  std::size_t take_ciphertext(std::span<std::byte> room) noexcept;
  void add_ciphertext(Bytes bytes) noexcept;

 private:
  // What the inner stream tells.
  struct Inner final : Sink {
    explicit Inner(TlsStream& owner) noexcept : stream(owner) {}
    void arrived() noexcept override { stream.inner_arrived(); }
    void writable() noexcept override { stream.inner_writable(); }
    void stop(Context&, Stop, Errc) noexcept override {}

    TlsStream& stream;
  };

  // What an idle stream does not need.
  struct Rare final : detail::Lingering, detail::Timer {
    explicit Rare(TlsStream& owner) noexcept : Timer(&Rare::over), stream(owner) {}
    void give_up() noexcept override { stream.destroy(true); }
    static void over(Timer& timer) noexcept { static_cast<Rare&>(timer).stream.timer_over(); }

    TlsStream& stream;
    detail::Unsent unsent;
    std::span<std::byte>* into = nullptr;  // where the reader wants its bytes
    std::string before;                    // ciphertext that came before the inner stream's
    std::size_t handshake_bytes_left = 0;
  };

  // Source::state
  static constexpr std::uint8_t shut_bit = 1;        // nothing more is to be sent
  static constexpr std::uint8_t broken_bit = 2;      // nothing can be sent; broken_ says why
  static constexpr std::uint8_t dropped_bit = 4;     // the Stream is gone
  static constexpr std::uint8_t sink_bit = 8;        // a Sink has it
  static constexpr std::uint8_t tell_bit = 16;       // the Sink waits for room
  static constexpr std::uint8_t reading_bit = 32;    // the Sink wants bytes
  static constexpr std::uint8_t shaking_bit = 64;    // the handshake is not over
  static constexpr std::uint8_t notified_bit = 128;  // the close_notify has been written

  TlsStream(Core& core, ByteStream& inner, Ssl ssl) noexcept;
  ~TlsStream() = default;
  void destroy(bool reset) noexcept;

  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>(*this);
    return *rare_;
  }
  bool has(std::uint8_t bit) const noexcept { return state & bit; }
  bool has_unsent() const noexcept { return rare_ && !rare_->unsent.empty(); }
  void give_back() noexcept;

  // Receiving: receive.cpp
  std::size_t open(std::span<std::byte> room) noexcept;
  void settle() noexcept;
  bool fill() noexcept;
  std::optional<Error> receive_now() noexcept;
  bool has_more() const noexcept;
  bool done(Context& context, std::coroutine_handle<> waiter, Error outcome) noexcept;
  void inner_arrived() noexcept;
  void arrived_for_reader() noexcept;
  void arrived_for_sink() noexcept;
  void tell_again() noexcept;
  void timer_over() noexcept;
  void discard() noexcept;

  // The handshake: handshake.cpp
  bool begin(Context& context, std::coroutine_handle<> waiter) noexcept;
  bool shake(Error& outcome) noexcept;
  bool take_rest() noexcept;

  // Sending: send.cpp
  void seal(Bytes bytes) noexcept;
  std::ptrdiff_t put(std::span<const Bytes> parts) noexcept;
  bool push() noexcept;
  bool queue(Context& context, std::coroutine_handle<> waiter, Bytes rest);
  void finish() noexcept;
  void inner_writable() noexcept;
  void broke(Error error) noexcept;

  Error broken_;
  Core& core_;
  ByteStream* inner_;
  Ssl ssl_;
  Inner told_;
  union {
    Context* reader_ = nullptr;  // who waits for bytes, or for the handshake
    Sink* sink_;                 // with sink_bit: who has the stream
  };
  Buffer* out_ = nullptr;  // ciphertext that is on its way to the inner stream
  std::unique_ptr<Rare> rare_;
  std::uint32_t room_wanted_ = 0;  // in a new out_
  std::uint8_t first_byte_ = 22;
  bool has_begun_ = false;
};

class [[nodiscard]] TlsStream::Shaking {
 public:
  using operation = void;
  explicit Shaking(TlsStream& stream) noexcept : stream_(&stream) {}
  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return stream_->begin(*context_, waiter);
  }
  Result<void> await_resume() const noexcept {
    if (context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
    return {};
  }

 private:
  TlsStream* stream_;
  Context* context_ = nullptr;
};

inline TlsStream::Shaking TlsStream::shake_hands() noexcept { return Shaking(*this); }

}  // namespace parley::tls
