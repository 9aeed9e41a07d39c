#include "cli/limits.h"

#include <algorithm>
#include <utility>

namespace parley::cli {

bool Places::are_full(Door& door, Change& began) {
  if (most_ == 0) return false;
  std::lock_guard lock(mutex_);
  return taken_ >= most_ && wait(door, began);
}

bool Places::take(Door& door, Change& began) {
  if (most_ == 0) return true;
  std::lock_guard lock(mutex_);
  if (taken_ >= most_) return !wait(door, began);
  ++taken_;
  return true;
}

bool Places::wait(Door& door, Change& began) {
  began = waiting_.empty() ? Change::happened : Change::none;
  if (std::ranges::find(waiting_, &door) == waiting_.end()) waiting_.push_back(&door);
  return true;
}

Places::Change Places::give_back() {
  if (most_ == 0) return Change::none;
  std::lock_guard lock(mutex_);
  --taken_;
  if (waiting_.empty()) return Change::none;
  for (Door* door : std::exchange(waiting_, {})) door->loop->post([door] { door->opened.set(); });
  return Change::happened;
}

}  // namespace parley::cli
