#include "codec/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/utf8_slow.h"
#include "codec/wire.h"

namespace parley::codec {
namespace {

SlowUtf8 fed(const std::vector<std::string>& pieces) {
  Utf8 utf8;
  for (const std::string& piece : pieces) {
    if (utf8.feed(as_bytes(piece))) continue;
    EXPECT_FALSE(utf8.feed({}));
    EXPECT_FALSE(utf8.feed(as_bytes("a")));
    EXPECT_FALSE(utf8.is_whole());
    return SlowUtf8::invalid;
  }
  return utf8.is_whole() ? SlowUtf8::valid : SlowUtf8::cut_short;
}

SlowUtf8 fed(std::string_view text) {
  Utf8 utf8;
  if (!utf8.feed(as_bytes(text))) return SlowUtf8::invalid;
  return utf8.is_whole() ? SlowUtf8::valid : SlowUtf8::cut_short;
}

TEST(Utf8, every_sequence_of_up_to_three_bytes) {
  std::string text;
  for (int a = 0; a < 256; ++a) {
    text.assign(1, static_cast<char>(a));
    const SlowUtf8 one = slow_utf8(text);
    ASSERT_EQ(fed(text), one) << a;
    for (int b = 0; b < 256; ++b) {
      text.resize(1);
      text += static_cast<char>(b);
      const SlowUtf8 two = slow_utf8(text);
      ASSERT_EQ(fed(text), two) << a << ' ' << b;
      ASSERT_TRUE(one != SlowUtf8::invalid || two == one);
      for (int c = 0; c < 256; ++c) {
        text.resize(2);
        text += static_cast<char>(c);
        const SlowUtf8 expected = two == SlowUtf8::invalid ? two : slow_utf8(text);
        if (fed(text) != expected) FAIL() << a << ' ' << b << ' ' << c;
      }
    }
  }
}

// First bytes that ask for four, and each byte that follows at the ends of its ranges; then an ASCII character.
TEST(Utf8, four_bytes_at_their_bounds_cut_everywhere) {
  const std::vector<int> bounds{0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
  for (int a = 0xEF; a < 256; ++a) {
    for (const int b : bounds) {
      for (const int c : bounds) {
        for (const int d : bounds) {
          std::string text;
          for (const int byte : {a, b, c, d}) text += static_cast<char>(byte);
          for (const char* more : {"", "a"}) {
            text += more;
            const SlowUtf8 expected = slow_utf8(text);
            cut_every_way(text, [&](const std::vector<std::string>& pieces) { EXPECT_EQ(fed(pieces), expected); });
            ASSERT_FALSE(HasFailure());
          }
        }
      }
    }
  }
}

std::string character(std::uint32_t number) {
  std::string text;
  if (number < 0x80) return text += static_cast<char>(number);
  const int more = number < 0x800 ? 1 : number < 0x10000 ? 2 : 3;
  constexpr std::uint32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(marks[more] | number >> (6 * more));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (number >> (6 * i) & 0x3F));
  return text;
}

TEST(Utf8, every_character_alone_is_valid_and_no_surrogate_is) {
  for (std::uint32_t number = 0; number < 0x110000; ++number) {
    const bool is_surrogate = number >= 0xD800 && number <= 0xDFFF;
    ASSERT_EQ(fed(character(number)), is_surrogate ? SlowUtf8::invalid : SlowUtf8::valid) << number;
  }
  EXPECT_EQ(fed(character(0x110000)), SlowUtf8::invalid);
}

TEST(Utf8, text_cut_everywhere) {
  for (const char* text : {"", "Hello", "κόσμε", "naïve café", "日本語テキスト", "a\U0001F600b\U0010FFFFc", "12345678é",
                           "1234567é12345678é123456789012345é",
                           "\xEF\xBB\xBF"
                           "BOM",
                           "\xEF\xBF\xBF"}) {
    cut_every_way(text, [](const std::vector<std::string>& pieces) { EXPECT_EQ(fed(pieces), SlowUtf8::valid); });
  }
}

TEST(Utf8, the_first_byte_that_cannot_be_fails) {
  const auto fails_at = [](std::string_view text) {
    Utf8 utf8;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!utf8.feed(as_bytes(text.substr(i, 1)))) return i;
    }
    return text.size();
  };
  EXPECT_EQ(fails_at("\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80"), 12u);  // a surrogate
  EXPECT_EQ(fails_at("\xCE\xBA\xF4\x90\x80\x80"), 3u);                                   // above U+10FFFF
  EXPECT_EQ(fails_at("\xCE\xBA\xF5"), 2u);
  EXPECT_EQ(fails_at("\xC0\xAF"), 0u);  // overlong
  EXPECT_EQ(fails_at("\xE0\x9F\xBF"), 1u);
  EXPECT_EQ(fails_at("\xF0\x8F\xBF\xBF"), 1u);
  EXPECT_EQ(fails_at("\xF0\x90\xBF\x7F"), 3u);
}

