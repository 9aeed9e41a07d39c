// Processor time of this thread: what tells waiting from spinning.
#pragma once

#include <chrono>
#include <ctime>

namespace parley {

inline std::chrono::nanoseconds cpu_time() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Waits, until one of them took little time of the processor: whoever spins takes it each time, while a machine that
// does other things too charges a wait with them now and then.
//   IdleWaits waits;
//   while (waits.again()) wait_for(waits.time());
//   EXPECT_TRUE(waits.idle());
class IdleWaits {
 public:
  explicit IdleWaits(std::chrono::milliseconds time = std::chrono::milliseconds(20)) noexcept : time_(time) {}

  bool again() noexcept {
    const auto now = cpu_time();
    idle_ = waits_ > 0 && now - before_ < time_ / 2;
    before_ = now;
    return !idle_ && waits_++ < 10;
  }
  std::chrono::milliseconds time() const noexcept { return time_; }
  bool idle() const noexcept { return idle_; }

 private:
  std::chrono::milliseconds time_;
  std::chrono::nanoseconds before_{};
  int waits_ = 0;
  bool idle_ = false;
};

}  // namespace parley
