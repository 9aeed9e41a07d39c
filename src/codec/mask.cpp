#include "codec/mask.h"

#include <cstring>

#include "codec/kernels/kernels.h"

namespace parley::codec {
namespace {

constexpr std::size_t kernel_bytes_min = 192;  // fewer are quicker in place (bench/kernels_bench.cpp)

}  // namespace

[[gnu::hot]] void mask(std::span<std::byte> bytes, MaskKey key) noexcept {
  if (key == 0) return;
  if (bytes.size() >= kernel_bytes_min) return kernels().mask(bytes.data(), bytes.size(), key);
  std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  const std::uint64_t wide = key | std::uint64_t{key} << 32;
  for (; left >= sizeof wide; at += sizeof wide, left -= sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= wide;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= static_cast<std::byte>(wide >> 8 * i);
}

}  // namespace parley::codec