// One wrong byte, at each place of long text: no shortcut for ASCII steps over it.
TEST(Utf8, a_wrong_byte_anywhere) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char wrong : {'\x80', '\xBF', '\xC1', '\xFF'}) {
        std::string text(size, 'a');
        text[at] = wrong;
        EXPECT_EQ(fed(text), SlowUtf8::invalid) << size << ' ' << at;
      }
    }
  }
}

RC_GTEST_PROP(Utf8, any_text_with_a_change_cut_anywhere, ()) {
  std::string text;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    text += character(*rc::gen::inRange<std::uint32_t>(0, *rc::gen::element(0x80u, 0x800u, 0xD800u, 0x110000u)));
  }
  if (!text.empty() && *rc::gen::arbitrary<bool>()) {
    text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  }
  std::vector<std::size_t> cuts;
  for (int i = *rc::gen::inRange(0, 6); i > 0; --i) cuts.push_back(*rc::gen::inRange<std::size_t>(0, text.size() + 1));
  std::ranges::sort(cuts);
  RC_ASSERT(fed(cut(text, cuts)) == slow_utf8(text));
}

// As it comes from a client: masked, in pieces.
SlowUtf8 fed_masked(std::string text, std::size_t step, MaskKey key) {
  const std::string plain = text;
  const std::span<std::byte> all = std::as_writable_bytes(std::span(text));
  mask(all, key);
  Utf8 utf8;
  for (std::size_t at = 0; at < all.size(); at += step) {
    const auto piece = all.subspan(at, std::min(step, all.size() - at));
    if (!utf8.feed_masked(piece, turn(key, at))) return SlowUtf8::invalid;
  }
  EXPECT_EQ(text, plain);
  return utf8.is_whole() ? SlowUtf8::valid : SlowUtf8::cut_short;
}

TEST(Utf8, masked_text_in_pieces_of_every_size) {
  const std::string bases[] = {"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80",
                               "plain text"};
  for (const std::string& base : bases) {
    std::string text;
    while (text.size() < 700) text += base;
    for (const std::size_t size : {text.size(), text.size() - 1, text.size() - 2, text.size() - 3}) {
      const std::string cut = text.substr(0, size);
      for (std::size_t step = 1; step <= 400; step += step < 30 ? 1 : 5) {  // the kernels take 256 and more
        ASSERT_EQ(fed_masked(cut, step, 0x3d21fa37), slow_utf8(cut)) << step;
        ASSERT_EQ(fed_masked(cut, step, 0), slow_utf8(cut)) << step;  // a key like any other
        for (const std::size_t at : {step * 31 % size, step}) {       // somewhere, and where a piece begins
          std::string wrong = cut;
          wrong[at] = '\xC0';
          ASSERT_EQ(fed_masked(wrong, step, 0x3d21fa37), SlowUtf8::invalid) << step;
        }
      }
    }
  }
}

}  // namespace
}  // namespace parley::codec
