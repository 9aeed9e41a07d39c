#include <parley/threads.h>

#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "io/thread.h"

namespace parley {

Threads::Threads(unsigned count, const LoopOptions& options) {
  PARLEY_CHECK(count > 0, "Threads of no loop at all");
  for (unsigned i = 0; i < count; ++i) loops_.emplace_back(options);
}

Threads::~Threads() = default;

void Threads::stop(Stop level) noexcept {
  stopped_ = true;
  for (Loop& loop : loops_) {
    loop.post([&loop, level] { loop.stop(level); });
  }
}

// How it ended: the first error, or the first exception.
class Threads::Run {
 public:
  Run(Threads& threads, Start start, const void* main, void* state) noexcept
      : threads_(threads), start_(start), main_(main), state_(state) {}

  void run_loop(unsigned index) noexcept {
    Result<void> outcome;
    std::exception_ptr exception;
    try {
      Loop& loop = threads_.loops_[index];
      outcome = loop.run(start_(main_, loop, index, state_));
    } catch (...) {
      exception = std::current_exception();
    }
    if (!outcome || exception) failed(outcome, std::move(exception));
  }

  void failed(Result<void> outcome, std::exception_ptr exception) noexcept {
    std::lock_guard lock(mutex_);
    if (!outcome_ || exception_) return;  // another one was first
    if (!exception && outcome.error() == Errc::cancelled && threads_.stopped_) return;
    outcome_ = std::move(outcome);
    exception_ = std::move(exception);
    threads_.stop();
  }

  Result<void> outcome() {
    if (exception_) std::rethrow_exception(std::move(exception_));
    return outcome_;
  }

 private:
  Threads& threads_;
  const Start start_;
  const void* const main_;
  void* const state_;
  std::mutex mutex_;
  Result<void> outcome_;
  std::exception_ptr exception_;
};

Result<void> Threads::run_all(Start start, const void* main, void* state) {
  Run run(*this, start, main, state);
  std::vector<std::thread> others;
  for (unsigned index = 1; index < size(); ++index) {
    auto thread = detail::start_thread([&run, index] { run.run_loop(index); });
    if (!thread) {
      run.failed(std::unexpected(thread.error()), nullptr);
      break;
    }
    others.push_back(std::move(*thread));
  }
  run.run_loop(0);
  for (std::thread& thread : others) thread.join();
  return run.outcome();
}

Result<void> Threads::run(Task<Result<void>> (*main)(Loop& loop, unsigned index)) {
  using Main = Task<Result<void>> (*)(Loop&, unsigned);
  return run_all([](const void* function, Loop& loop, unsigned index,
                    void*) { return (*static_cast<const Main*>(function))(loop, index); },
                 &main, nullptr);
}

namespace {

// open(loop, reuse_port) for the first loop, and join(loop, its address) for the others.
template <class Socket, class Open, class Join>
Result<std::vector<Socket>> on_each(Threads& threads, const Endpoint& endpoint, Open open, Join join) {
  if (endpoint.scheme == Scheme::tls || (threads.size() > 1 && endpoint.scheme == Scheme::local))
    return fail(Errc::invalid_argument);
  std::vector<Socket> sockets;
  for (unsigned index = 0; index < threads.size(); ++index) {
    Loop& loop = threads.loop(index);
    const ReusePort reuse_port = threads.size() > 1 ? ReusePort::first : ReusePort::no;
    Result<Socket> socket = index == 0 ? open(loop, reuse_port) : join(loop, sockets.front().local_address());
    if (!socket) return std::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace

Result<std::vector<Listener>> listen(Threads& threads, const Endpoint& endpoint, const ListenOptions& options) {
  const auto with = [&options](ReusePort reuse_port) {
    ListenOptions changed = options;
    changed.reuse_port = reuse_port;
    return changed;
  };
  return on_each<Listener>(
      threads, endpoint, [&](Loop& loop, ReusePort reuse_port) { return listen(loop, endpoint, with(reuse_port)); },
      [&](Loop& loop, const Address& address) { return listen(loop, address, with(ReusePort::join)); });
}

Result<std::vector<Listener>> listen(Threads& threads, std::string_view url, const ListenOptions& options) {
  const Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  return listen(threads, *endpoint, options);
}

Result<std::vector<UdpSocket>> bind_udp(Threads& threads, const Endpoint& endpoint) {
  return on_each<UdpSocket>(
      threads, endpoint,
      [&](Loop& loop, ReusePort reuse_port) { return UdpSocket::bind(loop, endpoint, {.reuse_port = reuse_port}); },
      [](Loop& loop, const Address& address) {
        return UdpSocket::bind(loop, address, {.reuse_port = ReusePort::join});
      });
}

Result<std::vector<UdpSocket>> bind_udp(Threads& threads, std::string_view url) {
  const Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  return bind_udp(threads, *endpoint);
}

}  // namespace parley
