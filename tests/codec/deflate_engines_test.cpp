// What compresses and inflates takes memory, and connections keep some of it.
#include "codec/deflate_engines.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "codec/deflating.h"
#include "codec/failing_new.h"

namespace parley::codec {
namespace {

// The first allocations fail one after the other, until all are granted: how many there are.
int allocations_of(const std::function<bool()>& done) {
  for (int count = 0;; ++count) {
    const FailingNew failing(count);
    if (done()) return count;
  }
}

TEST(DeflateEngines, no_memory_to_compress) {
  const auto allocations = [](int level, bool isal) {
    return allocations_of([&] {
      DeflateEngines engines(plenty, {.isal = isal, .libdeflate = isal});
      Deflater deflater(at_level(level), engines);
      TestOutput out;
      const Made made = deflater.compress(as_bytes(sample(100, 0)), Flush::message, out);
      EXPECT_EQ(out.size != 0, made == Made::bytes);
      return made == Made::bytes && deflater.memory_bytes() != 0;
    });
  };
  EXPECT_EQ(allocations(9, true), 7);  // the engine, zlib's state and its four tables; the window
  EXPECT_EQ(allocations(1, true), DeflateEngines::installed().isal ? 2 : 7);  // the engine; the window
  EXPECT_EQ(allocations(1, false), 7);
}

// What could not be kept is not referred to.
TEST(DeflateEngines, without_memory_for_the_window_each_message_is_by_itself) {
  Deflater deflater({}, test_engines());
  const std::string message = sample(2000, 1);
  const std::string first = compressed(deflater, message);
  deflater.forget();
  for (int i = 0; i < 3; ++i) {
    const FailingNew failing(0);
    EXPECT_EQ(compressed(deflater, message), first);
    EXPECT_EQ(deflater.memory_bytes(), 0u);
  }
  EXPECT_EQ(compressed(deflater, message), first);
  EXPECT_LT(compressed(deflater, message).size(), first.size() / 4);
}

TEST(DeflateEngines, no_memory_to_inflate) {
  for (const std::size_t bytes : {1000u, 60000u, 300'000u}) {
    Deflater deflater({}, test_engines());
    const std::string payload = compressed(deflater, sample(bytes, 1));
    EXPECT_GT(allocations_of([&] {
                DeflateEngines engines(plenty);
                Inflater inflater({}, engines);
                TestOutput out;
                Bytes all = as_bytes(payload);
                const Violation violation = inflater.inflate(all, true, out, SIZE_MAX);
                EXPECT_TRUE(violation == Violation::none || violation == Violation::no_memory);
                return violation == Violation::none;
              }),
              0);
  }
}

// A lent engine has a window of its own, which it makes for what the connection has kept.
TEST(DeflateEngines, no_memory_to_lend) {
  EXPECT_EQ(allocations_of([] {
              DeflateEngines engines(plenty);
              return engines.lend(as_bytes("window"), 15) != nullptr;
            }),
            3);  // the engine, zlib's state and its window
}

TEST(DeflateEngines, no_memory_for_the_output) {
  with_each([](DeflateEngines& engines) {
    for (const int level : {1, 9}) {
      const auto made = [&](std::size_t bytes, std::string_view message) {
        Deflater deflater(at_level(level), engines);
        TestOutput out;
        out.bytes_max = bytes;
        const Made result = deflater.compress(as_bytes(message), Flush::piece, out);
        EXPECT_TRUE(result == Made::bytes || out.size == 0);
        return result;
      };
      EXPECT_EQ(made(0, "Hello"), Made::no_memory);
      EXPECT_EQ(made(600, sample(1000, 2)), Made::no_memory);
      EXPECT_EQ(made(10'000, sample(1000, 2)), Made::bytes);
      Deflater deflater(at_level(level), engines);
      TestOutput out;
      EXPECT_EQ(deflater.compress({}, Flush::piece, out), Made::bytes);
      out.bytes_max = 0;
      EXPECT_EQ(deflater.compress({}, Flush::message, out), Made::no_memory);
    }
    Deflater deflater({}, engines);
    const std::string payload = compressed(deflater, sample(60000, 1));
    for (const std::size_t bytes : {0u, 20000u}) {
      Inflater inflater({}, engines);
      TestOutput out;
      out.bytes_max = bytes;
      Bytes all = as_bytes(payload);
      EXPECT_EQ(inflater.inflate(all, true, out, SIZE_MAX), Violation::no_memory);
    }
  });
}

TEST(DeflateEngines, what_a_connection_keeps_is_its_window) {
  for (std::uint8_t window_bits = 8; window_bits <= 15; ++window_bits) {
    const std::size_t window = std::size_t{1} << window_bits;
    Deflater deflater({.window_bits = window_bits, .level = 6}, test_engines());
    Deflater fast({.window_bits = window_bits, .level = 1}, test_engines());
    Inflater inflater({.window_bits = window_bits}, test_engines());
    EXPECT_EQ(deflater.memory_bytes() + inflater.memory_bytes(), 0u);
    compressed(fast, sample(40000, 1));
    const std::string payload = compressed(deflater, sample(40000, 1));
    Bytes half = as_bytes(payload).first(payload.size() / 2);
    TestOutput out;
    EXPECT_EQ(inflater.inflate(half, false, out, SIZE_MAX), Violation::none);
    EXPECT_GT(inflater.memory_bytes(), window + 7000);  // it holds an engine
    half = as_bytes(payload).subspan(payload.size() / 2);
    EXPECT_EQ(inflater.inflate(half, true, out, SIZE_MAX), Violation::none);
    EXPECT_EQ(inflater.memory_bytes(), window);
    EXPECT_EQ(deflater.memory_bytes(), window);
    EXPECT_EQ(fast.memory_bytes(), std::min<std::size_t>(window, 2048));
  }
}

// ---- Window

std::string kept(const Window& window) { return std::string(as_text(window.bytes())); }

TEST(Window, keeps_the_last_bytes) {
  DeflateEngines engines(plenty);
  Window window(engines, 300, Window::From::budget);
  std::string expected;
  for (const std::size_t bytes : {1u, 0u, 100u, 155u, 1u, 43u, 1u, 299u, 300u, 1000u, 2u, 0u}) {
    const std::string fresh = sample(bytes, 2);
    expected += fresh;
    expected.erase(0, expected.size() - std::min<std::size_t>(expected.size(), 300));
    EXPECT_TRUE(window.add(as_bytes(fresh)));
    EXPECT_EQ(kept(window), expected);
  }
  EXPECT_EQ(window.capacity(), 300u);
  window.forget();
  EXPECT_EQ(kept(window), "");
  EXPECT_EQ(window.capacity(), 0u);
}

TEST(Window, takes_of_the_budget_what_it_holds) {
  DeflateEngines engines(1000);
  {
    Window one(engines, 512, Window::From::budget);
    EXPECT_EQ(engines.windows_bytes(), 0u);
    EXPECT_TRUE(one.add(as_bytes(sample(1, 0))));
    EXPECT_EQ(engines.windows_bytes(), 256u);
    EXPECT_TRUE(one.add(as_bytes(sample(300, 0))));
    EXPECT_EQ(engines.windows_bytes(), 512u);
    Window reserves(engines, 400, Window::From::reserve);
    EXPECT_EQ(engines.windows_bytes(), 912u);
    EXPECT_TRUE(reserves.add(as_bytes(sample(400, 0))));
    EXPECT_EQ(engines.windows_bytes(), 912u);
    EXPECT_TRUE(engines.is_tight());
    EXPECT_FALSE(engines.has_room(89));
    EXPECT_TRUE(engines.has_room(88));

    Window late(engines, 512, Window::From::budget);
    EXPECT_FALSE(late.add(as_bytes(sample(10, 0))));
    EXPECT_EQ(kept(late), "");
    one.forget();
    EXPECT_FALSE(engines.is_tight());
    EXPECT_TRUE(late.add(as_bytes(sample(10, 0))));
    EXPECT_TRUE(late.add(as_bytes(sample(400, 0))));
    EXPECT_EQ(engines.windows_bytes(), 912u);

    Window beyond(engines, 5000, Window::From::reserve);  // an agreement is kept, whatever it costs
    EXPECT_TRUE(beyond.add(as_bytes(sample(5000, 0))));
    EXPECT_FALSE(engines.has_room(0));
  }
  EXPECT_EQ(engines.windows_bytes(), 0u);
}

TEST(Window, without_memory_it_is_empty) {
  for (const Window::From from : {Window::From::budget, Window::From::reserve}) {
    DeflateEngines engines(plenty);
    Window window(engines, 1000, from);
    EXPECT_TRUE(window.add(as_bytes(sample(100, 0))));
    {
      const FailingNew failing(0);
      EXPECT_FALSE(window.add(as_bytes(sample(500, 0))));
    }
    EXPECT_EQ(kept(window), "");
    EXPECT_EQ(engines.windows_bytes(), from == Window::From::reserve ? 1000u : 0u);
    EXPECT_TRUE(window.add(as_bytes(sample(500, 0))));
  }
}

}  // namespace
}  // namespace parley::codec
