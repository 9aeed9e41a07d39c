// permessage-deflate (RFC 7692): what a server or a client wishes of it.
//
// Compressing costs time, and memory for each connection (docs/limits.md has figures), so it is off until it is asked
// for: ServeOptions::deflate, ConnectOptions::deflate. It then is used if the peer wants it, too.
//
// What comes is inflated in slices, and others go on meanwhile. What is sent is compressed at once, which
// takes 30 us for 16 KiB of JSON (300 at level 9): a message of many MiB is better sent in parts (send_some()).
#pragma once

#include <cstddef>
#include <cstdint>

namespace parley::ws {

// Out of these ranges: Errc::invalid_argument for a client; a programmer's error for a server.
struct DeflateOptions {
  // What `level` may well be: 1 KiB of JSON becomes about 34 %, 27 % or 25 % of itself, in 3, 8 or 22 us.
  static constexpr std::uint8_t fast = 1;
  static constexpr std::uint8_t ratio = 6;
  static constexpr std::uint8_t best = 9;

  // Each message is compressed by itself: messages become larger, and an idle session keeps nothing of the last one.
  // What a client asks of the server it gets, or the handshake fails; the other way round a client may always be asked.
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  // 8 to 15: how far back the server (the client) may refer: 2^n bytes, which is what both sides keep for that
  // direction, of LoopOptions::deflate_windows_bytes_max. A server limits the client's only if the client allows it; a
  // client that limits the server's gets that, or no compression, or from a server that doesn't know it an error.
  // 0: 12 for either; of the server's nothing is said to the peer.
  std::uint8_t server_max_window_bits = 0;
  std::uint8_t client_max_window_bits = 0;

  // 0 (none) to 9 (best): of what is sent. 1 to 3: ISA-L, with codes that are known beforehand for messages under
  // 4 KiB; 4 to 6: ISA-L; 7 to 9: zlib. Without ISA-L: zlib.
  std::uint8_t level = fast;
  std::size_t message_bytes_min = 64;  // a shorter message is sent as it is
};

// Whether a message is compressed, if the session compresses at all. One that would not become shorter never is.
enum class Compress : std::uint8_t {
  automatic,  // if it has message_bytes_min bytes; of a message in parts, if its first part has, or isn't the last
  always,
  never,  // of use for what is compressed already, or holds a secret beside what somebody else chose (CRIME)
};

}  // namespace parley::ws
