// Threads: several loops, one a thread, for programs that want more than one core. They share nothing but what the
// program gives them; the kernel spreads the connections of one port over them (SO_REUSEPORT).
//
//   parley::Task<parley::Result<void>> work(parley::Loop& loop, unsigned index, State& state) {
//     return parley::serve(loop, std::move(state.listeners[index]), handler);
//   }
//
//   parley::Threads threads(4);
//   auto listeners = parley::listen(threads, "tcp://127.0.0.1:9000-9998");    // four on one port, nobody else there
//   State state{std::move(*listeners)};
//   auto outcome = threads.run(work, state);
//
// Threads: stop() may be called from any thread while the object exists; the rest is for the thread that made it.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <string_view>
#include <vector>

#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/task.h>
#include <parley/udp.h>

namespace parley {

class Threads {
 public:
  // Makes the loops, and no thread yet. `count` is at least 1. Use std::thread::hardware_concurrency() for every core.
  explicit Threads(unsigned count, const LoopOptions& options = {});
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  unsigned size() const noexcept { return static_cast<unsigned>(loops_.size()); }
  // Before run(), anything may be made with any of the loops; afterwards each belongs to its own thread.
  Loop& loop(unsigned index) noexcept { return loops_[index]; }

  // Runs main(loop, index, state) on each loop, index 0 on the caller's thread, and returns when all have ended. The
  // first that ends with an error or an exception stops the others (Stop::all); that is what run() returns or throws.
  // Errc::cancelled after stop() is no error. `state` is shared by all threads: what they change in it must be guarded.
  // The threads that it starts block every signal, so that Signals on loop 0 gets them. Call it once.
  // Errors: also memory_exhausted when a thread can't be started.
  template <class State>
  Result<void> run(Task<Result<void>> (*main)(Loop& loop, unsigned index, State& state), State& state);
  Result<void> run(Task<Result<void>> (*main)(Loop& loop, unsigned index));

  // Asks every main to stop, as Loop::stop() does. From any thread, before run() too.
  void stop(Stop level = Stop::all) noexcept;

 private:
  class Run;
  using Start = Task<Result<void>> (*)(const void* main, Loop& loop, unsigned index, void* state);

  Result<void> run_all(Start start, const void* main, void* state);

  std::deque<Loop> loops_;
  std::atomic<bool> stopped_ = false;  // by stop()
};

// One listener for each loop, all on one port, in the order of the loops. Nobody else, no other program and no earlier
// call, has that port (ReusePort::first), and of a range or with port 0 that is the first free one. Unix-domain: a path
// can't be shared, so more than one loop is Errc::invalid_argument. `options.reuse_port` is ignored.
// Call it before Threads::run(). Connections that come before a loop runs wait for it.
Result<std::vector<Listener>> listen(Threads& threads, std::string_view url, const ListenOptions& options = {});
Result<std::vector<Listener>> listen(Threads& threads, const Endpoint& endpoint, const ListenOptions& options = {});

// The same for UDP. The kernel gives all datagrams of one peer to the same socket.
Result<std::vector<UdpSocket>> bind_udp(Threads& threads, std::string_view url);
Result<std::vector<UdpSocket>> bind_udp(Threads& threads, const Endpoint& endpoint);

template <class State>
Result<void> Threads::run(Task<Result<void>> (*main)(Loop&, unsigned, State&), State& state) {
  using Main = Task<Result<void>> (*)(Loop&, unsigned, State&);
  return run_all(
      [](const void* function, Loop& loop, unsigned index, void* shared) {
        return (*static_cast<const Main*>(function))(loop, index, *static_cast<State*>(shared));
      },
      &main, &state);
}

}  // namespace parley
