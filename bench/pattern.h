// What the load sends, and expects back: an endless repetition of random bytes whose period is a prime, so that bytes
// lost, doubled or moved between connections don't go unseen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bench {

class Pattern {
 public:
  static constexpr std::size_t period_bytes = 65521;

  // at() may be read for `run_bytes_max` from any place.
  explicit Pattern(std::size_t run_bytes_max) : bytes_(period_bytes + run_bytes_max) {
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      bytes_[i] = i < period_bytes ? static_cast<char>(state >> 56) : bytes_[i - period_bytes];
    }
  }

  const char* at(std::uint64_t place) const noexcept { return bytes_.data() + place % period_bytes; }
  bool matches(std::uint64_t place, const char* bytes, std::size_t size) const noexcept {
    return std::memcmp(at(place), bytes, size) == 0;
  }

 private:
  std::vector<char> bytes_;
};

}  // namespace bench
