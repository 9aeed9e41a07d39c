// permessage-deflate (RFC 7692, 7.2): messages compressed and inflated, whole or in pieces. Which parameters hold for
// which direction is agreed in extension.h.
//
// What a connection keeps from message to message is a window: the last 2^window_bits bytes of a direction, as far as
// there have been any, and none if it keeps no context. The engines that work on it are lent by the loop's
// DeflateEngines: to compress for one call; to inflate until the message is whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include <parley/bytes.h>

#include "codec/deflate_engines.h"
#include "codec/violation.h"

namespace parley::codec {

class Deflater {
 public:
  enum class Flush : std::uint8_t {
    piece,    // more of the message follows
    message,  // the message ends here
  };
  enum class Made : std::uint8_t {
    bytes,
    no_gain,    // of a whole message: what it would become is not shorter. Nothing is written: send it as it is
    no_memory,  // what was written of the message is of no use, and no later message refers to it
  };

  // Messages are compressed as settings.window_bits and the rest say. `engines` must outlive it.
  Deflater(const DeflateSettings& settings, DeflateEngines& engines) noexcept;

  // Appends what `piece` becomes: enough for the peer to read all of it.
  Made compress(Bytes piece, Flush flush, Output& out) noexcept;

  // No later message will refer to what was compressed before. To be called when a message that was compressed, or
  // part of it, is not sent: the peer doesn't know it. Of use between messages, too: it gives the memory back.
  void forget() noexcept { window_.forget(); }

  const DeflateSettings& settings() const noexcept { return settings_; }
  std::size_t memory_bytes() const noexcept { return window_.capacity(); }

 private:
  DeflateSettings settings_;
  bool begun_ = false;  // pieces of the message have been compressed
  Window window_;
};

class Inflater {
 public:
  // If it keeps a context, the whole window is taken from the budget of `engines` at once: what it will need is the
  // peer's choice. `engines` must outlive it.
  Inflater(const DeflateSettings& settings, DeflateEngines& engines) noexcept;
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Takes `piece` from the front on and appends what it becomes. `last`: it ends the message.
  // message_too_large: `out` has more than `bytes_max` bytes, by one. That ends the message, or the caller makes room
  // in `out` and calls again with what is left of `piece`. Or no more than that, but this call has taken `slice_bytes`
  // or appended more: call again. After deflate_broken or no_memory the Inflater is of no use.
  Violation inflate(Bytes& piece, bool last, Output& out, std::size_t bytes_max,
                    std::size_t slice_bytes = SIZE_MAX) noexcept;

  // Its window, and its engine while a message is not whole.
  std::size_t memory_bytes() const noexcept;

 private:
  Violation run(Bytes& piece, bool last, Output& out, std::size_t bytes_max) noexcept;

  const std::uint8_t window_bits_;
  std::uint8_t tail_taken_ = 0;  // bytes of 00 00 FF FF that stand behind the message
  Window window_;
  LentInflate engine_;  // while a message is not whole
};

}  // namespace parley::codec
