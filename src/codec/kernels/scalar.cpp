// Eight bytes at a time, in any processor's own registers.
#include <cstdint>
#include <cstring>

#include "codec/kernels/kernels.h"
#include "codec/kernels/utf8_states.h"

namespace parley::codec {
namespace {

void mask(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const std::uint64_t wide = key | std::uint64_t{key} << 32;
  for (; bytes >= sizeof wide; at += sizeof wide, bytes -= sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= wide;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < bytes; ++i) at[i] ^= static_cast<std::byte>(wide >> 8 * i);
}

bool is_utf8(const std::byte* at, std::size_t bytes) noexcept {
  Utf8State state = Utf8State::start;
  return pass_through(state, {at, bytes}) && state == Utf8State::start;
}

bool mask_is_utf8(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  mask(at, bytes, key);
  return is_utf8(at, bytes);
}

}  // namespace

const Kernels scalar_kernels{"scalar", mask, is_utf8, mask_is_utf8};

}  // namespace parley::codec
