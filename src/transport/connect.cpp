#include <parley/loop.h>
#include <parley/stream.h>

#include "transport/kernel_stream.h"

namespace parley {
namespace {

using namespace detail;

// A connection that is being made: its descriptor becomes writable when that is decided.
class Attempt final : public Source {
 public:
  class Decided;

  Attempt(Core& core, int fd) noexcept : core_(core) { descriptor = fd; }
  ~Attempt() {
    if (descriptor < 0) return;
    if (attached_) {
      core_.driver->close(*this, false);
    } else {
      core_.driver->close_descriptor(descriptor);
    }
    core_.descriptor_freed();
  }

  Result<void> attach() {
    wanted = out_bit;
    Result<void> attached = core_.driver->attach(*this);
    attached_ = attached.has_value();
    return attached;
  }
  Decided decided() noexcept;

  Result<Stream> take() {
    if (Result<void> outcome = core_.driver->outcome(descriptor); !outcome) return std::unexpected(outcome.error());
    core_.driver->release(*this);
    return KernelStream::make(core_, std::exchange(descriptor, -1));
  }

  void completed(const Completion&) noexcept override {
    wanted = 0;
    if (Context* waiter = std::exchange(waiter_, nullptr)) waiter->resume();
  }
  void stop(Context& context, Stop level, Errc reason) noexcept override {
    if (level != Stop::all) return;
    waiter_ = nullptr;
    wanted = 0;
    context.ready(Error{reason, 0});
  }

 private:
  Core& core_;
  Context* waiter_ = nullptr;
  bool attached_ = false;
};

class [[nodiscard]] Attempt::Decided {
 public:
  explicit Decided(Attempt& attempt) noexcept : attempt_(&attempt) {}
  bool await_ready() const noexcept { return false; }
  template <TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    if (!context_->wait(*attempt_, waiter)) return false;
    attempt_->waiter_ = context_;
    return true;
  }
  Error await_resume() const noexcept { return context_->outcome(); }

 private:
  Attempt* attempt_;
  Context* context_ = nullptr;
};

Attempt::Decided Attempt::decided() noexcept { return Decided(*this); }

}  // namespace

Task<Result<Stream>> connect(Loop& loop, Address address, Address from) {
  Core& core = loop.core();
  const bool bound = from.family() != Family::none;
  if (bound && (address.family() == Family::local || from.family() != address.family())) {
    co_return fail(Errc::invalid_argument);
  }
  if (!core.driver) co_return std::unexpected(core.failure());
  Result<int> descriptor = core.driver->connect(address, from);
  // A Unix-domain listener whose backlog is full: the kernel offers nothing to wait for.
  for (auto pause = std::chrono::milliseconds(1); !descriptor && descriptor.error() == Errc::would_block;) {
    Result<void> slept = co_await sleep_for(pause);
    if (!slept) co_return std::unexpected(slept.error());
    pause = std::min(2 * pause, std::chrono::milliseconds(100));
    descriptor = core.driver->connect(address, from);
  }
  if (!descriptor) co_return std::unexpected(descriptor.error());
  Attempt attempt(core, *descriptor);
  if (Result<void> attached = attempt.attach(); !attached) co_return std::unexpected(attached.error());
  Error outcome = co_await attempt.decided();
  if (outcome.code != Errc::none) co_return std::unexpected(outcome);
  co_return attempt.take();
}

}  // namespace parley
