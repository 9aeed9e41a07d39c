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

}  // namespace parley
