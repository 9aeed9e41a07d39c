#include "base/slab.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace parley {
namespace {

struct Thing {
  std::uint64_t number;
  std::array<std::byte, 40> rest;
};

Thing* make(Slab<Thing>& slab, std::uint64_t number) { return new (slab.take()) Thing{number, {}}; }

std::multiset<std::uint64_t> visited(Slab<Thing>& slab) {
  std::multiset<std::uint64_t> numbers;
  slab.for_each([&](Thing& thing) { numbers.insert(thing.number); });
  return numbers;
}

TEST(Slab, starts_empty) {
  Slab<Thing> slab;
  EXPECT_TRUE(slab.empty());
  EXPECT_TRUE(visited(slab).empty());
}

RC_GTEST_PROP(SlabProperty, visits_what_is_taken_and_not_what_is_given_back,
              (const std::vector<std::uint16_t>& steps)) {
  Slab<Thing> slab;
  std::vector<Thing*> things;
  std::multiset<std::uint64_t> expected;
  for (const std::uint16_t step : steps) {
    if (step % 3 == 0 && !things.empty()) {
      std::swap(things[step % things.size()], things.back());
      expected.erase(expected.find(things.back()->number));
      slab.give_back(things.back());
      things.pop_back();
    } else {
      things.push_back(make(slab, step));
      expected.insert(step);
    }
  }
  RC_ASSERT(slab.size() == things.size());
  RC_ASSERT(visited(slab) == expected);
}

// More than a chunk of 64 blocks holds; the second time in places that were given back.
TEST(Slab, has_room_for_many_and_takes_places_again) {
  constexpr std::uint64_t count = 12'000;
  Slab<Thing> slab;
  std::set<Thing*> places;
  for (int round = 0; round < 2; ++round) {
    std::vector<Thing*> things;
    for (std::uint64_t i = 0; i < count; ++i) things.push_back(make(slab, i));
    EXPECT_EQ(slab.size(), count);
    places.insert(things.begin(), things.end());
    const auto numbers = visited(slab);
    EXPECT_EQ(numbers.size(), count);
    EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), count);
    for (std::uint64_t i = 0; i < count; ++i) slab.give_back(things[(i * 7919) % count]);
    EXPECT_TRUE(slab.empty());
  }
  EXPECT_EQ(places.size(), count);
}

TEST(Slab, whoever_is_visited_may_end_and_so_may_others) {
  Slab<Thing> slab;
  std::vector<Thing*> things;
  for (std::uint64_t i = 0; i < 300; ++i) things.push_back(make(slab, i));
  std::set<std::uint64_t> seen;
  slab.for_each([&](Thing& thing) {
    const std::uint64_t number = thing.number;
    seen.insert(number);
    slab.give_back(&thing);
    things[number] = nullptr;
    if (number + 1 < things.size()) slab.give_back(std::exchange(things[number + 1], nullptr));
  });
  EXPECT_TRUE(slab.empty());
  EXPECT_EQ(seen.size(), 150u);
}

struct alignas(32) Wide {
  std::array<std::byte, 96> bytes;
};

TEST(Slab, aligns_as_the_type_says) {
  Slab<Wide> slab;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slab.take()) % alignof(Wide), 0u);
}

}  // namespace
}  // namespace parley
