// Counts its live objects: what g++ 12 destroys twice, or never, shows.
#pragma once

#include <utility>

namespace parley {

struct Counted {
  static inline int live = 0;

  explicit Counted(int number = 0) noexcept : value(number) { ++live; }
  Counted(const Counted& other) noexcept : value(other.value) { ++live; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++live; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --live; }

  explicit operator bool() const noexcept { return value > 0; }

  int value;
};

}  // namespace parley
