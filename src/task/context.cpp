#include <parley/detail/context.h>

#include <algorithm>

#include "task/ready.h"

namespace parley::detail {

void Context::ready(Error outcome) noexcept {
  set(outcome);
  pending_ = nullptr;
  enqueue(core(), *this);
}

void Context::stop(Stop level, Errc reason) noexcept {
  if (level <= stop_) return;
  stop_ = level;
  reason_ = reason;
  if (!queued_ && pending_) pending_->stop(*this, level, reason);
}

}  // namespace parley::detail
