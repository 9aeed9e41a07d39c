// The loop's timers, with as many pending as the argument says: what a receive within a time limit adds, and what a
// limit that is reached costs.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "io/timers.h"

namespace {

using namespace parley::detail;

struct Pending {
  explicit Pending(std::int64_t count) : timers(static_cast<std::size_t>(count), Timer(nullptr)) {
    for (Timer& timer : timers) heap.add(timer, due());
  }
  Time due() { return static_cast<Time>(random.below(1'000'000'000)); }

  parley::Random random{1};
  std::vector<Timer> timers;
  Timers heap;
};

// The usual life of a limit: it is set and cancelled, in the order of time.
void set_and_cancel(benchmark::State& state) {
  Pending pending(state.range(0));
  Timer timer(nullptr);
  Time now = 1'000'000'000;
  for (auto _ : state) {
    pending.heap.add(timer, ++now);
    pending.heap.remove(timer);
  }
}

// A connection's limit is renewed: the same timer, later.
void renew(benchmark::State& state) {
  Pending pending(state.range(0));
  std::size_t at = 0;
  Time now = 1'000'000'000;
  for (auto _ : state) {
    Timer& timer = pending.timers[at];
    pending.heap.remove(timer);
    pending.heap.add(timer, ++now);
    at = (at + 1) % pending.timers.size();
  }
}

// The earliest is over, and another one is set.
void fire(benchmark::State& state) {
  Pending pending(state.range(0));
  for (auto _ : state) {
    Timer* timer = pending.heap.take_due(never);
    pending.heap.add(*timer, timer->due + pending.due());
  }
}

void counts(benchmark::internal::Benchmark* bench) { bench->Arg(1)->Arg(1'000)->Arg(100'000); }

BENCHMARK(set_and_cancel)->Apply(counts);
BENCHMARK(renew)->Apply(counts);
BENCHMARK(fire)->Apply(counts);

}  // namespace
