#include "codec/message.h"

namespace parley::codec {

Violation MessageReader::take(const Piece& piece, const MessageLimits& limits) noexcept {
  if (piece.first) {
    const bool continues = piece.bits.opcode() == Opcode::continuation;
    // "Clients and servers MUST support receiving both fragmented and unfragmented messages." (5.4)
    // "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by
    // zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN
    // bit set and an opcode of 0." (5.4)
    if (continues && !open_) return Violation::nothing_to_continue;
    if (!continues && open_) return Violation::message_interrupted;
    if (continues) {
      // "An endpoint MUST NOT set the "Per-Message Compressed" bit of [...] non-first fragments of a data message."
      // (RFC 7692, 6.1)
      if (piece.bits.rsv1()) return Violation::reserved_bits;
    } else {
      open_ = true;
      text_ = piece.bits.opcode() == Opcode::text;
      compressed_ = piece.bits.rsv1();
      bytes_ = 0;
      fragments_ = 0;
    }
    if (++fragments_ > limits.fragments_max) return Violation::too_many_fragments;
    const std::uint64_t frame_bytes = piece.bytes.size() + piece.left;
    if (bytes_ > limits.message_bytes_max || frame_bytes > limits.message_bytes_max - bytes_)
      return Violation::message_too_large;
    bytes_ += frame_bytes;
  }
  if (piece.last && piece.bits.fin()) open_ = false;
  return Violation::none;
}

}  // namespace parley::codec
