// Slices: how long work is done on a loop without a thread: one slice of it after the other, and others in between. A
// turn of the loop has so many bytes of work for what is short, the one by turns with the other; and a slice for what
// has shown to be long, of which each is done to its end before the next, so that only one holds much memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/list.h"

namespace parley::detail {

class Core;

class Sliced : public Listed<Sliced> {
 public:
  // Does one slice. Unlists itself when that was the last one for now.
  virtual void go_on() noexcept = 0;

 protected:
  ~Sliced() = default;

 private:
  friend class Slices;
  unsigned slices_ = 0;
};

class Slices {
 public:
  static constexpr std::size_t slice_bytes = 16 * 1024;  // of work: what goes in, and what comes out
  static constexpr unsigned short_slices_max = 4;

  // Is there no work to be done any more in this turn?
  bool is_spent() const noexcept { return left_ == 0; }
  void spend(std::size_t bytes) noexcept { left_ -= std::min(left_, bytes); }
  void spend_all() noexcept { left_ = 0; }

  // It goes on when its turn comes. It may be unlisted before.
  void add(Sliced& work) noexcept;
  bool empty() const noexcept { return short_.empty() && long_.empty(); }
  void turn(Core& core) noexcept;

 private:
  std::size_t left_ = slice_bytes;  // of this turn
  Queue<Sliced> short_;
  Queue<Sliced> long_;
};

}  // namespace parley::detail
