#include "ws/sessions.h"

#include <chrono>

#include "base/check.h"

namespace parley::ws {

Sessions& Sessions::of(detail::Core& core) {
  if (!core.sessions) core.sessions = std::make_shared<Sessions>(core);
  return *core.sessions;
}

Sessions::~Sessions() { PARLEY_CHECK(slab_.empty(), "a Session outlived its Loop"); }

void* Sessions::take() {
  void* session = slab_.take();
  if (slab_.size() == 1) detail::start(core_, *this, std::chrono::seconds(1));
  return session;
}

void Sessions::give_back(void* session) noexcept {
  slab_.give_back(session);
  if (slab_.empty()) detail::cancel(core_, *this);
}

// What a tick closes is only destroyed later, by its own timer or stream.
void Sessions::over(Timer& timer) noexcept {
  auto& sessions = static_cast<Sessions&>(timer);
  sessions.second_ += 1;
  detail::start(sessions.core_, sessions, std::chrono::seconds(1));
  sessions.slab_.for_each([&](SessionCore& session) { session.tick(sessions.second_); });
}

}  // namespace parley::ws
