// The stream that the kernel carries: TCP and Unix-domain sockets. 56 bytes while it is idle.
#pragma once

#include <memory>

#include <parley/stream.h>

#include "io/core.h"
#include "transport/unsent.h"

namespace parley::detail {

class KernelStream final : public ByteStream {
 public:
  // Takes over a connected descriptor, and closes it when that fails. `accepted`: it is the driver's
  // accepted_address().
  static Result<Stream> make(Core& core, int descriptor, bool accepted = false);

  // No more than this is gathered in the loop's cork; a larger send goes out at once from where it lies.
  static constexpr std::size_t cork_copy_bytes_max = 8192;

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
  Address local_address() const noexcept override;
  Address peer_address() const noexcept override;

  void completed(const Completion& completion) noexcept override;
  void flush() noexcept override;
  void stop(Context& context, Stop level, Errc reason) noexcept override;

 private:
  // What an idle stream does not need.
  struct Rare final : Lingering, Timer {
    explicit Rare(KernelStream& owner) noexcept : Timer(&Rare::over), stream(owner) {}
    void give_up() noexcept override { stream.destroy(true); }
    static void over(Timer& timer) noexcept { static_cast<Rare&>(timer).give_up(); }

    KernelStream& stream;
    Unsent unsent;
    std::span<std::byte>* into = nullptr;  // where the reader wants its bytes
    bool shutdown_after = false;
  };

  // Source::state
  static constexpr std::uint8_t shut_bit = 1;     // shutdown() was called
  static constexpr std::uint8_t broken_bit = 2;   // nothing can be sent; broken_ says why
  static constexpr std::uint8_t dropped_bit = 4;  // the Stream is gone
  static constexpr std::uint8_t sink_bit = 8;     // a Sink has it
  static constexpr std::uint8_t tell_bit = 16;    // the Sink waits for room

  explicit KernelStream(Core& core, int fd) noexcept : core_(core) { descriptor = fd; }
  ~KernelStream() = default;
  void destroy(bool reset) noexcept;

  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>(*this);
    return *rare_;
  }
  bool has_unsent() const noexcept { return rare_ && !rare_->unsent.empty(); }
  void want(std::uint8_t bit) noexcept;
  void give_back() noexcept;
  bool receive_now() noexcept;
  void end(std::ptrdiff_t result) noexcept;
  bool done(Context& context, std::coroutine_handle<> waiter, Error outcome) noexcept;
  bool queue(Context& context, std::coroutine_handle<> waiter, Bytes rest);
  void queue_copy(Bytes rest);
  void pump() noexcept;
  void broke(Error error) noexcept;
  void completed_for_sink(const Completion& completion) noexcept;

  Error broken_;
  Core& core_;
  union {
    Context* reader_ = nullptr;  // who waits for bytes
    Sink* sink_;                 // with sink_bit: who has the stream
  };
  std::unique_ptr<Rare> rare_;
};
static_assert(sizeof(KernelStream) == 56);

}  // namespace parley::detail
