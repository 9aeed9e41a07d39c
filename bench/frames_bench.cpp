// Coroutine frames: the free list they come from beside the system's allocator, with as many bytes as the argument
// says; and what awaiting a task costs in all.
#include <benchmark/benchmark.h>
#include <parley/loop.h>
#include <parley/task.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using namespace parley;

constexpr std::size_t held = 64;  // frames that live at a time, as those of so many connections

template <auto allocate, auto release>
void frames(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::vector<void*> live(held);
  for (void*& frame : live) frame = allocate(bytes);
  std::size_t at = 0;
  for (auto _ : state) {
    release(live[at], bytes);
    live[at] = allocate(bytes);
    benchmark::DoNotOptimize(live[at]);
    at = (at + 1) % held;
  }
  for (void* frame : live) release(frame, bytes);
}

void* system_allocate(std::size_t bytes) { return std::malloc(bytes); }
void system_free(void* frame, std::size_t) noexcept { std::free(frame); }

void from_the_free_list(benchmark::State& state) { frames<detail::frame_allocate, detail::frame_free>(state); }
void from_malloc(benchmark::State& state) { frames<system_allocate, system_free>(state); }

BENCHMARK(from_the_free_list)->Arg(96)->Arg(160)->Arg(512);
BENCHMARK(from_malloc)->Arg(96)->Arg(160)->Arg(512);

[[gnu::noinline]] Task<int> answer(int value) { co_return value; }

Task<> ask(benchmark::State& state) {
  for (auto _ : state) {
    int value = co_await answer(1);
    benchmark::DoNotOptimize(value);
  }
}

void await_a_task(benchmark::State& state) {
  Loop loop;
  (void)loop.run(ask(state));
}

BENCHMARK(await_a_task);

}  // namespace
