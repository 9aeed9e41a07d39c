// zlib alone: every level, and the limit of the window.
#include <gtest/gtest.h>

#include "codec/deflating.h"

namespace parley::codec {
namespace {

TEST(DeflateZlib, a_higher_level_makes_less_of_it) {
  DeflateEngines engines(plenty, {.isal = false, .libdeflate = false});
  const std::string message = sample(20'000, 1);
  std::size_t before = SIZE_MAX;
  for (const int level : {0, 1, 6, 9}) {
    Deflater deflater(at_level(level), engines);
    const std::size_t bytes = compressed(deflater, std::vector{message}).size();
    EXPECT_LE(bytes, before);
    before = bytes;
  }
  EXPECT_LT(before, message.size() / 4);
}

// One engine serves all levels of a window.
TEST(DeflateZlib, levels_in_turn) {
  DeflateEngines engines(plenty, {.isal = false, .libdeflate = false});
  const std::string message = sample(20'000, 1);
  Deflater first({.level = 9}, engines);
  const std::string expected = compressed(first, message);
  for (const int level : {1, 0, 9, 6, 9}) {
    Deflater deflater(at_level(level), engines);
    const std::string payload = compressed(deflater, message);
    EXPECT_EQ(payload == expected, level == 9);
  }
}

}  // namespace
}  // namespace parley::codec
