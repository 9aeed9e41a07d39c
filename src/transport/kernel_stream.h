// The stream that the kernel carries: TCP and Unix-domain sockets. 56 bytes while it is idle.
#pragma once

#include <memory>

#include <parley/stream.h>

#include "transport/queued_stream.h"

namespace parley::detail {

class KernelStream final : public QueuedStream<KernelStream> {
 public:
  // Takes over a connected descriptor, and closes it when that fails. `accepted`: it is the driver's
  // accepted_address().
  static Result<Stream> make(Core& core, int descriptor, bool accepted = false);

  bool poll() noexcept override;
  bool receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept override;
  void attach(Sink& sink) noexcept override;
  void read(bool on) noexcept override;
  bool take() noexcept override;
  std::ptrdiff_t write(std::span<const Bytes> parts) noexcept override;
  std::ptrdiff_t write(Bytes bytes) noexcept override;
  void tell_writable(bool on) noexcept override;
  Result<void> shutdown() noexcept override;
  void drop(bool abort) noexcept override;
  Address local_address() const noexcept override;
  Address peer_address() const noexcept override;

  void completed(const Completion& completion) noexcept override;
  void stop(Context& context, Stop level, Errc reason) noexcept override;

 private:
  friend class QueuedStream<KernelStream>;

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

  explicit KernelStream(Core& core, int fd) noexcept : QueuedStream(core) { descriptor = fd; }
  ~KernelStream() = default;
  void destroy(bool reset) noexcept;

  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>(*this);
    return *rare_;
  }
  bool has_unsent() const noexcept { return rare_ && !rare_->unsent.empty(); }
  void want(std::uint8_t bit) noexcept;
  void want_bytes() noexcept { want(in_bit); }
  void want_room() noexcept { want(out_bit); }
  std::ptrdiff_t put(Bytes bytes) noexcept { return core_.driver->send(*this, bytes); }
  bool receive_now() noexcept;
  void end(std::ptrdiff_t result) noexcept;
  void pump() noexcept;
  void broke(Error error) noexcept;
  void completed_for_sink(const Completion& completion) noexcept;

  std::unique_ptr<Rare> rare_;
};
static_assert(sizeof(KernelStream) == 56);

}  // namespace parley::detail
