#include "io/helper.h"

#include <utility>

#include "io/core.h"
#include "io/thread.h"

namespace parley::detail {

void Helper::turn() noexcept {
  if (!wants_turn()) return;
  Costly& work = *waiting_.first();
  work.unlist();
  if (give(work)) return;
  work.work();
  work.worked();
  core_.flush_cork();
}

// False: the loop has to do it.
bool Helper::give(Costly& work) noexcept {
  if (!has_thread_) return false;
  if (!thread_.joinable()) {
    has_thread_ = has_several_cores();
    if (!has_thread_) return false;
    auto thread = start_thread([this] { run(); });
    has_thread_ = thread.has_value();
    if (!thread) return false;
    thread_ = std::move(*thread);
  }
  away_ = &work;
  {
    std::lock_guard lock(mutex_);
    given_ = &work;
  }
  changed_.notify_one();
  return true;
}

void Helper::came_back() noexcept { std::exchange(away_, nullptr)->worked(); }

void Helper::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return given_ || is_over_; });
    if (!given_) return;
    Costly& work = *std::exchange(given_, nullptr);
    lock.unlock();
    work.work();
    core_.post([this] { came_back(); });
    lock.lock();
  }
}

void Helper::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_one();
  thread_.join();
  away_ = nullptr;
}

}  // namespace parley::detail
