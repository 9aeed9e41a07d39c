#include "codec/frame.h"

#include <algorithm>
#include <cstring>

namespace parley::codec {
namespace {

// RFC 6455, 5.2: "%x0 denotes a continuation frame", "%x1 denotes a text frame", "%x2 denotes a binary frame",
// "%x3-7 are reserved for further non-control frames", "%x8 denotes a connection close", "%x9 denotes a ping",
// "%xA denotes a pong", "%xB-F are reserved for further control frames".
enum class Class : std::uint8_t { data, control, reserved };
constexpr std::array<Class, 16> classes{
    Class::data,     Class::data,     Class::data,     Class::reserved,  // 0-3
    Class::reserved, Class::reserved, Class::reserved, Class::reserved,  // 4-7
    Class::control,  Class::control,  Class::control,  Class::reserved,  // 8-B
    Class::reserved, Class::reserved, Class::reserved, Class::reserved,  // C-F
};

constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7F;
constexpr std::uint8_t length_16 = 126;
constexpr std::uint8_t length_64 = 127;

constexpr std::size_t extended_bytes(std::uint8_t second) noexcept {
  const std::uint8_t length = second & length_bits;
  return length < length_16 ? 0 : length == length_16 ? 2 : 8;
}

// "Multibyte length quantities are expressed in network byte order." (5.2)
std::uint64_t network_order(const std::uint8_t* bytes, std::size_t count) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

// What is wrong with the first two bytes of a head, which may be all that will come of a wrong one.
Violation FrameReader::judge(FrameBits bits, std::uint8_t second) const noexcept {
  // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values." (5.2)
  const std::uint8_t meaningless =
      rsv1_allowed_ ? FrameBits::reserved_bits & ~FrameBits::rsv1_bit : FrameBits::reserved_bits;
  if (bits.value & meaningless) return Violation::reserved_bits;

  // "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_." (5.2)
  const Class frame_class = classes[bits.value & 0x0F];
  if (frame_class == Class::reserved) return Violation::reserved_opcode;

  // "The server MUST close the connection upon receiving a frame that is not masked. [...] A client MUST close a
  // connection if it detects a masked frame." (5.1)
  if (masked_ && !(second & mask_bit)) return Violation::not_masked;
  if (!masked_ && (second & mask_bit)) return Violation::masked;

  // "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented." (5.5)
  if (frame_class == Class::control) {
    if (!bits.fin()) return Violation::control_fragmented;
    if ((second & length_bits) > control_payload_bytes_max) return Violation::control_too_long;
    // "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames". (RFC 7692, 6.1)
    if (bits.rsv1()) return Violation::reserved_bits;
  }
  return Violation::none;
}

// False: more bytes are needed, or the head is wrong.
bool FrameReader::read_head(std::span<std::byte>& bytes) noexcept {
  const auto* head = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (bytes.size() < 2) return false;
  violation_ = judge({head[0]}, head[1]);
  if (violation_ != Violation::none) return false;
  const std::size_t extended = extended_bytes(head[1]);
  const std::size_t size = 2 + extended + (masked_ ? sizeof(MaskKey) : 0);
  if (bytes.size() < size) return false;

  std::uint64_t payload = head[1] & length_bits;
  if (extended != 0) {
    payload = network_order(head + 2, extended);
    // "the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0)" (5.2)
    if (payload >> 63) violation_ = Violation::length_high_bit;
    // "in all cases, the minimal number of bytes MUST be used to encode the length" (5.2)
    if (payload < (extended == 2 ? 126u : 65536u)) violation_ = Violation::length_not_minimal;
    if (violation_ != Violation::none) return false;
  }
  bits_.value = head[0];
  if (bits_.is_control() && bytes.size() - size < payload) return false;
  key_ = 0;
  if (masked_) std::memcpy(&key_, head + 2 + extended, sizeof key_);
  left_ = payload;
  bytes = bytes.subspan(size);
  return true;
}

FrameReader::Step FrameReader::next(std::span<std::byte>& bytes, Piece& piece) noexcept {
  piece.first = !in_payload_;
  if (!in_payload_) {
    if (!read_head(bytes)) return violation_ == Violation::none ? Step::starved : Step::violation;
    in_payload_ = true;
  }
  if (bytes.empty() && left_ != 0 && !piece.first) return Step::starved;

  piece.bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_)));
  bytes = bytes.subspan(piece.bytes.size());
  piece.key = leaves_masked_ && !bits_.is_control() ? key_ : 0;
  if (piece.key == 0) mask(piece.bytes, key_);
  left_ -= piece.bytes.size();
  key_ = turn(key_, piece.bytes.size());
  piece.bits = bits_;
  piece.left = left_;
  piece.last = left_ == 0;
  in_payload_ = !piece.last;
  return Step::piece;
}

Glance glance(Bytes bytes) noexcept {
  const auto* head = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (bytes.size() < 2) return {};
  const bool masked = head[1] & mask_bit;
  const std::size_t extended = extended_bytes(head[1]);
  const std::size_t size = 2 + extended + (masked ? sizeof(MaskKey) : 0);
  if (bytes.size() < size) return {};
  const std::uint64_t payload = extended ? network_order(head + 2, extended) : head[1] & length_bits;
  return {.bits = {head[0]}, .masked = masked, .head_bytes = size, .payload_bytes = payload};
}

[[gnu::hot]] std::size_t write_head(std::byte* out, FrameBits bits, std::uint64_t payload_bytes, bool masked,
                                    MaskKey key) noexcept {
  const std::size_t extended = head_bytes(payload_bytes, false) - 2;
  const auto length = extended == 0 ? static_cast<std::uint8_t>(payload_bytes) : extended == 2 ? length_16 : length_64;
  out[0] = static_cast<std::byte>(bits.value);
  out[1] = static_cast<std::byte>(length | (masked ? mask_bit : 0));
  for (std::size_t i = 0; i < extended; ++i) {
    out[2 + i] = static_cast<std::byte>(payload_bytes >> 8 * (extended - 1 - i));
  }
  if (masked) std::memcpy(out + 2 + extended, &key, sizeof key);
  return 2 + extended + (masked ? sizeof key : 0);
}

}  // namespace parley::codec
