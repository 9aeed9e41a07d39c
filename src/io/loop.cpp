#include <parley/loop.h>

#include "base/check.h"
#include "io/core.h"
#include "io/epoll.h"
#include "io/sim.h"
#include "io/uring.h"
#include "task/ready.h"

namespace parley {

using detail::Context;
using detail::Core;

namespace {

// A simulation is repeatable: all that happens in it happens in one thread.
LoopOptions alone(LoopOptions options) noexcept {
  options.handshake_thread = false;
  return options;
}

// Where the task of run() lives.
class Root final : public detail::Home {
 public:
  explicit Root(Core& loop_core) noexcept : Home(loop_core) {}
  void finished(Context& context, std::coroutine_handle<>) noexcept override {
    if (context.thrown) exception = detail::take_exception();  // before another task throws
    done = true;
  }
  bool done = false;
  std::exception_ptr exception;
};

Result<std::unique_ptr<detail::Driver>> make_driver(const LoopOptions& options) {
  if (options.io_uring) {
    if (auto driver = detail::make_uring()) return driver;
  }
  return detail::make_epoll();
}

}  // namespace

namespace detail {

Core& core_of(Loop& loop) noexcept { return loop.core(); }

}  // namespace detail

Loop::Loop(const LoopOptions& options) : core_(std::make_unique<Core>(make_driver(options), options)) {}

Loop::Loop(Simulation& simulation, const LoopOptions& options)
    : core_(std::make_unique<Core>(detail::make_sim_driver(simulation), alone(options))) {}

Loop::~Loop() = default;

Result<void> Loop::run_root(std::coroutine_handle<> frame, detail::Promise& promise) {
  PARLEY_CHECK(!core_->root, "Loop::run() was called from inside a task of this loop");
  Root home(*core_);
  Context context(home);
  promise.context = &context;
  if (!core_->driver) return core_->run(home.done);
  core_->root = &context;
  context.start(frame);
  Result<void> ran = core_->run(home.done);
  core_->root = nullptr;
  if (home.exception) std::rethrow_exception(home.exception);
  return ran;
}

void Loop::stop(Stop level) noexcept {
  if (core_->root) core_->root->stop(level);
}

void Loop::post(std::move_only_function<void()> work) { core_->post(std::move(work)); }

std::chrono::nanoseconds Loop::now() const noexcept {
  return std::chrono::nanoseconds(core_->driver ? core_->driver->now() : 0);
}

std::string_view Loop::driver() const noexcept { return core_->driver ? core_->driver->name() : "none"; }

}  // namespace parley
