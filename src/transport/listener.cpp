#include <parley/listener.h>

#include <cerrno>
#include <new>

#include "base/check.h"
#include "transport/kernel_stream.h"
#include "transport/ports.h"

namespace parley {

using detail::Completion;
using detail::Context;
using detail::Core;

namespace detail {

class ListenerCore final : public Source, private Starved, private Timer {
 public:
  static constexpr auto pause_time = std::chrono::milliseconds(100);
  // Without a further pause for so long, the pause is over: where descriptors stay short, each that is closed lets one
  // connection in, and nobody wants to be told of each.
  static constexpr auto calm_time = std::chrono::seconds(1);

  ListenerCore(Core& core, int fd, const ListenOptions& options) noexcept
      : Timer(&ListenerCore::time_over), core_(core), told_(options.paused), told_state_(options.paused_state) {
    descriptor = fd;
    reading = Reading::accept;
  }

  void destroy() noexcept {
    PARLEY_CHECK(!acceptor_, "a Listener was closed while an accept() of it waits");
    unlist();
    cancel(core_, *this);
    core_.driver->close(*this, false);
    core_.descriptor_freed();
    delete this;  // owned: by the Listener that is being closed
  }

  bool wait(Context& context, std::coroutine_handle<> waiter) noexcept {
    if (acceptor_) {
      context.set(Error{Errc::already, 0});
      return false;
    }
    if (!context.wait(*this, waiter, Stop::receiving)) return false;
    acceptor_ = &context;
    if (!is_listed()) want();
    return true;
  }

  void completed(const Completion& completion) noexcept override {
    wanted = 0;
    if (completion.result < 0) {
      const Error error = Error::from_errno(-completion.result);
      if (error == Errc::descriptors_exhausted || error == Errc::memory_exhausted) return pause(error);
      return std::exchange(acceptor_, nullptr)->resume(error);
    }
    accepted_descriptor_ = completion.result;
    core_.accepted = nullptr;  // whose peer is driver->accepted_address() no more
    if (is_paused_) [[unlikely]]
      wait_for(calm_time);
    std::exchange(acceptor_, nullptr)->resume();
  }

  Result<Stream> take() { return KernelStream::make(core_, std::exchange(accepted_descriptor_, -1), true); }

  void stop(Context& context, Stop, Errc reason) noexcept override {
    acceptor_ = nullptr;
    wanted = 0;
    context.ready(Error{reason, 0});
  }

  Address local_address() const noexcept { return core_.driver->local_address(descriptor).value_or(Address{}); }
  std::size_t pauses() const noexcept { return pauses_; }

 private:
  ~ListenerCore() = default;

  void want() noexcept {
    wanted = in_bit;
    if (!(armed & in_bit)) core_.driver->arm(*this);
  }

  void pause(Error why) noexcept {
    if (!std::exchange(is_paused_, true)) {
      pauses_ += 1;
      if (told_) told_(told_state_, why);
    }
    core_.starved.push_front(*this);
    wait_for(pause_time);
  }
  void wait_for(Duration time) noexcept {
    cancel(core_, *this);
    start(core_, *this, time);
  }
  static void time_over(Timer& timer) noexcept {
    auto& listener = static_cast<ListenerCore&>(timer);
    listener.is_listed() ? listener.try_again() : listener.is_calm();
  }
  void try_again() noexcept override {
    unlist();
    cancel(core_, *this);
    if (acceptor_) want();
  }
  void is_calm() noexcept {
    is_paused_ = false;
    if (told_) told_(told_state_, Error{});
  }

  Core& core_;
  Context* acceptor_ = nullptr;
  int accepted_descriptor_ = -1;
  void (*told_)(void* state, Error why);
  void* told_state_;
  std::size_t pauses_ = 0;
  bool is_paused_ = false;
};

}  // namespace detail

bool Listener::Accept::wait(std::coroutine_handle<> waiter) noexcept { return core_->wait(*context_, waiter); }

Result<Stream> Listener::Accept::await_resume() noexcept {
  if (!core_) return fail(Errc::closed);
  if (context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
  return core_->take();
}

void Listener::close() noexcept {
  if (auto* core = std::exchange(core_, nullptr)) core->destroy();
}

Address Listener::local_address() const noexcept { return core_ ? core_->local_address() : Address{}; }
std::size_t Listener::pauses() const noexcept { return core_ ? core_->pauses() : 0; }

Result<Listener> listen(Loop& loop, const Address& address, const ListenOptions& options) {
  Core& core = loop.core();
  if (!core.driver) return std::unexpected(core.failure());
  Result<int> descriptor = core.driver->listen(address, options.backlog, options.reuse_port);
  if (!descriptor) return std::unexpected(descriptor.error());
  auto* listener = new detail::ListenerCore(core, *descriptor, options);  // owned: by the Listener
  Listener owner(*listener);
  if (auto attached = core.driver->attach(*listener); !attached) return std::unexpected(attached.error());
  return owner;
}

Result<Listener> listen(Loop& loop, const Endpoint& endpoint, const ListenOptions& options) {
  if (endpoint.scheme == Scheme::udp || endpoint.scheme == Scheme::tls) return fail(Errc::invalid_argument);
  return detail::first_free(endpoint, [&](const Address& address) { return listen(loop, address, options); });
}

Result<Listener> listen(Loop& loop, std::string_view url, const ListenOptions& options) {
  Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  return listen(loop, *endpoint, options);
}

}  // namespace parley
