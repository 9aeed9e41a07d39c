// What stands behind every co_await. Not for users: nothing here is promised to stay.
//
// A Context is one thread of control: a root task and the tasks it awaits, one after another. It waits for at most one
// thing at a time, so stopping it is O(1) and allocates nothing: the Context knows what it waits for, and asks that.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>

#include <parley/error.h>

namespace parley {

// How urgently a task is asked to stop. It never goes back down.
enum class Stop : std::uint8_t {
  none,
  receiving,  // finish what has arrived: waits for more input end with Errc::cancelled, all else goes on
  all,        // every wait ends with Errc::cancelled
};

namespace detail {

class Core;  // the inside of a Loop: src/io/core.h
class Context;

// Something that a task can wait for.
class Waitable {
 public:
  // `context`, which waits here, is asked to stop. To comply: forget it, then context.ready(reason). What can't end
  // before its own completion (a join, an operation the kernel holds) passes the wish on, or does nothing yet.
  virtual void stop(Context& context, Stop level, Errc reason) noexcept = 0;

 protected:
  Waitable() = default;
  Waitable(const Waitable&) = default;
  Waitable& operator=(const Waitable&) = default;
  ~Waitable() = default;
};

// Where root tasks live: the loop that runs them, and who is told when one ends.
class Home {
 public:
  explicit Home(Core& loop_core) noexcept : core(loop_core) {}
  virtual void finished(Context& context, std::coroutine_handle<> root) noexcept = 0;

  Core& core;

 protected:
  ~Home() = default;
};

class Context {
 public:
  explicit Context(Home& home) noexcept : home_(&home) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Home& home() const noexcept { return *home_; }
  Core& core() const noexcept { return home_->core; }

  // Begins a wait. False if this task has been stopped at `stops_at` or above: then outcome() says so already.
  bool wait(Waitable& on, std::coroutine_handle<> waiter, Stop stops_at = Stop::all) noexcept {
    if (stop_ >= stops_at) [[unlikely]] {
      set(Error{reason_, 0});
      return false;
    }
    waiter_ = waiter;
    pending_ = &on;
    outcome_ = {};
    return true;
  }

  // The same for what passes a stop on instead of ending: the wait begins in any case.
  void wait_always(Waitable& on, std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    pending_ = &on;
    outcome_ = {};
  }
  // The wait is over, without the task having been suspended here.
  void done() noexcept { pending_ = nullptr; }

  // Lets the loop run a new root task soon.
  void start(std::coroutine_handle<> root) noexcept {
    waiter_ = root;
    ready();
  }

  // Ends the wait and runs the task now. Only from the loop's own stack, never from inside another task.
  void resume(Error outcome = {}) noexcept {
    set(outcome);
    pending_ = nullptr;
    waiter_.resume();
  }
  // Ends the wait; the loop runs the task soon. From anywhere on the loop's thread.
  void ready(Error outcome = {}) noexcept;

  // Asks the task to stop, now and at each later wait. `reason` is what those waits return.
  void stop(Stop level, Errc reason = Errc::cancelled) noexcept;
  // Asks only the present wait to end.
  void interrupt(Errc reason) noexcept {
    if (!queued_ && pending_) pending_->stop(*this, Stop::all, reason);
  }

  Stop stopped() const noexcept { return stop_; }
  Errc reason() const noexcept { return reason_; }

  // How the last wait ended; code none: well.
  Error outcome() const noexcept { return outcome_; }
  void set(Error outcome) noexcept { outcome_ = outcome; }

  // outcome() as an await_resume() returns it; without a context, which is how a closed handle is known: Errc::closed.
  static Result<void> result_of(const Context* context) noexcept;

 private:
  friend class Core;

  std::coroutine_handle<> waiter_;
  union {
    Waitable* pending_ = nullptr;  // while it waits
    Context* next_;                // while it is in the loop's ready queue
  };
  Home* home_;
  Error outcome_;
  Stop stop_ = Stop::none;
  Errc reason_ = Errc::cancelled;
  bool queued_ = false;

 public:
  bool thrown = false;  // an exception is on its way up: detail::take_exception() has it
};

using Duration = std::chrono::nanoseconds;
using Time = std::int64_t;  // nanoseconds of the loop's clock
inline constexpr Time never = INT64_MAX;

// A place in the loop's heap of timers; lives in whatever waits. Trivially destructible, since g++ 12 destroys some
// awaiters twice: whoever starts one cancels it.
struct Timer {
  using Fire = void (*)(Timer&) noexcept;

  explicit Timer(Fire on_fire) noexcept : fire(on_fire) {}
  bool pending() const noexcept { return place != nullptr; }

  Fire fire;
  Time due = never;
  Timer* child = nullptr;
  Timer* sibling = nullptr;
  Timer** place = nullptr;  // the pointer that points here
};

void start(Core& core, Timer& timer, Duration after) noexcept;  // a negative time is due at once
void cancel(Core& core, Timer& timer) noexcept;                 // does nothing if it is not pending

}  // namespace detail
}  // namespace parley
