// Randomness of two kinds: strong bytes from the kernel, for what a peer must not guess; and Random, a small generator
// that gives the same numbers for the same seed, for simulation and for jitter. Random is no secret: three of its
// outputs are enough to know the rest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <parley/error.h>

namespace parley {

// Fills `out` from getrandom(2). It waits only while the machine, just started, has gathered too little entropy. Fails
// where a system call filter refuses getrandom(); `out` is then of no use. Safe to use from any thread.
[[nodiscard]] Result<void> strong_random(std::span<std::byte> out) noexcept;

// xoshiro256** by Blackman and Vigna (2018), its state filled by SplitMix64 from the seed. 32 bytes, a copy continues
// as the original does. Fit for std::shuffle and the distributions of <random>, whose results, unlike those of the
// members here, differ between standard libraries. One thread at a time.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed) noexcept;

  std::uint64_t operator()() noexcept;
  static constexpr std::uint64_t min() noexcept { return 0; }
  static constexpr std::uint64_t max() noexcept { return std::numeric_limits<std::uint64_t>::max(); }

  // Even over 0 … bound - 1. A bound of 0 is a programmer's error.
  std::uint64_t below(std::uint64_t bound) noexcept;
  // Even over first … last, both included. last < first is a programmer's error.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept;
  // True with this probability; 0 and less is never, 1 and more is always.
  bool chance(double probability) noexcept;
  void fill(std::span<std::byte> out) noexcept;

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace parley
