#include "codec/utf8.h"

#include <algorithm>
#include <cstddef>

#include "codec/kernels/kernels.h"

namespace parley::codec {
namespace {

// By bench/kernels_bench.cpp: fewer are quicker one by one, and in two passes.
constexpr std::size_t kernel_bytes_min = 32;
constexpr std::size_t one_pass_bytes_min = 256;

// How many bytes at the end, at most three, begin a character that is not whole.
std::size_t half_character(Bytes bytes, MaskKey key) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const std::size_t at = bytes.size() - back;
    const auto byte = std::to_integer<std::uint8_t>(bytes[at] ^ static_cast<std::byte>(turn(key, at)));
    if (byte < 0x80) return 0;
    if (byte >= 0xC0) return back < (byte >= 0xF0 ? 4u : byte >= 0xE0 ? 3u : 2u) ? back : 0;
  }
  return 0;
}

}  // namespace

[[gnu::hot]] bool Utf8::feed(Bytes bytes) noexcept {
  if (bytes.size() < kernel_bytes_min) return pass_through(state_, bytes);
  while (state_ != Utf8State::start) {  // at most three bytes
    if (!pass_through(state_, bytes.first(1))) return false;
    bytes = bytes.subspan(1);
  }
  const std::size_t whole = bytes.size() - half_character(bytes, 0);
  if (!kernels().is_utf8(bytes.data(), whole)) {
    state_ = Utf8State::invalid;
    return false;
  }
  return pass_through(state_, bytes.subspan(whole));
}

[[gnu::hot]] bool Utf8::feed_masked(std::span<std::byte> bytes, MaskKey key) noexcept {
  if (bytes.size() < one_pass_bytes_min || key == 0) {
    mask(bytes, key);
    return feed(bytes);
  }
  while (state_ != Utf8State::start) {
    mask(bytes.first(1), key);
    if (!pass_through(state_, bytes.first(1))) return false;
    bytes = bytes.subspan(1);
    key = turn(key, 1);
  }
  const std::size_t whole = bytes.size() - half_character(bytes, key);
  if (!kernels().mask_is_utf8(bytes.data(), whole, key)) {
    state_ = Utf8State::invalid;
    return false;
  }
  const std::span<std::byte> rest = bytes.subspan(whole);
  mask(rest, turn(key, whole));
  return pass_through(state_, rest);
}

}  // namespace parley::codec
