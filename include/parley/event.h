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

  // Waits for set(). One wait() at a time (Errc::already). It ends when the task is stopped at `stops_at` or above: the
  // default is for what waits for more to do; Stop::all is for what an answer depends on.
  // Cancelling: a set() that came meanwhile is not lost; the next wait() has it.
  Wait wait(Stop stops_at = Stop::receiving) noexcept;

 private:
  void stop(detail::Context& context, Stop level, Errc reason) noexcept override;

  detail::Context* waiter_ = nullptr;
  bool set_ = false;
  Stop stops_at_ = Stop::receiving;  // the present wait()
};

class [[nodiscard]] Event::Wait {
 public:
  using operation = void;
  Wait(Event& event, Stop stops_at) noexcept : event_(&event), stops_at_(stops_at) {}
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
  Stop stops_at_;
  detail::Context* context_ = nullptr;
};

inline Event::Wait Event::wait(Stop stops_at) noexcept { return Wait(*this, stops_at); }

}  // namespace parley
