// Sessions: those of one loop, side by side, and their clock of whole seconds.
#pragma once

#include <cstdint>

#include "base/slab.h"
#include "io/core.h"
#include "ws/session_core.h"

namespace parley::ws {

class Sessions final : private detail::Timer {
 public:
  static Sessions& of(detail::Core& core);  // it lives as long as the loop

  explicit Sessions(detail::Core& core) noexcept : Timer(&Sessions::over), core_(core) {}
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // Where a session is made, and that it is gone.
  void* take();
  void give_back(void* session) noexcept;

  std::uint32_t second() const noexcept { return second_; }  // of the time during which there were sessions

 private:
  static void over(Timer& timer) noexcept;

  detail::Core& core_;
  std::uint32_t second_ = 0;
  Slab<SessionCore> slab_;
};

}  // namespace parley::ws
