// Listener: accepts connections. serve(): a handler for each of them.
//
//   loop.run(parley::serve(loop, "tcp://127.0.0.1:9000", echo));
//
// Lifetime and threads: as for Stream. Closing a Listener leaves accepted streams alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include <parley/address.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/reuse_port.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/tls.h>

namespace parley {

struct ListenOptions {
  int backlog = 4096;                    // connections that may wait to be accepted; the kernel caps it (somaxconn)
  ReusePort reuse_port = ReusePort::no;  // several listeners, one a loop, share one port (threads.h)
  // Called when accepting pauses, with the reason, and with Errc::none when it has gone on for 1 s: once each, however
  // often it pauses in between. Inside the loop: it must not close the listener.
  void (*paused)(void* state, Error why) = nullptr;
  void* paused_state = nullptr;
};

namespace detail {
class ListenerCore;
}

class Listener {
 public:
  class Accept;

  Listener() noexcept = default;
  Listener(Listener&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Listener& operator=(Listener&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~Listener() { close(); }

  // The next connection. Waits; one accept() at a time (Errc::already). TCP_NODELAY is set on what it accepts.
  // When descriptors or memory run out it pauses and tries again when one is closed, or after 100 ms: that is no error,
  // the connections wait in the kernel's backlog. pauses() counts it, and ListenOptions::paused is told.
  // Cancelling, and Stop::receiving: no connection is lost; the next accept() has it.
  Accept accept() noexcept;

  void close() noexcept;

  Address local_address() const noexcept;
  std::size_t pauses() const noexcept;
  bool is_open() const noexcept { return core_ != nullptr; }
  explicit operator bool() const noexcept { return is_open(); }

  explicit Listener(detail::ListenerCore& core) noexcept : core_(&core) {}

 private:
  detail::ListenerCore* core_ = nullptr;
};

// Listens on an address: TCP (SO_REUSEADDR is set; port 0: any free one) or Unix-domain. Errors: address_in_use,
// permission_denied, address_unavailable, descriptors_exhausted.
Result<Listener> listen(Loop& loop, const Address& address, const ListenOptions& options = {});

// Listens at an endpoint; of a range of ports, at the first that is free. The host must be a number, or empty for every
// address of this machine.
Result<Listener> listen(Loop& loop, const Endpoint& endpoint, const ListenOptions& options = {});
Result<Listener> listen(Loop& loop, std::string_view url, const ListenOptions& options = {});

// What runs for each connection: a function, or a lambda without captures, of a Stream, and perhaps of a State& that
// serve() was given and that outlives it. A lambda with captures does not compile: the coroutine would outlive it.
class Handler {
 public:
  template <std::convertible_to<Task<> (*)(Stream)> F>
  Handler(F function) noexcept  // NOLINT: meant to convert
      : Handler(static_cast<Task<> (*)(Stream)>(function)) {}
  Handler(Task<> (*function)(Stream)) noexcept  // NOLINT
      : function_(reinterpret_cast<void (*)()>(function)), call_([](const Handler& self, Stream peer) {
          return reinterpret_cast<Task<> (*)(Stream)>(self.function_)(std::move(peer));
        }) {}
  template <class State, std::convertible_to<Task<> (*)(Stream, State&)> F>
  Handler(F function, State& state) noexcept
      : function_(reinterpret_cast<void (*)()>(static_cast<Task<> (*)(Stream, State&)>(function))),
        state_(&state),
        call_([](const Handler& self, Stream peer) {
          return reinterpret_cast<Task<> (*)(Stream, State&)>(self.function_)(std::move(peer),
                                                                              *static_cast<State*>(self.state_));
        }) {}

  Task<> operator()(Stream peer) const { return call_(*this, std::move(peer)); }

 private:
  void (*function_)();
  void* state_ = nullptr;
  Task<> (*call_)(const Handler&, Stream);
};

struct ServeOptions {
  std::size_t connections_max = 0;  // more wait in the kernel's backlog; 0: as many as there are descriptors
  unsigned drain_seconds = 5;       // how long handlers may go on when serve() is stopped
  tls::Server tls = {};             // each connection shakes hands with it first; needed for "tls:", and not for "tcp:"
  ListenOptions listen = {};
  // Called with what a handler threw. That connection is closed; all others go on. Without it the exception is dropped.
  void (*thrown)(std::exception_ptr exception) = nullptr;
};

// Accepts, and runs `handler` for each connection, until stopped. Then it stops accepting, lets the handlers finish
// what has arrived (Stop::receiving), after drain_seconds stops them wholly (Stop::all), and ends when the last one
// has. Being stopped is its orderly end, not an error. Errors: those of listen(); errors of connections are the
// handler's.
Task<Result<void>> serve(Loop& loop, Listener listener, Handler handler, ServeOptions options = {});
Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, ServeOptions options = {});

class [[nodiscard]] Listener::Accept {
 public:
  using operation = void;
  explicit Accept(detail::ListenerCore* core) noexcept : core_(core) {}
  bool await_ready() const noexcept { return core_ == nullptr; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<Stream> await_resume() noexcept;

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  detail::ListenerCore* core_;
  detail::Context* context_ = nullptr;
};

inline Listener::Accept Listener::accept() noexcept { return Accept(core_); }

}  // namespace parley
