// permessage-deflate of JSON: what a message takes, and what it becomes. The arguments: its size, the level, the
// window, and how many connections take turns, which is what makes each find its window cold.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "codec/deflate.h"
#include "json.h"

namespace {

using namespace parley;
using namespace parley::codec;

constexpr std::size_t message_count = 4096;
constexpr std::size_t budget = std::size_t{1} << 30;

struct Text final : Output {
  bool grow(std::size_t bytes) noexcept override {
    memory.resize(bytes);
    data = memory.data();
    capacity = bytes;
    return true;
  }
  std::vector<std::byte> memory;
};

struct Traffic {
  explicit Traffic(const benchmark::State& state)
      : settings{.window_bits = static_cast<std::uint8_t>(state.range(2)),
                 .keeps_context = state.range(2) != 0,
                 .level = static_cast<std::uint8_t>(state.range(1))},
        connections(static_cast<std::size_t>(state.range(3))) {
    if (!settings.keeps_context) settings.window_bits = 12;
    bench::JsonMessages source(42);
    for (std::size_t i = 0; i < message_count; ++i)
      messages.push_back(source.next(static_cast<std::size_t>(state.range(0))));
  }

  DeflateSettings settings;
  std::size_t connections;
  std::vector<std::string> messages;
  DeflateEngines engines{budget};
};

void deflate(benchmark::State& state) {
  Traffic traffic(state);
  std::vector<std::unique_ptr<Deflater>> deflaters;
  for (std::size_t i = 0; i < traffic.connections; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(traffic.settings, traffic.engines));
  }
  Text out;
  out.grow(64 * 1024);
  std::size_t at = 0;
  std::size_t bytes = 0;
  std::size_t made = 0;
  for (auto _ : state) {
    const std::string& message = traffic.messages[at % message_count];
    out.size = 0;
    benchmark::DoNotOptimize(
        deflaters[at++ % deflaters.size()]->compress(as_bytes(message), Deflater::Flush::message, out));
    bytes += message.size();
    made += out.size != 0 ? out.size : message.size();
  }
  state.counters["percent"] = 100.0 * static_cast<double>(made) / static_cast<double>(bytes);
  state.counters["kept"] = static_cast<double>(deflaters.front()->memory_bytes());
}

// What a peer has compressed with `level`, for each connection in turn, ahead of the time that is measured.
void inflate(benchmark::State& state) {
  Traffic traffic(state);
  std::vector<std::unique_ptr<Deflater>> deflaters;
  std::vector<std::unique_ptr<Inflater>> inflaters;
  for (std::size_t i = 0; i < traffic.connections; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(traffic.settings, traffic.engines));
    inflaters.push_back(std::make_unique<Inflater>(traffic.settings, traffic.engines));
  }
  std::vector<Text> payloads(std::max<std::size_t>(traffic.connections, 64));
  Text out;
  out.grow(64 * 1024);
  std::size_t at = 0;
  const auto prepare = [&] {
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      payloads[i].size = 0;
      const Bytes message = as_bytes(traffic.messages[(at + i) % message_count]);
      deflaters[(at + i) % deflaters.size()]->compress(message, Deflater::Flush::message, payloads[i]);
    }
  };
  for (auto _ : state) {
    if (at % payloads.size() == 0) {
      state.PauseTiming();
      prepare();
      state.ResumeTiming();
    }
    const Text& payload = payloads[at % payloads.size()];
    Bytes bytes(payload.data, payload.size);
    out.size = 0;
    benchmark::DoNotOptimize(inflaters[at++ % inflaters.size()]->inflate(bytes, true, out, SIZE_MAX));
  }
  state.counters["kept"] = static_cast<double>(inflaters.front()->memory_bytes());
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"bytes", "level", "window", "connections"});
  for (const std::int64_t connections : {1, 1000}) {
    for (const std::int64_t bytes : {128, 1024, 4096, 16'384}) {
      for (const std::int64_t level : {1, 6, 9}) benchmark->Args({bytes, level, 12, connections});
    }
  }
  for (const std::int64_t window : {0, 9, 10, 11, 13, 15}) {
    for (const std::int64_t level : {1, 6, 9}) benchmark->Args({1024, level, window, 1000});
  }
}

BENCHMARK(deflate)->Apply(arguments);
BENCHMARK(inflate)->Apply(arguments);

}  // namespace
