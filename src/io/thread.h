// Threads of the library's own.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <system_error>
#include <thread>
#include <utility>

#include <parley/error.h>

namespace parley::detail {

// Starts a thread in which every signal is blocked: signals are for the program's own threads. Errors: memory_exhausted
// when the system has no more threads.
template <class Function>
Result<std::thread> start_thread(Function function) {
  sigset_t every{};
  sigset_t before{};
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, &before);
  Result<std::thread> started = fail(Errc::memory_exhausted);
  try {
    started = std::thread(std::move(function));
  } catch (const std::system_error&) {
    // started says so
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// Whether this thread, and those that it starts, may run on more than one core. What
// std::thread::hardware_concurrency() says is of the machine, whatever sched_setaffinity(2) allows.
inline bool has_several_cores() noexcept {
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) > 1;  // an error: more than 1,024
}

}  // namespace parley::detail
