#include "base/random.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace parley {
namespace {

TEST(StrongRandom, fills_every_byte_also_of_more_than_one_call_gives) {
  // Two fillings of 64 KiB: a byte that is never written would stay 0 in both, which an honest byte does once in
  // 65,536.
  std::vector<std::byte> first(65'536);
  std::vector<std::byte> second(65'536);
  ASSERT_TRUE(strong_random(first));
  ASSERT_TRUE(strong_random(second));
  EXPECT_NE(first, second);
  int both_zero = 0;
  for (std::size_t i = 0; i < first.size(); ++i) both_zero += first[i] == std::byte{0} && second[i] == std::byte{0};
  EXPECT_LT(both_zero, 20);
}

TEST(StrongRandom, nothing_to_fill_is_fine) { EXPECT_TRUE(strong_random({})); }

// The published algorithms, started from seed 0: the state is SplitMix64's known first outputs.
TEST(Random, gives_the_numbers_of_xoshiro256_seeded_by_split_mix) {
  Random random(0);
  EXPECT_EQ(random(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random(), 0xbf6e1f784956452au);
  EXPECT_EQ(random(), 0x1a5f849d4933e6e0u);
}

TEST(Random, one_seed_one_sequence) {
  Random a(42);
  Random b(42);
  Random other(43);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto number = a();
    ASSERT_EQ(number, b());
    equal += number == other();
  }
  EXPECT_EQ(equal, 0);
  Random copy = a;
  EXPECT_EQ(copy(), a());
}

TEST(Random, below_is_even) {
  Random random(1);
  std::array<int, 6> count{};
  constexpr int throws = 60'000;
  for (int i = 0; i < throws; ++i) ++count.at(random.below(count.size()));
  // Each is binomial with mean 10,000 and deviation 91; five deviations.
  for (const int n : count) EXPECT_NEAR(n, throws / 6, 5 * 91);
}

TEST(Random, fill_writes_every_byte_of_any_size) {
  for (std::size_t size = 0; size <= 17; ++size) {
    std::vector<std::byte> seen(size);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      std::vector<std::byte> bytes(size + 1);
      Random(seed).fill(std::span(bytes).first(size));
      for (std::size_t i = 0; i < size; ++i) seen[i] |= bytes[i];
      ASSERT_EQ(bytes[size], std::byte{0});
    }
    EXPECT_EQ(std::ranges::count(seen, std::byte{0}), 0);
  }
}

TEST(Random, chance_keeps_to_its_probability) {
  Random random(7);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(random.chance(0));
    ASSERT_FALSE(random.chance(-1));
    ASSERT_TRUE(random.chance(1));
    ASSERT_TRUE(random.chance(2));
    hits += random.chance(0.25);
  }
  EXPECT_NEAR(hits, 2500, 5 * 44);
}

TEST(Random, works_with_the_standard_library) {
  std::vector<int> numbers(100);
  for (int i = 0; i < 100; ++i) numbers[static_cast<std::size_t>(i)] = i;
  const auto sorted = numbers;
  Random random(3);
  std::ranges::shuffle(numbers, random);
  EXPECT_NE(numbers, sorted);
  EXPECT_TRUE(std::ranges::is_permutation(numbers, sorted));
}

TEST(RandomDeathTest, impossible_bounds_are_mistakes) {
  Random random(0);
  EXPECT_DEATH(random.below(0), "no number below 0");
  EXPECT_DEATH(random.between(2, 1), "last number is below the first");
}

RC_GTEST_PROP(RandomProperty, stays_in_its_bounds, (std::uint64_t seed, std::uint64_t a, std::uint64_t b)) {
  Random random(seed);
  const auto [first, last] = std::minmax(a, b);
  const auto number = random.between(first, last);
  RC_ASSERT(number >= first);
  RC_ASSERT(number <= last);
  RC_ASSERT(random.between(a, a) == a);
  if (b > 0) RC_ASSERT(random.below(b) < b);
}

TEST(Random, between_the_ends_of_the_type_is_any_number) {
  Random a(5);
  Random b(5);
  EXPECT_EQ(a.between(0, Random::max()), b());
}

}  // namespace
}  // namespace parley
