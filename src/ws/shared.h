// What the sessions of one server, or of one client, share: their loop, limits, and keys.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <parley/ws/deflate.h>
#include <parley/ws/frame.h>
#include <parley/ws/session.h>

#include "codec/frame.h"
#include "io/core.h"

namespace parley::ws {

// Keys for a client's frames. RFC 6455, 5.3: "the masking key MUST be derived from a strong source of entropy, and the
// masking key for a given frame MUST NOT make it simple for a server/proxy to predict the masking key for a subsequent
// frame."
class MaskKeys {
 public:
  codec::MaskKey next();

 private:
  static constexpr std::size_t count = 256;  // fetched from the kernel at once
  std::array<codec::MaskKey, count> keys_{};
  std::size_t at_ = count;
};

class Sessions;

class Shared final {
 public:
  Shared(detail::Core& loop_core, codec::Role session_role, const Limits& session_limits);

  void observe(FrameObserver frame, void* state) noexcept;

  // It lives until its maker has let go of it and the last of its sessions is gone.
  void add() noexcept { count_ += 1; }
  void remove() noexcept;
  void release() noexcept;

  detail::Core& core;
  Sessions& sessions;  // of the loop
  const codec::Role role;
  const Limits limits;
  static constexpr std::size_t subprotocols_max = 127;
  std::vector<std::string> subprotocols;
  DeflateOptions deflate;
  FrameObserver observer = nullptr;
  void* observer_state = nullptr;
  bool is_plain_server = false;  // of the two roles, and nobody watches
  MaskKeys keys;

 private:
  ~Shared() = default;

  std::size_t count_ = 0;  // of sessions
  bool released_ = false;
};

}  // namespace parley::ws
