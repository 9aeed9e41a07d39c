#include "ws/shared.h"

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

Shared::Shared(detail::Core& loop_core, codec::Role session_role, const Limits& session_limits)
    : core(loop_core),
      sessions(Sessions::of(loop_core)),
      role(session_role),
      limits(session_limits),
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
