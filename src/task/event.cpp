#include <parley/event.h>

namespace parley {

void Event::set() noexcept {
  if (waiter_) {
    std::exchange(waiter_, nullptr)->ready();
  } else {
    set_ = true;
  }
}

void Event::stop(detail::Context& context, Stop level, Errc reason) noexcept {
  if (level < stops_at_) return;
  waiter_ = nullptr;
  context.ready(Error{reason, 0});
}

bool Event::Wait::wait(std::coroutine_handle<> waiter) noexcept {
  if (event_->waiter_) {
    context_->set(Error{Errc::already, 0});
    return false;
  }
  if (!context_->wait(*event_, waiter, stops_at_)) return false;
  event_->stops_at_ = stops_at_;
  event_->waiter_ = context_;
  return true;
}

}  // namespace parley
