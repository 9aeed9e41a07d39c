// What the server costs, read from outside: its CPU time and its memory.
#pragma once

#include <sys/types.h>

#include <charconv>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>

#include "arguments.h"

namespace bench {

inline std::int64_t clock_ns(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) die("clock_gettime", "no such process, or it may not be read");
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

inline std::int64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }
inline std::int64_t own_cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

// CPU time of all threads of a process, kernel included. It is exact while they sleep, and up to a scheduler's tick
// behind while they run: read it when nothing is under way.
inline std::int64_t cpu_ns(pid_t process) {
  clockid_t clock{};
  if (clock_getcpuclockid(process, &clock) != 0) die("--server", "no such process");
  return clock_ns(clock);
}

// What a run of a load took. `server`: 0: nobody's CPU time but the own.
struct Cost {
  std::int64_t wall_ns = 0;
  std::int64_t own_cpu_ns = 0;
  std::int64_t server_cpu_ns = 0;
};

template <class Load>
Cost cost_of(Load& load, double seconds, pid_t server) {
  const auto now = [server] { return Cost{now_ns(), own_cpu_ns(), server != 0 ? cpu_ns(server) : 0}; };
  const Cost began = now();
  load.run(seconds);
  const Cost ended = now();
  return {ended.wall_ns - began.wall_ns, ended.own_cpu_ns - began.own_cpu_ns,
          ended.server_cpu_ns - began.server_cpu_ns};
}

// Private anonymous memory of a process: heap, stacks and written data, by pages that it has touched.
inline std::int64_t anonymous_bytes(pid_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string key, line; rollup >> key; std::getline(rollup, line)) {
    if (key != "Anonymous:") continue;
    std::int64_t kilobytes = 0;
    rollup >> kilobytes;
    return kilobytes * 1024;
  }
  die("smaps_rollup", "can't be read for this process");
}

}  // namespace bench
