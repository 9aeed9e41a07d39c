#include "transport/connections.h"

#include <chrono>

#include "io/core.h"

namespace parley {
namespace {

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

Task<> Connections::drain(unsigned seconds) {
  stop(Stop::receiving);
  DrainTimer timer(loop_, *this, std::chrono::seconds(seconds));
  (void)co_await join();
}

void Connections::thrown(std::exception_ptr exception) noexcept {
  if (report_) report_(std::move(exception));
}

}  // namespace parley
