#include "codec/close.h"

#include <algorithm>

#include "codec/utf8.h"

namespace parley::codec {

bool may_be_sent(std::uint16_t code) noexcept {
  // "Status codes in the range 0-999 are not used." (7.4.2)
  if (code < 1000) return false;
  // "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future revisions": 1000 to
  // 1003 and 1007 to 1011 here (7.4.1), 1012 to 1014 by registration since (11.7).
  if (code < 3000) return code <= 1014 && code != 1004 && code != no_code && code != abnormal_code;
  // "3000-3999 are reserved for use by libraries, frameworks, and applications", "4000-4999 are reserved for private
  // use".
  return code < 5000;
}

Violation read_close(Bytes payload, CloseBody& body) noexcept {
  if (payload.empty()) return Violation::none;
  // "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer" (5.5.1)
  if (payload.size() < 2) return Violation::close_too_short;
  body.code =
      static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]));
  if (!may_be_sent(body.code)) return Violation::close_code;
  // "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/" (5.5.1)
  body.reason = as_text(payload.subspan(2));
  Utf8 utf8;
  if (!utf8.feed(payload.subspan(2)) || !utf8.is_whole()) return Violation::close_reason;
  return Violation::none;
}

std::size_t write_close(std::span<std::byte, control_payload_bytes_max> out, const CloseBody& body) noexcept {
  if (body.code == no_code) return 0;
  out[0] = static_cast<std::byte>(body.code >> 8);
  out[1] = static_cast<std::byte>(body.code);
  std::size_t length = std::min(body.reason.size(), close_reason_bytes_max);
  const auto continues = [&](std::size_t at) {
    return at < body.reason.size() && (static_cast<unsigned char>(body.reason[at]) & 0xC0) == 0x80;
  };
  while (length > 0 && continues(length)) --length;
  std::ranges::copy(as_bytes(body.reason.substr(0, length)), out.begin() + 2);
  return 2 + length;
}

}  // namespace parley::codec
