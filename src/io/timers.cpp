#include "io/timers.h"

#include <utility>

namespace parley::detail {
namespace {

// Of two heaps one, under the earlier root. The result's place is not set.
Timer* meld(Timer* a, Timer* b) noexcept {
  if (!a) return b;
  if (!b) return a;
  if (b->due < a->due) std::swap(a, b);
  b->sibling = a->child;
  if (b->sibling) b->sibling->place = &b->sibling;
  a->child = b;
  b->place = &a->child;
  return a;
}

// Two passes: pairs from the left, then all of them from the right.
Timer* meld_all(Timer* first) noexcept {
  Timer* pairs = nullptr;
  while (first) {
    Timer* a = first;
    Timer* b = a->sibling;
    first = b ? b->sibling : nullptr;
    a->sibling = nullptr;
    if (b) b->sibling = nullptr;
    Timer* pair = meld(a, b);
    pair->sibling = pairs;
    pairs = pair;
  }
  Timer* root = nullptr;
  while (pairs) {
    Timer* pair = pairs;
    pairs = pair->sibling;
    pair->sibling = nullptr;
    root = meld(root, pair);
  }
  return root;
}

}  // namespace

void Timers::add(Timer& timer, Time due) noexcept {
  timer.due = due;
  timer.child = timer.sibling = nullptr;
  root_ = meld(root_, &timer);
  root_->place = &root_;
}

void Timers::remove(Timer& timer) noexcept {
  *timer.place = timer.sibling;
  if (timer.sibling) timer.sibling->place = timer.place;
  Timer* orphans = meld_all(timer.child);
  timer.place = nullptr;
  timer.child = timer.sibling = nullptr;
  root_ = meld(root_, orphans);
  if (root_) root_->place = &root_;
}

Timer* Timers::take_due(Time now) noexcept {
  if (!root_ || root_->due > now) return nullptr;
  Timer* timer = root_;
  remove(*timer);
  return timer;
}

}  // namespace parley::detail
