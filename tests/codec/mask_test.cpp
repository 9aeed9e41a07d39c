#include "codec/mask.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "codec/frames.h"

namespace parley::codec {
namespace {

MaskKey key_of(std::string_view octets) {
  MaskKey key = 0;
  std::memcpy(&key, octets.data(), sizeof key);
  return key;
}

constexpr std::string_view keys[] = {
    {"\x37\xFA\x21\x3D", 4}, {"\0\0\0\0", 4}, {"\0\0\0\1", 4}, {"\x80\0\0\0", 4}, {"\xFF\xFF\xFF\xFF", 4}};

TEST(Mask, the_example_of_rfc_6455) {
  std::string text = "Hello";
  mask(std::as_writable_bytes(std::span(text)), key_of(keys[0]));
  EXPECT_EQ(text, unhex("7f 9f 4d 51 58"));
}

// Every place in a cache line, every length up to two of them; not a byte before or behind is touched.
TEST(Mask, every_alignment_and_length) {
  for (const std::string_view octets : keys) {
    for (std::size_t begin = 0; begin < 64; ++begin) {
      for (std::size_t size = 0; size <= 130; ++size) {
        alignas(64) char memory[256];
        std::string expected;
        for (std::size_t i = 0; i < sizeof memory; ++i) memory[i] = static_cast<char>(i * 7 + size);
        expected.assign(memory, sizeof memory);
        expected.replace(begin, size, slow_mask(expected.substr(begin, size), octets));
        mask(std::as_writable_bytes(std::span(memory)).subspan(begin, size), key_of(octets));
        ASSERT_EQ(std::string_view(memory, sizeof memory), expected) << "from " << begin << ", " << size << " bytes";
      }
    }
  }
}

TEST(Mask, nothing_to_mask) { mask({}, key_of(keys[0])); }

TEST(Mask, cut_anywhere_with_the_key_turned) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 5);
  for (const std::string_view octets : keys) {
    const std::string expected = slow_mask(text, octets);
    cut_every_way(text, [&](std::vector<std::string> pieces) {
      MaskKey key = key_of(octets);
      std::string masked;
      for (std::string& piece : pieces) {
        mask(std::as_writable_bytes(std::span(piece)), key);
        key = turn(key, piece.size());
        masked += piece;
      }
      EXPECT_EQ(masked, expected);
    });
  }
}

TEST(Mask, turning) {
  EXPECT_EQ(turn(key_of("abcd"), 0), key_of("abcd"));
  EXPECT_EQ(turn(key_of("abcd"), 1), key_of("bcda"));
  EXPECT_EQ(turn(key_of("abcd"), 2), key_of("cdab"));
  EXPECT_EQ(turn(key_of("abcd"), 3), key_of("dabc"));
  EXPECT_EQ(turn(key_of("abcd"), 4), key_of("abcd"));
  EXPECT_EQ(turn(key_of("abcd"), SIZE_MAX), key_of("dabc"));
}

RC_GTEST_PROP(Mask, twice_is_not_at_all, (std::string text, MaskKey key)) {
  std::string masked = text;
  for (int i = 0; i < 2; ++i) mask(std::as_writable_bytes(std::span(masked)), key);
  RC_ASSERT(masked == text);
}

}  // namespace
}  // namespace parley::codec
