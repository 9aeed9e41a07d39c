#include <parley/listener.h>
#include <parley/loop.h>

#include "io/core.h"

namespace parley {
namespace {

class Connections final : public TaskGroup {
 public:
  Connections(Loop& loop, void (*report)(std::exception_ptr)) noexcept : TaskGroup(loop), report_(report) {}

  // A handler need not be a coroutine, so that it may throw before there is a task.
  void serve(const Handler& handler, Stream peer) noexcept {
    try {
      spawn(handler(std::move(peer)));
    } catch (...) {
      thrown(std::current_exception());
    }
  }

 protected:
  void thrown(std::exception_ptr exception) noexcept override {
    if (report_) report_(std::move(exception));
  }

 private:
  void (*report_)(std::exception_ptr);
};

// Stops a group wholly when its time to drain is over.
class DrainTimer final : private detail::Timer {
 public:
  DrainTimer(Loop& loop, TaskGroup& group, std::chrono::seconds after) noexcept
      : Timer(&DrainTimer::over), core_(loop.core()), group_(group) {
    detail::start(core_, *this, after);
  }
  ~DrainTimer() { detail::cancel(core_, *this); }

 private:
  static void over(Timer& timer) noexcept { static_cast<DrainTimer&>(timer).group_.stop(Stop::all); }

  detail::Core& core_;
  TaskGroup& group_;
};

}  // namespace

Task<Result<void>> serve(Loop& loop, Listener listener, Handler handler, ServeOptions options) {
  Connections connections(loop, options.thrown);
  Result<void> outcome;
  for (;;) {
    if (options.connections_max != 0) {
      Result<void> room = co_await connections.at_most(options.connections_max - 1);
      if (!room) break;
    }
    Result<Stream> peer = co_await listener.accept();
    if (!peer) {
      if (peer.error() != Errc::cancelled) outcome = std::unexpected(peer.error());
      break;
    }
    connections.serve(handler, std::move(*peer));
  }
  listener.close();
  connections.stop(Stop::receiving);
  DrainTimer drain(loop, connections, std::chrono::seconds(options.drain_seconds));
  (void)co_await connections.join();
  co_return outcome;
}

Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, ServeOptions options) {
  Result<Listener> listener = listen(loop, url, options.listen);
  if (!listener) co_return std::unexpected(listener.error());
  co_return co_await serve(loop, std::move(*listener), handler, options);
}

}  // namespace parley
