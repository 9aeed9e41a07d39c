// libdeflate: that it is of the same opinion as zlib, or leaves it to zlib.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "codec/deflating.h"

namespace parley::codec {
namespace {

// Two messages, of which the second refers to the first.
struct Pair {
  explicit Pair(std::size_t bytes) : message(sample(bytes, 1)), again("x" + message) {
    Deflater deflater({.level = 9}, test_engines());
    first = compressed(deflater, message);
    second = compressed(deflater, again + sample(bytes, 2));
  }
  std::string message;
  std::string again;
  std::string first;
  std::string second;
};

TEST(DeflateLibdeflate, inflates_what_has_come_whole) {
  if (!DeflateEngines::installed().libdeflate) GTEST_SKIP();
  const Pair pair(3000);
  DeflateEngines engines(plenty);
  TestOutput out;
  out.grow(1);
  out.size = 1;  // what is there already stays
  ASSERT_TRUE(engines.inflate_whole({}, as_bytes(pair.first), out, 3001));
  EXPECT_EQ(out.text().substr(1), pair.message);
  std::string nothing;
  for (int i = 0; i < 60; ++i) nothing += unhex("00 00 00 ff ff");
  ASSERT_TRUE(engines.inflate_whole({}, as_bytes(nothing + unhex("00")), out, 3001));
  EXPECT_EQ(out.size, 3001u);
  TestOutput second;
  second.grow(10'000);
  ASSERT_TRUE(engines.inflate_whole(as_bytes(pair.message), as_bytes(pair.second), second, SIZE_MAX));
  EXPECT_EQ(second.text(), pair.again + sample(3000, 2));
}

TEST(DeflateLibdeflate, leaves_to_zlib_what_it_cannot_tell) {
  if (!DeflateEngines::installed().libdeflate) GTEST_SKIP();
  const Pair pair(3000);
  DeflateEngines engines(plenty);
  TestOutput out;
  const auto inflates = [&](Bytes window, std::string_view payload, std::size_t bytes_max) {
    const bool done = engines.inflate_whole(window, as_bytes(payload), out, bytes_max);
    EXPECT_EQ(out.size != 0, done);
    out.clear();
    return done;
  };
  EXPECT_FALSE(inflates({}, pair.first, 2999));                               // more than is allowed
  EXPECT_FALSE(inflates({}, pair.second, SIZE_MAX));                          // refers to what isn't there
  EXPECT_FALSE(inflates({}, pair.first.substr(0, 255), SIZE_MAX));            // short
  EXPECT_FALSE(inflates({}, pair.first.substr(0, 300), SIZE_MAX));            // not whole
  EXPECT_FALSE(inflates(as_bytes(sample(30'000, 2)), pair.first, SIZE_MAX));  // a window that is much longer
  EXPECT_FALSE(inflates({}, std::string(70'000, '\0'), SIZE_MAX));            // longer than its memory
  const std::string noise = sample(400, 2);
  const std::string final = unhex("01 90 01 6f fe") + noise + pair.first;  // BFINAL, and more behind it
  EXPECT_FALSE(inflates({}, final, SIZE_MAX));
  Inflater inflater({}, engines);
  EXPECT_EQ(inflated(inflater, {final}).text, noise + pair.message);
  out.bytes_max = 100;
  EXPECT_FALSE(inflates({}, pair.first, SIZE_MAX));
  out.size = 10;
  EXPECT_FALSE(engines.inflate_whole({}, as_bytes(pair.first), out, 5));
}

// zlib is stricter with codes that are not complete, and that may be the only difference.
RC_GTEST_PROP(DeflateLibdeflate, is_of_zlibs_opinion, ()) {
  Deflater deflater({.level = static_cast<std::uint8_t>(*rc::gen::inRange(0, 10))}, test_engines());
  std::string payload = compressed(deflater, sample(*rc::gen::inRange<std::size_t>(1, 9000), *rc::gen::inRange(1, 3)));
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    payload[*rc::gen::inRange<std::size_t>(0, payload.size())] = *rc::gen::arbitrary<char>();
  }
  DeflateEngines plain(plenty, {.isal = false, .libdeflate = false});
  Inflater by_all({}, test_engines());
  Inflater by_zlib({}, plain);
  const Inflated result = inflated(by_all, {payload}, 100'000);
  const Inflated expected = inflated(by_zlib, {payload}, 100'000);
  if (result.violation == expected.violation) {
    RC_ASSERT(result.text == expected.text);
  } else {
    RC_ASSERT(result.violation == Violation::none && expected.violation == Violation::deflate_broken);
  }
}

}  // namespace
}  // namespace parley::codec
