// Frames (RFC 6455, 5.2): bytes in, pieces of frames out, unmasked where they lie. Which frame may follow which is not
// decided here, but in message.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <parley/bytes.h>

#include "codec/mask.h"
#include "codec/violation.h"

namespace parley::codec {

enum class Role : std::uint8_t { client, server };

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

// The first byte of a frame.
struct FrameBits {
  std::uint8_t value = 0;

  static constexpr std::uint8_t fin_bit = 0x80;
  static constexpr std::uint8_t rsv1_bit = 0x40;
  static constexpr std::uint8_t reserved_bits = 0x70;

  constexpr Opcode opcode() const noexcept { return static_cast<Opcode>(value & 0x0F); }
  constexpr bool fin() const noexcept { return value & fin_bit; }
  constexpr bool rsv1() const noexcept { return value & rsv1_bit; }
  // "Control frames are identified by opcodes where the most significant bit of the opcode is 1." (5.5)
  constexpr bool is_control() const noexcept { return value & 0x08; }
};

constexpr std::size_t control_payload_bytes_max = 125;
constexpr std::size_t head_bytes_max = 14;

// Part of a frame's payload; a frame without payload is one empty piece.
struct Piece {
  std::span<std::byte> bytes;
  FrameBits bits;
  bool first = false;      // of its frame
  bool last = false;       // of its frame
  MaskKey key = 0;         // what the bytes are masked with; 0 unless leave_masked() was called
  std::uint64_t left = 0;  // bytes of the frame that follow after this piece
};

class FrameReader {
 public:
  enum class Step : std::uint8_t {
    starved,  // show the bytes that are left again, with more behind them
    piece,
    violation,  // the reader must not be used any more
  };

  // `role` is the reader's own: a server reads masked frames. `rsv1` is allowed if an extension gave it a meaning.
  FrameReader(Role role, bool rsv1_allowed) noexcept : masked_(role == Role::server), rsv1_allowed_(rsv1_allowed) {}

  // The payload of data frames is not unmasked: whoever takes it does that, together with what else it does to each
  // byte.
  void leave_masked() noexcept { leaves_masked_ = true; }

  // Takes the next piece from the front of `bytes`, and unmasks it there. A head is taken whole or not at all, and so
  // is a control frame, so at most 130 bytes are ever left; but what is wrong with a head's first two bytes is told as
  // soon as they are here.
  Step next(std::span<std::byte>& bytes, Piece& piece) noexcept;

  Violation violation() const noexcept { return violation_; }
  // Bytes of the present frame that have not come yet.
  std::uint64_t left() const noexcept { return in_payload_ ? left_ : 0; }
  bool in_frame() const noexcept { return in_payload_; }

 private:
  bool read_head(std::span<std::byte>& bytes) noexcept;
  Violation judge(FrameBits bits, std::uint8_t second) const noexcept;

  std::uint64_t left_ = 0;
  MaskKey key_ = 0;
  FrameBits bits_;
  bool in_payload_ = false;
  bool masked_ : 1;
  bool rsv1_allowed_ : 1;
  bool leaves_masked_ : 1 = false;
  Violation violation_ = Violation::none;
};

// A message in one frame, text or binary, masked and of at most 65,535 bytes, that lies at the front of `bytes`, whole
// and sound: what nearly all messages of a client are, told by a few comparisons. Otherwise `head_bytes` is 0, and a
// FrameReader says what it is.
struct SimpleMessage {
  std::size_t head_bytes = 0;
  std::size_t payload_bytes = 0;
  MaskKey key = 0;
  FrameBits bits;
};
inline SimpleMessage simple_message(Bytes bytes) noexcept {
  constexpr std::size_t head_bytes_min = 2 + sizeof(MaskKey);
  if (bytes.size() < head_bytes_min) return {};
  SimpleMessage simple{.head_bytes = head_bytes_min, .bits = {std::to_integer<std::uint8_t>(bytes[0])}};
  if (simple.bits.value != 0x81 && simple.bits.value != 0x82) return {};
  simple.payload_bytes = std::to_integer<std::size_t>(bytes[1]) ^ 0x80;  // without the mask bit it is 128 and more
  if (simple.payload_bytes > 125) {
    if (simple.payload_bytes != 126 || bytes.size() < head_bytes_min + 2) return {};
    simple.head_bytes += 2;
    simple.payload_bytes = std::to_integer<std::size_t>(bytes[2]) << 8 | std::to_integer<std::size_t>(bytes[3]);
    if (simple.payload_bytes < 126) return {};
  }
  if (bytes.size() - simple.head_bytes < simple.payload_bytes) return {};
  std::memcpy(&simple.key, bytes.data() + simple.head_bytes - sizeof(MaskKey), sizeof(MaskKey));
  return simple;
}

// What the head at the front of `bytes` says of its frame, without judging it; the whole size is 0 if more bytes are
// needed to tell. For looking ahead.
struct Glance {
  FrameBits bits;
  bool masked = false;
  std::size_t head_bytes = 0;
  std::uint64_t payload_bytes = 0;
};
Glance glance(Bytes bytes) noexcept;

// Writes the head of a frame, head_bytes() of it; how many that were. `key` is written if `masked`.
std::size_t write_head(std::byte* out, FrameBits bits, std::uint64_t payload_bytes, bool masked, MaskKey key) noexcept;

// "in all cases, the minimal number of bytes MUST be used to encode the length" (5.2)
constexpr std::size_t head_bytes(std::uint64_t payload_bytes, bool masked) noexcept {
  return (payload_bytes < 126 ? 2u : payload_bytes < 65536 ? 4u : 10u) + (masked ? sizeof(MaskKey) : 0u);
}

}  // namespace parley::codec
