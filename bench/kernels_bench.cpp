// Masking and checking UTF-8, with each kernel that this processor can run, and through the doors that sessions use.
// The argument is the bytes of a message. docs/performance.md has the figures and what they are compared with.
#include <benchmark/benchmark.h>
#include <parley/bytes.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "codec/kernels/kernels.h"
#include "codec/utf8.h"

namespace {

using namespace parley;
using namespace parley::codec;

constexpr std::size_t head_bytes = 6;  // of a client's frame: what lies behind it is not aligned

enum class Text { ascii, cyrillic, mixed };

std::string text(Text kind, std::size_t bytes) {
  constexpr const char* mixed[] = {"a", "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80"};
  Random random(1);
  std::string out;
  while (out.size() < bytes) {
    const std::string next = kind == Text::ascii      ? std::string(1, static_cast<char>('a' + random.below(26)))
                             : kind == Text::cyrillic ? std::string("\xD0") + static_cast<char>(0xB0 + random.below(16))
                                                      : mixed[random.below(4)];
    if (out.size() + next.size() > bytes) {
      out.resize(bytes, 'x');
    } else {
      out += next;
    }
  }
  return out;
}

struct Place {
  explicit Place(const std::string& from) : memory(head_bytes + from.size() + 64) {
    std::copy(from.begin(), from.end(), reinterpret_cast<char*>(memory.data()) + head_bytes);
  }
  std::byte* at() { return memory.data() + head_bytes; }
  std::vector<std::byte> memory;
};

void mask_bytes(benchmark::State& state, const Kernels* kernels) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Place place(text(Text::ascii, bytes));
  MaskKey key = 0x3d21fa37;
  for (auto _ : state) {
    kernels->mask(place.at(), bytes, ++key);
    benchmark::ClobberMemory();
  }
}

void check_text(benchmark::State& state, const Kernels* kernels, Text kind) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Place place(text(kind, bytes));
  for (auto _ : state) {
    if (!kernels->is_utf8(place.at(), bytes)) std::abort();
  }
}

// A key of zero costs what any other does, and leaves the text right.
void mask_and_check(benchmark::State& state, const Kernels* kernels, Text kind) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Place place(text(kind, bytes));
  volatile MaskKey key = 0;
  for (auto _ : state) {
    if (!kernels->mask_is_utf8(place.at(), bytes, key)) std::abort();
  }
}

void feed_masked(benchmark::State& state, Text kind) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Place place(text(kind, bytes));
  volatile MaskKey key = 0;
  for (auto _ : state) {
    Utf8 utf8;
    if (!utf8.feed_masked(std::span(place.at(), bytes), key) || !utf8.is_whole()) std::abort();
  }
}

template <class Function, class... Arguments>
void add(const std::string& name, Function function, Arguments... arguments) {
  auto* made =
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { function(state, arguments...); });
  for (const int bytes : {16, 64, 1024, 16384, 65536, 1 << 20}) made->Arg(bytes);
}

[[maybe_unused]] const bool added = [] {
  for (const Kernels* kernels : runnable_kernels()) {
    const std::string name = kernels->name;
    add("mask/" + name, mask_bytes, kernels);
    add("utf8/ascii/" + name, check_text, kernels, Text::ascii);
    add("utf8/cyrillic/" + name, check_text, kernels, Text::cyrillic);
    add("utf8/mixed/" + name, check_text, kernels, Text::mixed);
    add("both/ascii/" + name, mask_and_check, kernels, Text::ascii);
    add("both/mixed/" + name, mask_and_check, kernels, Text::mixed);
  }
  add("feed_masked/ascii", feed_masked, Text::ascii);
  add("feed_masked/mixed", feed_masked, Text::mixed);
  return true;
}();

}  // namespace
