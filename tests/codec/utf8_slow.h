// UTF-8 by the letter of RFC 3629: each character is decoded to its number, and the number is judged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace parley::codec {

enum class SlowUtf8 : std::uint8_t { valid, cut_short, invalid };

// Of the `size` bytes that a first byte asks for, is there a way to go on from `given` of them to a character? A first
// byte and the bits of those that follow give a range of numbers; the numbers that are characters of this size are
// another: they must meet.
inline bool can_become_a_character(std::string_view given, int size) {
  constexpr std::uint32_t first_of_size[] = {0, 0, 0x80, 0x800, 0x10000};
  constexpr std::uint32_t last_of_size[] = {0, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
  std::uint32_t low = static_cast<unsigned char>(given[0]) & (size == 1 ? 0x7Fu : 0xFFu >> (size + 1));
  std::uint32_t high = low;
  for (int i = 1; i < size; ++i) {
    const bool here = static_cast<std::size_t>(i) < given.size();
    const unsigned next = here ? static_cast<unsigned char>(given[static_cast<std::size_t>(i)]) : 0;
    if (here && next / 64 != 2) return false;
    low = low * 64 + (here ? next % 64 : 0);
    high = high * 64 + (here ? next % 64 : 63);
  }
  const std::uint32_t from = std::max(low, first_of_size[size]);
  const std::uint32_t to = std::min(high, last_of_size[size]);
  const bool only_surrogates = from >= 0xD800 && to <= 0xDFFF;
  return from <= to && !only_surrogates;
}

inline SlowUtf8 slow_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    int size = 0;
    if (first < 0x80) size = 1;
    if (first / 32 == 6) size = 2;
    if (first / 16 == 14) size = 3;
    if (first / 8 == 30) size = 4;
    if (size == 0 || !can_become_a_character(text.substr(0, static_cast<std::size_t>(size)), size)) {
      return SlowUtf8::invalid;
    }
    if (text.size() < static_cast<std::size_t>(size)) return SlowUtf8::cut_short;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return SlowUtf8::valid;
}

}  // namespace parley::codec
