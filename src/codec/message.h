// Messages (RFC 6455, 5.4): which frame may follow which, and how large a message may become. The bytes themselves are
// put together by whoever owns the buffer.
#pragma once

#include <cstdint>

#include "codec/frame.h"

namespace parley::codec {

struct MessageLimits {
  std::uint64_t message_bytes_max = 16 * 1024 * 1024;
  std::uint32_t fragments_max = 128 * 1024;
};

class MessageReader {
 public:
  // Takes note of a piece of a data frame, before its bytes are used. With more of its frame to come, the whole frame
  // counts already, so that a message which will be too large fails at its first byte.
  Violation take(const Piece& piece, const MessageLimits& limits) noexcept;

  // A message has begun and is not whole. After the last piece of the last frame it is whole.
  bool is_open() const noexcept { return open_; }
  bool is_text() const noexcept { return text_; }
  // The "Per-Message Compressed" bit: "this bit indicates whether a message is compressed or not" (RFC 7692, 6). It
  // stands on the first frame only, and speaks of this message, whatever the connection negotiated.
  bool is_compressed() const noexcept { return compressed_; }

 private:
  std::uint64_t bytes_ = 0;  // on the wire, as far as it is known
  std::uint32_t fragments_ = 0;
  bool open_ = false;
  bool text_ = false;
  bool compressed_ = false;
};

}  // namespace parley::codec
