// Event: a bell that one task waits for and others ring. For what no socket brings: a limit that has room again, a line
// that another thread has read.
//
//   parley::Event rung;
//   co_await rung.wait();                              // in one task
//   rung.set();                                        // in another, or through loop.post() from another thread
//
// It says only that something changed; what changed lies beside it:
//   while (queue.empty()) co_await rung.wait();
//
// Lifetime: it must not be destroyed or moved while a wait() waits. Threads: the loop's thread only.
#pragma once

#include <coroutine>
#include <utility>

#include <parley/detail/context.h>
#include <parley/error.h>
#include <parley/task.h>

namespace parley {

class Event final : private detail::Waitable {
 public:
  class Wait;

  Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Ends the present wait(), or else the next one. It is not counted: twice before a wait() is as good as once.
  void set() noexcept;

  // Waits for set(). One wait() at a time (Errc::already).
  // Cancelling, and Stop::receiving: a set() that came meanwhile is not lost; the next wait() has it.
  Wait wait() noexcept;

 private:
  void stop(detail::Context& context, Stop level, Errc reason) noexcept override;

  detail::Context* waiter_ = nullptr;
  bool set_ = false;
};

class [[nodiscard]] Event::Wait {
 public:
  using operation = void;
  explicit Wait(Event& event) noexcept : event_(&event) {}
  bool await_ready() const noexcept { return std::exchange(event_->set_, false); }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<void> await_resume() const noexcept {
    if (!context_ || context_->outcome().code == Errc::none) return {};
    return std::unexpected(context_->outcome());
  }

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  Event* event_;
  detail::Context* context_ = nullptr;
};

inline Event::Wait Event::wait() noexcept { return Wait(*this); }

}  // namespace parley
