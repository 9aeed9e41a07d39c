// The keys of the opening handshake (RFC 6455, 1.3 and 4), and base64 (RFC 4648, 4). SHA-1 and base64 are OpenSSL's.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <parley/bytes.h>

namespace parley::codec {

// 16 bytes of strong_random() for each connection (base/random.h).
using Nonce = std::array<std::byte, 16>;

std::string base64(Bytes bytes);

// "The value of this header field MUST be a nonce consisting of a randomly selected 16-byte value that has been
// base64-encoded" (4.1)
std::string websocket_key(const Nonce& nonce);

// A "base64-encoded (see Section 4 of [RFC4648]) value that, when decoded, is 16 bytes in length" (4.2.1)
bool is_websocket_key(std::string_view key) noexcept;

// The value of Sec-WebSocket-Accept that answers `key`; empty if this machine has no SHA-1.
std::string websocket_accept(std::string_view key);

}  // namespace parley::codec
