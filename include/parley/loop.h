// Loop: what runs tasks. It waits for the kernel, takes one completed operation at a time, and resumes the task that
// waited for it. One Loop a thread; many cores are many loops (see threads.h).
//
//   parley::Loop loop;
//   loop.run(parley::serve(loop, "tcp://127.0.0.1:9000", echo));
//
// Lifetimes: a Loop outlives everything made with it (streams, listeners, groups).
// Threads: post() may be called from any thread. Everything else, and every object made with this loop, belongs to the
// thread that calls run().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <parley/error.h>
#include <parley/task.h>

namespace parley {

class Simulation;

struct LoopOptions {
  // Received bytes lie in buffers of this size (rounded up to a power of two; at most 2 GiB), lent by the loop while
  // they are unread. From 64 KiB on each has addresses behind it, so that a message of up to 32 MiB grows where it
  // lies.
  std::size_t receive_buffer_bytes = 512 * 1024;
  // When more than this is lent (to handlers that keep their bytes while they wait, and for messages that are not whole
  // yet), further buffers are of 4 KiB at first.
  std::size_t lent_bytes_max = 64 * 1024 * 1024;
  // Free buffers above this are returned to the system, if they were not needed in the last two or three seconds.
  std::size_t kept_bytes_max = 64 * 1024 * 1024;
  // permessage-deflate: what the WebSockets of this loop may keep of earlier messages, in bytes, both directions. When
  // most of it is taken, idle ones give back what they need not keep; when all is, new ones agree to keep nothing
  // for what they receive, and compress each message by itself.
  std::size_t deflate_windows_bytes_max = 64 * 1024 * 1024;
  // Wait with io_uring(7) instead of epoll(7), where the kernel allows it (from 6.1 on) and the library was built with
  // liburing; Loop::driver() says what came of it. Then only one thread may ever run() the loop, and 128 buffers of
  // 32 KiB are lent to the kernel from the first receive on, whatever lent_bytes_max says. Not the default: it is
  // hardly faster (docs/decisions/io-uring.md).
  bool io_uring = false;
  // The cryptography of a TLS handshake takes 0.4 ms, in which no message would be served. So a thread beside the loop
  // does it, from the first handshake on, if the loop's thread may run on more than one core. Without it, and where no
  // thread can be had, the loop does one step of one handshake in a turn. (docs/decisions/tls.md)
  bool handshake_thread = true;
  // What a closed stream still had to send may take this long to leave; then the connection is reset.
  unsigned linger_seconds = 5;
};

namespace detail {

template <class T>
struct Flat {
  using type = Result<T>;
};
template <class T>
struct Flat<Result<T>> {
  using type = Result<T>;
};

}  // namespace detail

class Loop {
 public:
  // Can fail for want of descriptors: then run() returns that error.
  Loop() : Loop(LoopOptions{}) {}
  explicit Loop(const LoopOptions& options);
  // Runs on a simulated network and clock instead of the kernel's: simulation.h.
  explicit Loop(Simulation& simulation, const LoopOptions& options = {});
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `task`, and everything it starts, until it ends and closed streams have sent what they had; its result, or
  // what the loop itself failed with. What the task throws is thrown here. May be called again afterwards, but not from
  // inside a task.
  template <class T>
  typename detail::Flat<T>::type run(Task<T> task) {
    auto frame = task.frame();
    if (Result<void> ran = run_root(frame, frame.promise()); !ran) return std::unexpected(ran.error());
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return frame.promise().value();
    }
  }

  // Asks the task that run() runs to stop, as TaskGroup::stop() does. Does nothing outside run().
  void stop(Stop level = Stop::all) noexcept;

  // Runs `work` on the loop's thread, soon, in the order posted. From any thread, while the Loop exists. What is still
  // queued when the Loop is destroyed is dropped unrun. `work` must not throw: that ends the program.
  void post(std::move_only_function<void()> work);

  // The loop's clock, which a Simulation moves by itself: time since some fixed point.
  std::chrono::nanoseconds now() const noexcept;

  std::string_view driver() const noexcept;  // "epoll", "io_uring" or "sim"; "none" if run() will fail

  detail::Core& core() const noexcept { return *core_; }

 private:
  Result<void> run_root(std::coroutine_handle<> frame, detail::Promise& promise);

  std::unique_ptr<detail::Core> core_;
};

}  // namespace parley
