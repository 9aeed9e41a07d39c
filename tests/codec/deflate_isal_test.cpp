// ISA-L: what zlib reads of it, and where it changes from one kind of codes to the other.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "codec/deflating.h"

namespace parley::codec {
namespace {

// 01: a block with the static codes; 10: one with codes of its own (RFC 1951, 3.2.3).
unsigned kind_of_block(const std::string& payload) { return static_cast<unsigned char>(payload.front()) / 2 % 4; }

TEST(DeflateIsal, codes_of_its_own_for_what_is_longer) {
  if (!DeflateEngines::installed().isal) GTEST_SKIP();
  const auto kind = [](std::size_t bytes, int level) {
    Deflater deflater(at_level(level), test_engines());
    return kind_of_block(compressed(deflater, sample(bytes, 1)));
  };
  for (const int level : {1, 3}) {
    EXPECT_EQ(kind(4095, level), 1u);
    EXPECT_EQ(kind(8192, level), 2u);
  }
  for (const int level : {4, 6}) {
    EXPECT_EQ(kind(511, level), 1u);
    EXPECT_EQ(kind(2048, level), 2u);
  }
}

TEST(DeflateIsal, more_than_it_is_shown_at_once) {
  const std::string message(20'000'000, 'a');
  Deflater deflater({.level = 1}, test_engines());
  const std::string payload = compressed(deflater, message);
  EXPECT_LT(payload.size(), 200'000u);
  Inflater inflater({}, test_engines());
  EXPECT_TRUE(inflated(inflater, {payload}).text == message);
}

// Bytes that are made to meet what is left of a window: copies of it from any place, at any distance.
std::string copies(std::string& before) {
  std::string message;
  for (int i = *rc::gen::inRange(1, 30); i > 0; --i) {
    const std::string& from = *rc::gen::arbitrary<bool>() ? before : message;
    if (!from.empty() && *rc::gen::inRange(0, 4) != 0) {
      const auto at = *rc::gen::inRange<std::size_t>(0, from.size());
      message += from.substr(at, *rc::gen::inRange<std::size_t>(1, 400));
    } else {
      message += *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    }
  }
  before += message;
  return message;
}

RC_GTEST_PROP(DeflateIsal, zlib_reads_it, ()) {
  const DeflateSettings settings{static_cast<std::uint8_t>(*rc::gen::inRange(8, 16)), *rc::gen::arbitrary<bool>(),
                                 static_cast<std::uint8_t>(*rc::gen::inRange(1, 7))};
  Deflater deflater(settings, test_engines());
  std::vector<std::string> payloads;
  std::string all;
  for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
    const std::string message = copies(all);
    if (!message.empty()) payloads.push_back(compressed(deflater, message));
  }
  RC_ASSERT(plainly_inflated(payloads, settings.window_bits) == all);
}

}  // namespace
}  // namespace parley::codec
