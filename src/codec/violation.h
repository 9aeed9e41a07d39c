// What a peer can do wrong on an open WebSocket connection, and the one thing that is not its fault. The list is
// closed; each entry has the close code that answers it and a phrase for a log.
#pragma once

#include <cstdint>
#include <string_view>

namespace parley::codec {

enum class Violation : std::uint8_t {
  none = 0,
  reserved_bits,        // RFC 6455, 5.2
  reserved_opcode,      // 5.2
  length_not_minimal,   // 5.2
  length_high_bit,      // 5.2
  not_masked,           // 5.1: a client's frame
  masked,               // 5.1: a server's frame
  control_fragmented,   // 5.5
  control_too_long,     // 5.5
  nothing_to_continue,  // 5.4: a continuation frame outside of a message
  message_interrupted,  // 5.4: a new message inside of another
  not_utf8,             // 8.1
  close_too_short,      // 5.5.1: a body of one byte
  close_code,           // 7.4: a code that must not be sent
  close_reason,         // 5.5.1: not UTF-8
  deflate_broken,       // RFC 7692, 7.2.2: the bytes do not inflate
  message_too_large,    // more than message_bytes_max
  too_many_fragments,   // more than fragments_max
  no_memory,            // on this side
};

// The status code of the Close frame that answers it (RFC 6455, 7.4.1).
std::uint16_t close_code(Violation violation) noexcept;

// "a frame that is not masked"
std::string_view phrase(Violation violation) noexcept;

}  // namespace parley::codec
