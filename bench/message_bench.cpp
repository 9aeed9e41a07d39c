// What one echoed message costs in user space: the loop, a stream and a coroutine over a driver whose network is this
// file, so that no system call hides it. --bytes of a message are the benchmark's argument.
//
// "pulled" is what the library does: the loop takes one completion and runs it. The two others are what it could do
// instead: "called back" runs the handler from inside the driver, "queued" receives for all connections first and runs
// the handlers then, for which each needs a buffer.
#include <benchmark/benchmark.h>
#include <parley/stream.h>
#include <parley/task.h>

#include <cstring>
#include <memory>
#include <vector>

#include "io/core.h"
#include "transport/kernel_stream.h"

namespace {

using namespace parley;
using namespace parley::detail;

constexpr int connection_count = 64;

// A network in which every source has a message to read, always, and room to send.
class Network final : public Driver {
 public:
  explicit Network(std::size_t bytes) : message_(bytes, std::byte{'x'}), taken_(bytes) {}

  std::vector<Source*> sources;
  bool parked = false;  // every task waits for its first message

  // Receives for a source, as a real driver does.
  Completion receive_lent(Source& source) {
    Buffer* buffer = source.in ? source.in : buffers->lend();
    std::memcpy(buffer->data() + buffer->end, message_.data(), message_.size());
    buffer->end += static_cast<std::uint32_t>(message_.size());
    source.in = buffer;
    return {&source, static_cast<std::int32_t>(message_.size()), Done::received};
  }

  bool next(Completion& completion, Time) override {
    if (!parked) {
      parked = true;
      return false;
    }
    completion = receive_lent(*sources[at_]);
    at_ = (at_ + 1) % sources.size();
    return true;
  }
  std::ptrdiff_t send(Source&, Bytes bytes) noexcept override {
    std::memcpy(taken_.data(), bytes.data(), bytes.size());
    return static_cast<std::ptrdiff_t>(bytes.size());
  }
  Result<void> attach(Source& source) override {
    source.armed = source.wanted;
    sources.push_back(&source);
    return {};
  }
  std::string_view name() const noexcept override { return "memory"; }
  Time now() noexcept override { return 0; }
  std::ptrdiff_t receive(Source&, std::span<std::byte>) noexcept override { return 0; }

  // What an echo server in its steady state does not ask for.
  Result<int> listen(const Address&, int, ReusePort) override { return fail(Errc::unsupported); }
  Result<int> connect(const Address&, const Address&) override { return fail(Errc::unsupported); }
  Result<int> bind_datagram(const Address&, ReusePort) override { return fail(Errc::unsupported); }
  Result<int> connect_datagram(const Address&) override { return fail(Errc::unsupported); }
  Result<Address> local_address(int) override { return fail(Errc::unsupported); }
  Result<Address> peer_address(int) override { return fail(Errc::unsupported); }
  Result<void> outcome(int) override { return {}; }
  Result<void> shutdown(int) override { return {}; }
  void close_descriptor(int) override {}
  void release(Source&) override {}
  void close(Source&, bool) override {}
  void arm(Source&) override {}
  std::ptrdiff_t send(Source&, std::span<const Bytes>) noexcept override { return 0; }
  std::ptrdiff_t send(Source&, std::span<const Datagram>) noexcept override { return 0; }
  std::ptrdiff_t receive(Source&, std::span<Datagram>) noexcept override { return 0; }
  const Address& accepted_address() const noexcept override { return nobody_; }
  void wake() noexcept override {}

 private:
  std::vector<std::byte> message_;
  std::vector<std::byte> taken_;
  std::size_t at_ = 0;
  Address nobody_;
};

Task<> echo(Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    co_await peer.send(*bytes);
  }
}

// The tasks of a server, each waiting for its first message.
class Server final : private Home {
 public:
  explicit Server(std::size_t bytes) : Server(std::make_unique<Network>(bytes)) {}
  ~Server() {
    for (auto& context : contexts_) context->stop(Stop::all);
    network_->parked = false;
    (void)core_.run(network_->parked);
  }

  Core& loop() noexcept { return core_; }
  Network& network() noexcept { return *network_; }

 private:
  explicit Server(std::unique_ptr<Network> network)
      : Home(core_), network_(network.get()), core_(std::move(network), LoopOptions{}) {
    for (int i = 0; i < connection_count; ++i) {
      contexts_.push_back(std::make_unique<Context>(static_cast<Home&>(*this)));
      auto frame = echo(std::move(*KernelStream::make(core_, i))).release();
      frame.promise().context = contexts_.back().get();
      contexts_.back()->start(frame);
    }
    (void)core_.run(network_->parked);
  }
  void finished(Context&, std::coroutine_handle<> root) noexcept override { root.destroy(); }

  Network* network_;
  Core core_;
  std::vector<std::unique_ptr<Context>> contexts_;
};

void run(Core& loop, const Completion& completion) {
  completion.source->completed(completion);
  loop.flush_cork();
}

void pulled(benchmark::State& state) {
  Server server(static_cast<std::size_t>(state.range(0)));
  Driver& driver = server.network();
  Completion completion{};
  for (auto _ : state) {
    for (int i = 0; i < connection_count; ++i) {
      driver.next(completion, never);
      run(server.loop(), completion);
    }
  }
  state.SetItemsProcessed(state.iterations() * connection_count);
}

void called_back(benchmark::State& state) {
  Server server(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (Source* source : server.network().sources) run(server.loop(), server.network().receive_lent(*source));
  }
  state.SetItemsProcessed(state.iterations() * connection_count);
}

void queued(benchmark::State& state) {
  Server server(static_cast<std::size_t>(state.range(0)));
  std::vector<Completion> queue;
  for (auto _ : state) {
    for (Source* source : server.network().sources) queue.push_back(server.network().receive_lent(*source));
    for (const Completion& completion : queue) run(server.loop(), completion);
    queue.clear();
  }
  state.SetItemsProcessed(state.iterations() * connection_count);
}

// The two copies that stand for the kernel's, alone: what the others contain besides the library.
void copies_alone(benchmark::State& state) {
  Network network(static_cast<std::size_t>(state.range(0)));
  BufferPool buffers({});
  Buffer* buffer = buffers.lend();
  network.buffers = &buffers;
  for (auto _ : state) {
    for (int i = 0; i < connection_count; ++i) {
      struct Plain final : Source {
        void completed(const Completion&) noexcept override {}
        void stop(Context&, Stop, Errc) noexcept override {}
      } source;
      source.in = buffer;
      buffer->begin = buffer->end = 0;
      network.receive_lent(source);
      benchmark::DoNotOptimize(network.send(source, buffer->unread()));
    }
  }
  buffers.give_back(buffer);
  state.SetItemsProcessed(state.iterations() * connection_count);
}

void sizes(benchmark::internal::Benchmark* bench) { bench->Arg(64)->Arg(1024)->Arg(65536); }

BENCHMARK(pulled)->Apply(sizes);
BENCHMARK(called_back)->Apply(sizes);
BENCHMARK(queued)->Apply(sizes);
BENCHMARK(copies_alone)->Apply(sizes);

}  // namespace
