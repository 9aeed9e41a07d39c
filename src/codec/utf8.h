// UTF-8, checked as it comes (RFC 3629; Unicode, table 3-7). A text message may be cut anywhere, also inside of a
// character, so the state goes from piece to piece; it is one byte.
#pragma once

#include <cstdint>

#include <parley/bytes.h>

namespace parley::codec {

class Utf8 {
 public:
  // What comes next. False: it is not UTF-8, whatever may follow; that is known at the first byte that can't be.
  bool feed(Bytes bytes) noexcept;

  // No character is left half.
  bool is_whole() const noexcept { return state_ == State::start; }

 private:
  // Which bytes may come next: the rows of table 3-7.
  enum class State : std::uint8_t {
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
  static State next(State state, std::uint8_t byte) noexcept;

  State state_ = State::start;
};

}  // namespace parley::codec
