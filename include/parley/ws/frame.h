// Frame: one frame on the wire, for those who want to watch (ServeOptions::frame, ConnectOptions::frame).
#pragma once

#include <cstdint>

#include <parley/bytes.h>

namespace parley::ws {

// RFC 6455, 5.2. Valid while it is shown.
struct Frame {
  bool sent = false;  // by this side
  bool fin = false;
  bool rsv1 = false;        // compressed (RFC 7692, 6)
  std::uint8_t opcode = 0;  // 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong
  bool masked = false;
  std::uint64_t payload_bytes = 0;
  Bytes begin;  // of the payload, without its mask: as much as was there in one piece, or all
};

// Called on the loop's thread for each frame that is received (when its turn comes) or sent (when it is queued). It
// must not use the session.
using FrameObserver = void (*)(const Frame& frame, void* state);

}  // namespace parley::ws
