#include <parley/detail/context.h>

#include <algorithm>

#include "task/ready.h"

namespace parley::detail {
namespace {

// To be copied: g++ puts a Result<void> together in memory, byte by byte, and loads it at once in one piece, for which
// a processor must wait. It is no constant, or g++ would put that together, too.
constinit Result<void> success;

}  // namespace

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

[[gnu::hot]] Result<void> Context::result_of(const Context* context) noexcept {
  if (!context) [[unlikely]]
    return fail(Errc::closed);
  if (context->outcome_.code != Errc::none) [[unlikely]]
    return std::unexpected(context->outcome_);
  return success;
}

}  // namespace parley::detail
