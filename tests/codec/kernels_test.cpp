// Every kernel that this processor can run, against slow and obvious code.
#include "codec/kernels/kernels.h"

#include <parley/bytes.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "codec/utf8_slow.h"

namespace parley::codec {
namespace {

// Bytes of their own, so that one read or written behind them is seen by ASan.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(text.size()), memory_(new std::byte[text.size()]) {
    std::ranges::copy(as_bytes(text), memory_.get());
  }
  std::byte* data() noexcept { return memory_.get(); }
  std::string_view text() const noexcept { return as_text(Bytes(memory_.get(), bytes_)); }

 private:
  std::size_t bytes_;
  std::unique_ptr<std::byte[]> memory_;
};

std::string masked(std::string text, MaskKey key) {
  for (std::size_t i = 0; i < text.size(); ++i) text[i] ^= static_cast<char>(key >> 8 * (i % 4));
  return text;
}

void expect_same(std::string_view text, MaskKey key) {
  const bool expected = slow_utf8(text) == SlowUtf8::valid;
  const std::string covered = masked(std::string(text), key);
  for (const Kernels* kernels : runnable_kernels()) {
    Exact plain(text);
    ASSERT_EQ(kernels->is_utf8(plain.data(), text.size()), expected) << kernels->name << ' ' << text.size();
    ASSERT_EQ(plain.text(), text) << kernels->name;
    Exact once(covered);
    ASSERT_EQ(kernels->mask_is_utf8(once.data(), text.size(), key), expected) << kernels->name << ' ' << text.size();
    ASSERT_EQ(once.text(), text) << kernels->name << ' ' << text.size();
    Exact twice(covered);
    kernels->mask(twice.data(), text.size(), key);
    ASSERT_EQ(twice.text(), text) << kernels->name << ' ' << text.size();
  }
}

void append_character(std::string& text, std::uint32_t c) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
}

// Characters of one length, or of all.
std::string draw_text(Random& random, std::size_t bytes) {
  constexpr std::uint32_t firsts[] = {0x20, 0x80, 0x4E00, 0x1F300};
  const std::uint64_t kind = random.below(5);
  std::string text;
  while (text.size() < bytes) {
    const std::uint64_t length = kind == 4 ? random.below(4) : kind;
    append_character(text, static_cast<std::uint32_t>(firsts[length] + random.below(95)));
  }
  return text;
}

TEST(Kernels, TheLastOfThemRunsEverywhere) {
  EXPECT_EQ(runnable_kernels().back(), &scalar_kernels);
  EXPECT_EQ(&kernels(), runnable_kernels().front());
}

TEST(Kernels, EveryLengthOfEveryKindOfText) {
  Random random(1);
  for (std::size_t bytes = 0; bytes <= 600; ++bytes) {
    for (int i = 0; i < 4; ++i) expect_same(draw_text(random, bytes), static_cast<MaskKey>(random()));
  }
}

TEST(Kernels, BytesThatAreWrongAnywhere) {
  constexpr std::string_view suspects(
      "\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff", 25);
  Random random(2);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = draw_text(random, random.below(330));
    if (text.empty()) continue;
    for (std::uint64_t left = 1 + random.below(3); left != 0; --left) {
      text[random.below(text.size())] = suspects[random.below(suspects.size())];
    }
    if (random.below(4) == 0) text.resize(random.below(text.size()));  // maybe inside of a character
    expect_same(text, static_cast<MaskKey>(random()));
  }
}

// Every pair of bytes, also over the border of two registers, and every third byte that a lookup could get wrong.
TEST(Kernels, EveryPairOfBytesAtEveryBorder) {
  for (const std::size_t front : {0u, 14u, 15u, 31u, 63u, 127u, 191u, 255u}) {
    std::string text(front + 4 + 200, 'a');
    for (unsigned pair = 0; pair < 65536; pair += 1 + (pair & 0x8080 ? 0u : 6u)) {
      text[front] = static_cast<char>(pair >> 8);
      text[front + 1] = static_cast<char>(pair & 0xFF);
      text[front + 2] = pair % 3 == 0 ? static_cast<char>(0x80) : 'a';
      text[front + 3] = pair % 5 == 0 ? static_cast<char>(0xBF) : 'a';
      const bool expected = slow_utf8(text) == SlowUtf8::valid;
      for (const Kernels* kernels : runnable_kernels()) {
        ASSERT_EQ(kernels->is_utf8(as_bytes(text).data(), text.size()), expected) << kernels->name << ' ' << pair;
      }
    }
  }
}

// A kernel may pass over plain text, but not over what the text before it has begun.
TEST(Kernels, PlainTextAfterOtherText) {
  for (std::size_t wide = 1; wide <= 300; ++wide) {
    std::string text(wide % 7, 'x');
    while (text.size() < wide) text += "\xC3\xA9";
    text += std::string(600, 'a');
    expect_same(text, 0x3d21fa37);
    for (std::size_t cut = 1; cut <= text.size() - 600; ++cut) {  // inside of a character, half of the times
      expect_same(text.substr(0, cut) + std::string(600, 'a'), 0x3d21fa37);
    }
  }
}

TEST(Kernels, NothingAroundIsTouched) {
  Random random(3);
  for (const Kernels* kernels : runnable_kernels()) {
    for (std::size_t begin = 0; begin < 66; ++begin) {
      for (std::size_t bytes = 0; bytes <= 140; ++bytes) {
        std::string text(272, 'x');
        const auto key = static_cast<MaskKey>(random());
        std::byte* at = reinterpret_cast<std::byte*>(text.data()) + begin;
        kernels->mask(at, bytes, key);
        ASSERT_TRUE(kernels->mask_is_utf8(at, bytes, key));
        ASSERT_EQ(text, std::string(272, 'x')) << kernels->name;
      }
    }
  }
}

}  // namespace
}  // namespace parley::codec
