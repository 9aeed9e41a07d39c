// permessage-deflate (RFC 7692, 7.2): messages compressed and inflated, whole or in pieces. Which parameters hold for
// which direction is agreed in extension.h.
//
// An engine takes memory when it is first used and keeps it only if it keeps a context from message to message. zlib's
// formula, with w window bits and m the memory level, and what it really takes (tests/codec/deflate_test.cpp):
//
//   Deflater   2^(w+2) + 2^(m+9)    and about 6 KiB
//   Inflater   2^w                  and about 7 KiB
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <parley/bytes.h>

#include "codec/violation.h"

namespace parley::codec {

// What an engine appends to: memory of the caller's.
class Output {
 public:
  // Makes `capacity` at least `bytes`, more if that is wise, and keeps the first `size` bytes. False: it can't.
  virtual bool grow(std::size_t bytes) noexcept = 0;

  std::byte* data = nullptr;
  std::size_t size = 0;
  std::size_t capacity = 0;

 protected:
  ~Output() = default;
};

struct DeflateSettings {
  // 8 to 15. How far back a match may lie: 2^window_bits bytes.
  std::uint8_t window_bits = 15;
  // What was sent before may be referred to by later messages.
  bool keeps_context = true;
  // 0 (none) to 9 (best): a Deflater's.
  std::uint8_t level = 6;
  // 1 (least) to 9 (fastest): a Deflater's.
  std::uint8_t memory_level = 8;
};

struct ZlibEngine;
struct EndDeflate {
  void operator()(ZlibEngine* engine) const noexcept;
};
struct EndInflate {
  void operator()(ZlibEngine* engine) const noexcept;
};

class Deflater {
 public:
  enum class Flush : std::uint8_t {
    none,     // more of the message follows; what is written may lag behind
    piece,    // more follows, but what is written says all so far
    message,  // the message ends here
  };

  explicit Deflater(const DeflateSettings& settings) noexcept : settings_(settings) {}

  // Appends what `piece` becomes. False: there was no memory; what was written of the message is of no use, and no
  // later message refers to it.
  bool compress(Bytes piece, Flush flush, Output& out) noexcept;

  // No later message will refer to what was compressed before. To be called when a message that was compressed, or
  // part of it, is not sent: the peer doesn't know it.
  void forget() noexcept { engine_.reset(); }

  std::size_t memory_bytes() const noexcept;

 private:
  bool start() noexcept;
  bool run(Bytes piece, int flush, Output& out) noexcept;

  DeflateSettings settings_;
  bool flushed_ = true;  // all that was taken has been written, up to a whole byte
  std::unique_ptr<ZlibEngine, EndDeflate> engine_;
};

class Inflater {
 public:
  explicit Inflater(const DeflateSettings& settings) noexcept : settings_(settings) {}

  // Takes `piece` from the front on and appends what it becomes. `last`: it ends the message.
  // message_too_large: `out` has more than `bytes_max` bytes, by one. That ends the message, or the caller makes room
  // in `out` and calls again with what is left of `piece`. After deflate_broken or no_memory the Inflater is of no use.
  Violation inflate(Bytes& piece, bool last, Output& out, std::size_t bytes_max) noexcept;

  std::size_t memory_bytes() const noexcept;

 private:
  enum class End : std::uint8_t { starved, full, broken, no_memory };
  End run(Bytes& input, Output& out, std::size_t bytes_max, std::size_t room) noexcept;
  bool start() noexcept;

  DeflateSettings settings_;
  std::uint8_t tail_taken_ = 0;  // bytes of 00 00 FF FF that stand behind the message
  bool between_ = true;          // a block with BFINAL=1 has ended just here, or nothing has begun
  std::unique_ptr<ZlibEngine, EndInflate> engine_;
};

}  // namespace parley::codec
