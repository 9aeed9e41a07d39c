// UTF-8, checked as it comes (RFC 3629; Unicode, table 3-7). A text message may be cut anywhere, also inside of a
// character, so the state goes from piece to piece; it is one byte.
#pragma once

#include <cstdint>
#include <span>

#include <parley/bytes.h>

#include "codec/kernels/utf8_states.h"
#include "codec/mask.h"

namespace parley::codec {

class Utf8 {
 public:
  // What comes next. False: it is not UTF-8, whatever may follow; that is known as soon as its first byte that can't
  // be has come.
  bool feed(Bytes bytes) noexcept;

  // The same for bytes that are masked still: unmasks them where they lie. After false, all or some of them.
  bool feed_masked(std::span<std::byte> bytes, MaskKey key) noexcept;

  // No character is left half.
  bool is_whole() const noexcept { return state_ == Utf8State::start; }

 private:
  Utf8State state_ = Utf8State::start;
};

}  // namespace parley::codec
