// Signals: POSIX signals as something a task can wait for.
//
//   parley::Signals signals(loop, {SIGINT, SIGTERM});
//   auto number = co_await signals.receive();
//
// While it exists, those signals are blocked in the thread that made it (and in threads started afterwards), so their
// default action does not happen; what was not received is dropped with it. Make it before starting threads; only one
// for each signal in a program.
#pragma once

#include <initializer_list>

#include <parley/detail/source.h>
#include <parley/error.h>
#include <parley/task.h>

namespace parley {

namespace detail {
class SignalCore;
}

class Signals {
 public:
  class Receive;

  // If the descriptor can't be had, receive() says so. On a simulated loop no signal ever arrives.
  Signals(Loop& loop, std::initializer_list<int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The number of the next signal. Cancelling loses none.
  Receive receive() noexcept;

 private:
  detail::SignalCore* core_;
};

class [[nodiscard]] Signals::Receive {
 public:
  using operation = void;
  explicit Receive(detail::SignalCore& core) noexcept : core_(&core) {}
  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<int> await_resume() const noexcept;

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  detail::SignalCore* core_;
  detail::Context* context_ = nullptr;
};

inline Signals::Receive Signals::receive() noexcept { return Receive(*core_); }

}  // namespace parley
