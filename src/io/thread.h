// Threads of the library's own.
#pragma once

#include <pthread.h>
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

}  // namespace parley::detail
