// Masking (RFC 6455, 5.3): "Octet i of the transformed data is the XOR of octet i of the original data with octet at
// index i modulo 4 of the masking key". The same transformation masks and unmasks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace parley::codec {

// The four octets of the key as they lie in memory.
using MaskKey = std::uint32_t;

// The key for what follows after `by` octets: octet `by` of the old one first.
constexpr MaskKey turn(MaskKey key, std::size_t by) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return std::rotr(key, static_cast<int>(8 * (by % 4)));
}

// Transforms in place. A key of zero changes nothing and costs nothing.
void mask(std::span<std::byte> bytes, MaskKey key) noexcept;

}  // namespace parley::codec
