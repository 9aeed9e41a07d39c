// Task: a coroutine that runs on a Loop. TaskGroup: several at once. within(): a limit of time for any of them.
//
//   parley::Task<parley::Result<int>> measure(parley::Stream& peer);
//   auto value = co_await parley::within(5s, measure(peer));     // Errc::timed_out if it took longer
//
// A Task is lazy: calling the function runs none of it; `co_await` does, or TaskGroup::spawn(), or Loop::run(). What is
// awaited is always finished when co_await returns, so it may refer to the caller's variables.
//
// Stopping is a request; the end of the operation is the fact. A stopped task is not destroyed: its present wait, and
// each later one, returns Errc::cancelled, and it ends by itself, running its destructors in order.
//
// What a task throws goes to whoever awaits it. Threads: a task runs on its loop's thread only.
//
// g++ 12 can't compile `if (co_await x)` (or `while`, `switch`) in a coroutine that declares no variable: write
// `if (auto result = co_await x; result)`. A program that runs such a coroutine is ended with a sentence that says so.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <parley/detail/context.h>
#include <parley/error.h>

namespace parley {

class Loop;
template <class T = void>
class Task;

namespace detail {

// g++ 12 lays a coroutine's frame out wrongly when it declares no variable and awaits something in the condition of an
// `if`, `while`, `for` or `switch`: it would never run. Ends the program with a sentence that says what to do.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool frames_to_check = true;
#else
inline constexpr bool frames_to_check = false;
#endif
void check_frame(const void* frame) noexcept;

void* frame_allocate(std::size_t bytes);
void frame_free(void* frame, std::size_t bytes) noexcept;

void keep_exception() noexcept;  // of the catch clause that runs now
std::exception_ptr take_exception() noexcept;

class Promise {
 public:
  static void* operator new(std::size_t bytes) { return frame_allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { frame_free(frame, bytes); }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      Promise& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      promise.context->home().finished(*promise.context, self);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept {
    keep_exception();
    context->thrown = true;
  }

  Context* context = nullptr;
  std::coroutine_handle<> continuation;  // who awaits this task; null: a root
};

template <class P>
concept TaskPromise = std::derived_from<P, Promise>;

// An operation that can be awaited as it stands: three members, no allocation, trivially destructible.
template <class T>
concept Operation = requires { typename T::operation; };

inline void rethrow(Context& context) {
  if (context.thrown) [[unlikely]] {
    context.thrown = false;
    std::rethrow_exception(take_exception());
  }
}

template <class T>
class ValuePromise : public Promise {
 public:
  template <std::convertible_to<T> U = T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow(*context);
    return value();
  }
  T value() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class ValuePromise<void> : public Promise {
 public:
  void return_void() const noexcept {}
  void take() { rethrow(*context); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::ValuePromise<T> {
    Task get_return_object() noexcept {
      auto frame = std::coroutine_handle<promise_type>::from_promise(*this);
      if constexpr (detail::frames_to_check) detail::check_frame(frame.address());
      return Task(frame);
    }
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  // Trivially destructible and made by a member function: g++ 12 destroys other awaiters twice.
  class Awaiter {
   public:
    bool await_ready() const noexcept { return false; }
    template <detail::TaskPromise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) const noexcept {
      frame_.promise().context = parent.promise().context;
      frame_.promise().continuation = parent;
      return frame_;
    }
    T await_resume() const { return frame_.promise().take(); }

   private:
    friend Task;
    explicit Awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
  };
  Awaiter operator co_await() const& noexcept { return Awaiter(frame_); }
  Awaiter operator co_await() const&& noexcept { return Awaiter(frame_); }

  // For those who run tasks: Loop, TaskGroup, within().
  std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, {}); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

// Several tasks at once, none of which outlives the group.
//
//   parley::TaskGroup group(loop);
//   group.spawn(echo(std::move(peer)));
//   ...
//   co_await group.join();
//
// The group must be empty when it is destroyed (join() first): otherwise the program is wrong, and is aborted.
// The first exception that a task throws stops the others (Stop::all) and is thrown by join(); later ones are dropped.
class TaskGroup : private detail::Home, private detail::Waitable {
 public:
  explicit TaskGroup(Loop& loop) noexcept;
  virtual ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a task. It begins to run when the present one next waits, never inside this call. A group that was stopped
  // starts it too, stopped.
  void spawn(Task<> task);

  std::size_t size() const noexcept { return size_; }

  // Asks every task to stop, those spawned later too. Returns at once; join() waits for them.
  void stop(Stop level = Stop::all) noexcept;

  // Waits until at most `count` tasks are left. One waiter at a time. Being stopped itself, a join stops the group and
  // goes on waiting, so it always holds what it promises; other waits for a count end with Errc::cancelled.
  class Left;
  Left at_most(std::size_t count) noexcept;
  Left join() noexcept;

 protected:
  // An exception left a task. The default is what is said above.
  virtual void thrown(std::exception_ptr exception) noexcept;

 private:
  struct Member;

  void finished(detail::Context& context, std::coroutine_handle<> root) noexcept override;
  void stop(detail::Context& context, Stop level, Errc reason) noexcept override;

  Member* first_ = nullptr;
  std::size_t size_ = 0;
  std::size_t wanted_ = 0;  // while waiter_ waits
  bool joining_ = false;    // likewise
  detail::Context* waiter_ = nullptr;
  std::exception_ptr exception_;
  Stop stop_ = Stop::none;
};

class [[nodiscard]] TaskGroup::Left {
 public:
  using operation = void;
  bool await_ready() const noexcept { return group_->size_ <= count_; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<void> await_resume() const;  // throws what a task threw, after a join

 private:
  friend TaskGroup;
  Left(TaskGroup& group, std::size_t count, bool is_join) noexcept : group_(&group), count_(count), is_join_(is_join) {}
  bool wait(std::coroutine_handle<> waiter) noexcept;

  TaskGroup* group_;
  std::size_t count_;
  bool is_join_;
  detail::Context* context_ = nullptr;
};

// Waits. Errc::cancelled if stopped (Stop::all) before the time is over. The kernel adds some 0.1 ms; where it has
// no epoll_pwait2(2), up to 1 ms to less than 10 ms.
class [[nodiscard]] Sleep final : private detail::Waitable, private detail::Timer {
 public:
  using operation = void;
  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    if (!context_->wait(*this, waiter)) return false;
    detail::start(context_->core(), *this, after_);
    return true;
  }
  Result<void> await_resume() const noexcept { return detail::Context::result_of(context_); }

 private:
  friend Sleep sleep_for(detail::Duration) noexcept;
  explicit Sleep(detail::Duration after) noexcept : Timer(&Sleep::over), after_(after) {}
  static void over(detail::Timer& timer) noexcept { static_cast<Sleep&>(timer).context_->ready(); }
  void stop(detail::Context& context, Stop level, Errc reason) noexcept override {
    if (level != Stop::all) return;
    detail::cancel(context.core(), *this);
    context.ready(Error{reason, 0});
  }

  detail::Duration after_;
  detail::Context* context_ = nullptr;
};

inline Sleep sleep_for(detail::Duration after) noexcept { return Sleep(after); }

// A turn for everybody else: the task goes on after what is ready now has run. For long computations.
inline Sleep yield() noexcept { return sleep_for(detail::Duration::zero()); }

namespace detail {

template <Operation Op>
class [[nodiscard]] Within final : private Timer {
 public:
  Within(Duration after, Op operation) noexcept : Timer(&Within::over), after_(after), operation_(operation) {}

  bool await_ready() noexcept { return operation_.await_ready(); }
  template <TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    if (!operation_.await_suspend(waiter)) return false;
    start(context_->core(), *this, after_);
    return true;
  }
  auto await_resume() {
    if (pending()) cancel(context_->core(), *this);
    return operation_.await_resume();
  }

 private:
  static void over(Timer& timer) noexcept { static_cast<Within&>(timer).context_->interrupt(Errc::timed_out); }

  Duration after_;
  Context* context_ = nullptr;
  Op operation_;
};

// Runs a task in a Context of its own, so that it can be stopped apart from the one that awaits it.
class Scope final : private Waitable, private Timer {
 public:
  Scope(Home& home, Duration after) noexcept : Timer(&Scope::over), child_(home), after_(after) {}

  template <class T>
  class Awaiter {
   public:
    bool await_ready() const noexcept { return false; }
    template <TaskPromise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) const noexcept {
      frame_.promise().context = &scope_->child_;
      frame_.promise().continuation = parent;
      scope_->begin(*parent.promise().context, parent);
      return frame_;
    }
    T await_resume() const {
      scope_->end();
      return frame_.promise().take();
    }

   private:
    friend Scope;
    Awaiter(Scope& scope, std::coroutine_handle<typename Task<T>::promise_type> frame) noexcept
        : scope_(&scope), frame_(frame) {}
    Scope* scope_;
    std::coroutine_handle<typename Task<T>::promise_type> frame_;
  };
  template <class T>
  Awaiter<T> run(Task<T>& task) noexcept {
    return Awaiter<T>(*this, task.frame());
  }

 private:
  void begin(Context& parent, std::coroutine_handle<> waiter) noexcept;
  void end() noexcept;
  void stop(Context& context, Stop level, Errc reason) noexcept override;
  static void over(Timer& timer) noexcept { static_cast<Scope&>(timer).child_.stop(Stop::all, Errc::timed_out); }

  Context child_;
  Context* parent_ = nullptr;
  Duration after_;
};

struct CurrentHome {
  bool await_ready() const noexcept { return false; }
  template <TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    home = &waiter.promise().context->home();
    return false;
  }
  Home& await_resume() const noexcept { return *home; }
  Home* home = nullptr;
};

}  // namespace detail

// Limits one operation, without allocating: Errc::timed_out if it is not done in time, and then what its own comment
// says of cancelling holds. A receive that timed out has lost nothing: receive again.
template <detail::Operation Op>
detail::Within<Op> within(detail::Duration time, Op operation) noexcept {
  return detail::Within<Op>(time, operation);
}

// Limits a whole task. When the time is over, its present wait and each later one returns Errc::timed_out; the task
// still ends by itself and its own result is the result.
template <class T>
Task<Result<T>> within(detail::Duration time, Task<Result<T>> task) {
  detail::Home& home = co_await detail::CurrentHome();
  detail::Scope scope(home, time);
  co_return co_await scope.run(task);
}

}  // namespace parley
