#include "io/slices.h"

#include "io/core.h"

namespace parley::detail {

void Slices::add(Sliced& work) noexcept {
  work.slices_ = 0;
  short_.push_back(work);
}

void Slices::turn(Core& core) noexcept {
  if (Sliced* work = long_.first()) {
    work->go_on();
    core.flush_cork();
  }
  left_ = slice_bytes;
  while (left_ != 0 && !short_.empty()) {
    Sliced& work = *short_.first();
    work.unlist();
    (++work.slices_ < short_slices_max ? short_ : long_).push_back(work);
    work.go_on();
    core.flush_cork();
  }
}

}  // namespace parley::detail
