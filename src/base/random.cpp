#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace parley {
namespace {

// Steele, Lea and Flood (2014). It makes of any seed, 0 too, a state that is not all zero, which xoshiro needs.
std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Result<void> strong_random(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t filled = getrandom(out.data(), out.size(), 0);
    if (filled >= 0) {
      out = out.subspan(static_cast<std::size_t>(filled));
    } else if (errno != EINTR) {
      return std::unexpected(Error::from_errno(errno));
    }
  }
  return {};
}

Random::Random(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) word = split_mix(seed);
}

std::uint64_t Random::operator()() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  PARLEY_CHECK(bound > 0, "Random::below(0): there is no number below 0");
  // The numbers left over when 2^64 is divided by the bound are refused, so that all remainders are equally likely.
  const std::uint64_t left_over = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t number = (*this)();
    if (number >= left_over) return number % bound;
  }
}

std::uint64_t Random::between(std::uint64_t first, std::uint64_t last) noexcept {
  PARLEY_CHECK(first <= last, "Random::between(): the last number is below the first");
  const std::uint64_t span = last - first;
  return span == max() ? (*this)() : first + below(span + 1);
}

bool Random::chance(double probability) noexcept {
  // 53 bits are what a double holds: an even number in [0, 1).
  return static_cast<double>((*this)() >> 11) * 0x1p-53 < probability;
}

void Random::fill(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const std::uint64_t number = (*this)();
    const std::size_t size = std::min(out.size(), sizeof number);
    std::memcpy(out.data(), &number, size);
    out = out.subspan(size);
  }
}

}  // namespace parley
