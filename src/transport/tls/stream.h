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

#include "transport/queued_stream.h"

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

class TlsStream final : public detail::QueuedStream<TlsStream> {
 public:
  class Shaking;

  // Takes over the stream. `ssl` is set to be a client or a server, and has its BIO; what else it refers to, `keeps`
  // keeps until the handshake is over. `before`: received earlier, and read first. The handshake may take `bytes_max`
  // from the peer.
  static TlsStream& make(Core& core, Stream stream, Ssl ssl, std::shared_ptr<const void> keeps, std::string before,
                         std::size_t bytes_max);

  // Shakes hands. It must be awaited before anything else is done.
  Shaking shake_hands() noexcept;
  SSL* ssl() const noexcept { return ssl_.get(); }

  bool poll() noexcept override;
  bool receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept override;
  void attach(Sink& sink) noexcept override;
  void read(bool on) noexcept override;
  bool take() noexcept override;
  std::ptrdiff_t write(std::span<const Bytes> parts) noexcept override;
  std::ptrdiff_t write(Bytes bytes) noexcept override { return write(std::span(&bytes, 1)); }
  void tell_writable(bool on) noexcept override;
  Result<void> shutdown() noexcept override;
  void drop(bool abort) noexcept override;
  Address local_address() const noexcept override { return inner_->local_address(); }
  Address peer_address() const noexcept override { return inner_->peer_address(); }

  void completed(const Completion&) noexcept override {}  // no driver knows it
  void stop(Context& context, Stop level, Errc reason) noexcept override;

  // For OpenSSL: bio.cpp.
  std::size_t take_ciphertext(std::span<std::byte> room) noexcept;
  void add_ciphertext(Bytes bytes) noexcept;

 private:
  friend class detail::QueuedStream<TlsStream>;

  // What the inner stream tells.
  struct Inner final : Sink {
    explicit Inner(TlsStream& owner) noexcept : stream(owner) {}
    void arrived() noexcept override { stream.inner_arrived(); }
    void writable() noexcept override { stream.inner_writable(); }
    void stop(Context&, Stop, Errc) noexcept override {}

    TlsStream& stream;
  };

  // All of it is the Helper's while he works for it, and so is the SSL.
  struct Handshake final : detail::Costly {
    explicit Handshake(TlsStream& owner) noexcept : stream(owner) {}
    void work() noexcept override;
    void worked() noexcept override { stream.shaken(); }

    std::size_t take(std::span<std::byte> room) noexcept;
    // Whether what came first can be no record of TLS (RFC 8446, 5.1).
    bool began_otherwise() const noexcept { return first_byte >= 0 && (first_byte < 20 || first_byte > 23); }

    TlsStream& stream;
    std::string received;
    std::string sealed;          // what is to be sent
    std::size_t bytes_left = 0;  // that may be received
    int first_byte = -1;         // of the peer; -1: nothing has come
    int why = 0;                 // SSL_get_error(3) of the last step
    Error failure;               // if that is one
    bool is_server = false;
    bool abort = false;                 // how the stream was dropped meanwhile
    std::shared_ptr<const void> keeps;  // what the SSL refers to
  };

  // What an idle stream does not need.
  struct Rare final : detail::Lingering, detail::Timer {
    explicit Rare(TlsStream& owner) noexcept : Timer(&Rare::over), stream(owner) {}
    void give_up() noexcept override { stream.destroy(true); }
    static void over(Timer& timer) noexcept { static_cast<Rare&>(timer).stream.timer_over(); }

    TlsStream& stream;
    detail::Unsent unsent;
    std::span<std::byte>* into = nullptr;  // where the reader wants its bytes
    std::unique_ptr<Handshake> handshake;  // until it is over; stays if it has failed
    std::string before;                    // ciphertext that came before the inner stream's
  };

  // Source::state, with QueuedStream's
  static constexpr std::uint8_t reading_bit = 32;   // the Sink wants bytes
  static constexpr std::uint8_t notified_bit = 64;  // the close_notify has been written

  TlsStream(Core& core, ByteStream& inner, Ssl ssl) noexcept;
  ~TlsStream() = default;
  void destroy(bool reset) noexcept;

  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>(*this);
    return *rare_;
  }
  bool has(std::uint8_t bit) const noexcept { return state & bit; }
  bool has_unsent() const noexcept { return rare_ && !rare_->unsent.empty(); }
  void want_bytes() noexcept { inner_->read(true); }
  void want_room() noexcept {}  // push() has asked for it

  // Receiving: receive.cpp
  std::size_t open(std::span<std::byte> room) noexcept;
  void settle() noexcept;
  bool fill() noexcept;
  std::optional<Error> receive_now() noexcept;
  bool has_more() const noexcept;
  void inner_arrived() noexcept;
  void arrived_for_reader() noexcept;
  void arrived_for_sink() noexcept;
  void tell_again() noexcept;
  void timer_over() noexcept;
  void discard() noexcept;

  // The handshake: handshake.cpp
  bool is_shaking() const noexcept { return rare_ && rare_->handshake; }
  bool is_away() const noexcept { return is_shaking() && core_.helper.is_working_for(*rare_->handshake); }
  bool begin(Context& context, std::coroutine_handle<> waiter) noexcept;
  void shake_soon() noexcept;
  void shaken() noexcept;
  void end_handshake() noexcept;
  Error outcome_of_handshake() noexcept;
  bool take_rest() noexcept;

  // Sending: send.cpp
  void seal(Bytes bytes) noexcept;
  std::ptrdiff_t put(std::span<const Bytes> parts) noexcept;
  std::ptrdiff_t put(Bytes bytes) noexcept { return put({&bytes, 1}); }
  bool push() noexcept;
  void add_to_out(Bytes bytes) noexcept;
  void finish() noexcept;
  void inner_writable() noexcept;
  void broke(Error error) noexcept;

  ByteStream* inner_;
  Ssl ssl_;
  Inner told_;
  Buffer* out_ = nullptr;  // ciphertext that is on its way to the inner stream
  std::unique_ptr<Rare> rare_;
  std::uint32_t room_wanted_ = 0;  // in a new out_
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
  Result<void> await_resume() const noexcept { return Context::result_of(context_); }

 private:
  TlsStream* stream_;
  Context* context_ = nullptr;
};

inline TlsStream::Shaking TlsStream::shake_hands() noexcept { return Shaking(*this); }

}  // namespace parley::tls
