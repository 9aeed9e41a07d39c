// The handlers of a server: a group of which one may fail without the others, and which drains.
#pragma once

#include <exception>
#include <utility>

#include <parley/loop.h>
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

  // Lets the handlers finish what has arrived, after `seconds` stops them wholly, and waits for the last of them.
  Task<> drain(unsigned seconds);

 protected:
  void thrown(std::exception_ptr exception) noexcept override;

 private:
  Loop& loop_;
  void (*report_)(std::exception_ptr);
};

}  // namespace parley
