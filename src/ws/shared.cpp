#include "ws/shared.h"

#include "base/check.h"
#include "base/random.h"
#include "ws/session_core.h"

namespace parley::ws {

codec::MaskKey MaskKeys::next() {
  if (at_ == count) {
    const auto filled = strong_random(std::as_writable_bytes(std::span(keys_)));
    PARLEY_CHECK(filled.has_value(), "no random bytes for masking keys: getrandom() fails");
    at_ = 0;
  }
  return keys_[at_++];
}

Shared::Shared(detail::Core& loop_core, codec::Role session_role, const Limits& session_limits) noexcept
    : Timer(&Shared::over),
      core(loop_core),
      role(session_role),
      limits(session_limits),
      is_plain_server(session_role == codec::Role::server) {}

void Shared::observe(FrameObserver frame, void* state) noexcept {
  observer = frame;
  observer_state = state;
  is_plain_server = role == codec::Role::server && !frame;
}

Shared::~Shared() { detail::cancel(core, *this); }

void Shared::add(SessionCore& session) noexcept {
  sessions_.push_front(session);
  if (!pending()) detail::start(core, *this, std::chrono::seconds(1));
}

void Shared::remove(SessionCore& session) noexcept {
  session.unlist();
  if (!sessions_.empty()) return;
  detail::cancel(core, *this);
  if (released_) delete this;  // owned: by its last session
}

void Shared::release() noexcept {
  released_ = true;
  if (sessions_.empty()) delete this;  // owned: by its maker
}

void Shared::over(Timer& timer) noexcept {
  auto& shared = static_cast<Shared&>(timer);
  shared.second += 1;
  detail::start(shared.core, shared, std::chrono::seconds(1));
  for (SessionCore* session = shared.sessions_.first(); session;) {
    SessionCore* next = session->next();  // what a tick closes is only unlisted later, by its own timer or stream
    session->tick(shared.second);
    session = next;
  }
}

}  // namespace parley::ws
