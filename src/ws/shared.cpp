#include "ws/shared.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "base/random.h"
#include "ws/sessions.h"

namespace parley::ws {

codec::MaskKey MaskKeys::next() {
  if (at_ == count) {
    const auto filled = strong_random(std::as_writable_bytes(std::span(keys_)));
    PARLEY_CHECK(filled.has_value(), "no random bytes for masking keys: getrandom() fails");
    at_ = 0;
  }
  return keys_[at_++];
}

namespace {

// Seconds are counted with 16 bits.
Limits countable(Limits limits) noexcept {
  constexpr unsigned seconds_max = UINT16_MAX - 1;
  limits.idle_seconds = std::min(limits.idle_seconds, seconds_max);
  limits.keepalive_seconds = std::min(limits.keepalive_seconds, seconds_max);
  limits.pong_seconds = std::min(limits.pong_seconds, seconds_max - limits.keepalive_seconds);
  return limits;
}

}  // namespace

Shared::Shared(detail::Core& loop_core, codec::Role session_role, const Limits& session_limits)
    : core(loop_core),
      sessions(Sessions::of(loop_core)),
      role(session_role),
      limits(countable(session_limits)),
      is_plain_server(session_role == codec::Role::server) {}

void Shared::observe(FrameObserver frame, void* state) noexcept {
  observer = frame;
  observer_state = state;
  is_plain_server = role == codec::Role::server && !frame;
}

void Shared::remove() noexcept {
  count_ -= 1;
  if (count_ == 0 && released_) delete this;  // owned: by its last session
}

void Shared::release() noexcept {
  released_ = true;
  if (count_ == 0) delete this;  // owned: by its maker
}

}  // namespace parley::ws
