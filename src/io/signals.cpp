#include <parley/signals.h>

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "io/core.h"

namespace parley {

using detail::Completion;
using detail::Context;
using detail::Core;

namespace detail {

class SignalCore final : public Source {
 public:
  SignalCore(Core& core, std::initializer_list<int> numbers) noexcept : core_(core) {
    reading = Reading::ready;
    sigemptyset(&numbers_);
    sigset_t before{};
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    sigemptyset(&blocked_);
    for (int number : numbers) {
      sigaddset(&numbers_, number);
      if (sigismember(&before, number) == 0) sigaddset(&blocked_, number);
    }
    pthread_sigmask(SIG_BLOCK, &numbers_, nullptr);
    if (!core_.driver || core_.driver->name() == "sim") return;
    descriptor = signalfd(-1, &numbers_, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) {
      failure_ = Error::from_errno(errno);
    } else if (auto attached = core_.driver->attach(*this); !attached) {
      failure_ = attached.error();
    }
  }

  ~SignalCore() {
    PARLEY_CHECK(!waiter_, "Signals was destroyed while a receive() of it waits");
    if (descriptor >= 0) {
      signalfd_siginfo unread{};  // what came in its time does not strike afterwards
      while (::read(descriptor, &unread, sizeof unread) == sizeof unread) continue;
      core_.driver->close(*this, false);
    }
    pthread_sigmask(SIG_UNBLOCK, &blocked_, nullptr);
  }

  bool wait(Context& context, std::coroutine_handle<> waiter) noexcept {
    if (waiter_ || failure_.code != Errc::none) {
      context.set(waiter_ ? Error{Errc::already, 0} : failure_);
      return false;
    }
    if (!context.wait(*this, waiter, Stop::receiving)) return false;
    waiter_ = &context;
    wanted = in_bit;
    if (descriptor >= 0 && !(armed & in_bit)) core_.driver->arm(*this);
    return true;
  }

  void completed(const Completion&) noexcept override {
    signalfd_siginfo info{};
    if (::read(descriptor, &info, sizeof info) != sizeof info) return;  // somebody else had it
    number_ = static_cast<int>(info.ssi_signo);
    wanted = 0;
    std::exchange(waiter_, nullptr)->resume();
  }

  void stop(Context& context, Stop, Errc reason) noexcept override {
    waiter_ = nullptr;
    wanted = 0;
    context.ready(Error{reason, 0});
  }

  int number() const noexcept { return number_; }

 private:
  Core& core_;
  Context* waiter_ = nullptr;
  Error failure_;
  int number_ = 0;
  sigset_t numbers_{};
  sigset_t blocked_{};  // by this, and not before
};

}  // namespace detail

Signals::Signals(Loop& loop, std::initializer_list<int> numbers)
    : core_(new detail::SignalCore(loop.core(), numbers)) {}  // owned: by this Signals

Signals::~Signals() { delete core_; }  // owned: by this Signals

bool Signals::Receive::wait(std::coroutine_handle<> waiter) noexcept { return core_->wait(*context_, waiter); }

Result<int> Signals::Receive::await_resume() const noexcept {
  if (context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
  return core_->number();
}

}  // namespace parley
