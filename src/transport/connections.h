// The handlers of a server: a group of which one may fail without the others, and which drains.
#pragma once

#include <cstddef>
#include <exception>
#include <utility>

#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/stream.h>
#include <parley/task.h>

namespace parley {

class Connections final : public TaskGroup {
 public:
  // `report` is called with what a handler threw; null: it is dropped.
  Connections(Loop& loop, void (*report)(std::exception_ptr)) noexcept
      : TaskGroup(loop), loop_(loop), report_(report) {}

  // Runs a handler. It need not be a coroutine, so it may throw before there is a task.
  template <class Handler, class Peer>
  void serve(const Handler& handler, Peer peer) noexcept {
    try {
      spawn(handler(std::move(peer)));
    } catch (...) {
      thrown(std::current_exception());
    }
  }

  // Accepts, and gives each connection to `begin`, while there are fewer than `connections_max` of them (0: no limit),
  // until it is stopped; then it drains. Being stopped is its orderly end.
  template <class Begin>
  Task<Result<void>> accept_all(Listener listener, std::size_t connections_max, unsigned drain_seconds, Begin begin) {
    Result<void> outcome;
    for (;;) {
      if (connections_max != 0) {
        Result<void> room = co_await at_most(connections_max - 1);
        if (!room) break;
      }
      Result<Stream> peer = co_await listener.accept();
      if (!peer) {
        if (peer.error() != Errc::cancelled) outcome = std::unexpected(peer.error());
        break;
      }
      begin(std::move(*peer));
    }
    listener.close();
    co_await drain(drain_seconds);
    co_return outcome;
  }

  // Lets the handlers finish what has arrived, after `seconds` stops them wholly, and waits for the last of them.
  Task<> drain(unsigned seconds);

 protected:
  void thrown(std::exception_ptr exception) noexcept override;

 private:
  Loop& loop_;
  void (*report_)(std::exception_ptr);
};

}  // namespace parley
