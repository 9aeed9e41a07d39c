// UTF-8 byte by byte: the rows of table 3-7 of the Unicode Standard.
#pragma once

#include <cstdint>

#include <parley/bytes.h>

namespace parley::codec {

// Which bytes may come next.
enum class Utf8State : std::uint8_t {
  start,     // the first byte of a character
  last,      // 80..BF, and the character is whole
  two,       // 80..BF, then `last`
  three,     // 80..BF, then `two`
  after_e0,  // A0..BF, then `last`: no overlong forms
  after_ed,  // 80..9F, then `last`: no surrogates
  after_f0,  // 90..BF, then `two`: no overlong forms
  after_f4,  // 80..8F, then `two`: nothing above U+10FFFF
  invalid,
};

// Takes bytes one after the other, ASCII eight at a time. False: they are not UTF-8.
bool pass_through(Utf8State& state, Bytes bytes) noexcept;

}  // namespace parley::codec
