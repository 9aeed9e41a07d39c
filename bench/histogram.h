// Latencies, counted in buckets 1/32 of their value wide (3 %), from 1 ns to 2^40.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void add(std::int64_t ns) noexcept {
    counts_[bucket(static_cast<std::uint64_t>(ns > 0 ? ns : 0))] += 1;
    total_ += 1;
  }
  void clear() noexcept { *this = {}; }
  std::uint64_t total() const noexcept { return total_; }

  // The value that `share` of all are not above; 0.5 is the median.
  double quantile_us(double share) const noexcept {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return static_cast<double>(value(i)) / 1000;
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static constexpr unsigned fine_bits = 5;
  static constexpr std::size_t fine = 1 << fine_bits;

  static std::size_t bucket(std::uint64_t ns) noexcept {
    if (ns < fine) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - fine_bits - 1;
    const std::size_t found = shift * fine + (ns >> shift);
    return found < count ? found : count - 1;
  }
  static std::uint64_t value(std::size_t bucket) noexcept {
    if (bucket < 2 * fine) return bucket;
    const std::size_t shift = bucket / fine - 1;
    return (bucket % fine + fine) << shift;
  }

  static constexpr std::size_t count = 36 * fine;
  std::array<std::uint64_t, count> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace bench
