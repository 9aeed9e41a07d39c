// The Close frame (RFC 6455, 5.5.1 and 7.4): a status code and a reason, or nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <parley/bytes.h>

#include "codec/frame.h"

namespace parley::codec {

// "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint. It is
// designated for use in applications expecting a status code to indicate that no status code was actually present."
constexpr std::uint16_t no_code = 1005;
// "1006 is a reserved value [...] to indicate that the connection was closed abnormally".
constexpr std::uint16_t abnormal_code = 1006;

constexpr std::size_t close_reason_bytes_max = control_payload_bytes_max - 2;

// May this code stand in a Close frame?
bool may_be_sent(std::uint16_t code) noexcept;

struct CloseBody {
  std::uint16_t code = no_code;
  std::string_view reason;  // a view of the payload
};

// Reads the payload of a Close frame.
Violation read_close(Bytes payload, CloseBody& body) noexcept;

// Writes one; how many bytes it takes. no_code gives an empty payload. A reason that is too long is cut, between
// characters.
std::size_t write_close(std::span<std::byte, control_payload_bytes_max> out, const CloseBody& body) noexcept;

}  // namespace parley::codec
