#include "cli/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace parley::cli {

std::size_t Histogram::bucket(std::uint64_t nanoseconds) noexcept {
  constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  if (nanoseconds < fine) return nanoseconds;
  const auto power = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1;  // from fine_bits on
  const std::uint64_t within = (nanoseconds >> (power - fine_bits)) - fine;
  const std::size_t found = ((power - fine_bits + std::size_t{1}) << fine_bits) + within;
  return std::min(found, buckets - 1);
}

std::uint64_t Histogram::upper_end(std::size_t bucket) noexcept {
  constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  if (bucket < fine) return bucket;
  const std::size_t power = (bucket >> fine_bits) - 1;
  return ((fine + (bucket & (fine - 1)) + 1) << power) - 1;
}

void Histogram::add(Time time) noexcept {
  time = std::max(time, Time(0));
  ++counts_[bucket(static_cast<std::uint64_t>(time.count()))];
  ++count_;
  least_ = std::min(least_, time);
  most_ = std::max(most_, time);
}

void Histogram::add(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
}

Histogram::Time Histogram::percentile(double share) const noexcept {
  if (count_ == 0) return Time(0);
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) {
      return std::clamp(Time(static_cast<Time::rep>(upper_end(i))), least_, most_);
    }
  }
  return most_;
}

std::uint64_t Histogram::between(Time from, Time until) const noexcept {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const auto end = Time(static_cast<Time::rep>(upper_end(i)));
    if (end >= from && end < until) found += counts_[i];
  }
  return found;
}

}  // namespace parley::cli
