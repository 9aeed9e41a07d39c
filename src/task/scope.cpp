#include <parley/task.h>

namespace parley::detail {

void Scope::begin(Context& parent, std::coroutine_handle<> waiter) noexcept {
  parent_ = &parent;
  child_.stop(parent.stopped(), parent.reason());
  parent.wait_always(*this, waiter);
  start(child_.core(), *this, after_);
}

void Scope::end() noexcept {
  if (pending()) cancel(child_.core(), *this);
  parent_->done();
}

void Scope::stop(Context&, Stop level, Errc reason) noexcept { child_.stop(level, reason); }

}  // namespace parley::detail
