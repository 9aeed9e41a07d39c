// permessage-deflate (RFC 7692): what a server or a client wishes of it.
//
// Compressing costs time and memory for each connection (docs/limits.md has figures), so it is off until it is asked
// for: AcceptOptions::deflate, ConnectOptions::deflate. It then is used if the peer wants it, too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace parley::ws {

// Out of these ranges: Errc::invalid_argument for a client; a programmer's error for a server.
struct DeflateOptions {
  // Each message is compressed by itself: messages become larger, and an idle session keeps nothing of the last one.
  // What a client asks of the server it gets, or the handshake fails; the other way round a client may always be asked.
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  // 8 to 15: how far back the server (the client) may refer: 2^n bytes, which both sides keep. A server limits the
  // client's only if the client allows it.
  std::uint8_t server_max_window_bits = 15;
  std::uint8_t client_max_window_bits = 15;

  std::uint8_t level = 6;              // 0 (none) to 9 (best): of what is sent
  std::uint8_t memory_level = 8;       // 1 (least memory) to 9 (fastest): of what is sent
  std::size_t message_bytes_min = 64;  // a shorter message is sent as it is
};

// Whether a message is compressed, if the session compresses at all.
enum class Compress : std::uint8_t {
  automatic,  // if it has message_bytes_min bytes; of a message in parts, if its first part has, or isn't the last
  always,
  never,  // of use for what is compressed already, or holds a secret beside what somebody else chose (CRIME)
};

}  // namespace parley::ws
