#if defined(__aarch64__)
#include <arm_neon.h>

#include <cstring>

#include "codec/kernels/kernels.h"
#include "codec/kernels/lookup.h"

namespace parley::codec {
namespace {

constexpr std::size_t step = 64;  // four registers
constexpr std::size_t quarter = 16;

uint8x16_t load(const std::byte* at) noexcept { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at)); }

void store(std::byte* at, uint8x16_t bytes) noexcept { vst1q_u8(reinterpret_cast<std::uint8_t*>(at), bytes); }

uint8x16_t look_up(const lookup::Table& table, uint8x16_t halves) noexcept {
  return vqtbl1q_u8(vld1q_u8(table.data()), halves);
}

struct Check {
  uint8x16_t before = vdupq_n_u8(0);
  uint8x16_t mistakes = vdupq_n_u8(0);
  bool open = false;

  void pairs(uint8x16_t bytes) noexcept {
    const uint8x16_t low_half = vdupq_n_u8(0x0F);
    const uint8x16_t one_back = vextq_u8(before, bytes, 15);
    const uint8x16_t two_back = vextq_u8(before, bytes, 14);
    const uint8x16_t three_back = vextq_u8(before, bytes, 13);
    const uint8x16_t by_high = look_up(lookup::first_high, vshrq_n_u8(one_back, 4));
    const uint8x16_t by_low = look_up(lookup::first_low, vandq_u8(one_back, low_half));
    const uint8x16_t by_next = look_up(lookup::second_high, vshrq_n_u8(bytes, 4));
    const uint8x16_t found = vandq_u8(vandq_u8(by_high, by_low), by_next);
    const uint8x16_t third = vqsubq_u8(two_back, vdupq_n_u8(lookup::three_bytes_less_high_bit));
    const uint8x16_t fourth = vqsubq_u8(three_back, vdupq_n_u8(lookup::four_bytes_less_high_bit));
    const uint8x16_t asked = vandq_u8(vorrq_u8(third, fourth), vdupq_n_u8(0x80));
    mistakes = vorrq_u8(mistakes, veorq_u8(found, asked));
    before = bytes;
  }
  void take(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) noexcept {
    const bool ascii = vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) < 0x80;
    if (ascii && !open) {
      before = d;
    } else {
      pairs(a);
      pairs(b);
      pairs(c);
      pairs(d);
    }
    open = !ascii;
  }
  bool passed() noexcept {
    if (open) pairs(vdupq_n_u8(0));
    return vmaxvq_u8(mistakes) == 0;
  }
};

template <bool masked>
void take(Check& check, std::byte* at, uint8x16_t wide) noexcept {
  uint8x16_t parts[4];
  for (std::size_t i = 0; i < 4; ++i) {
    parts[i] = load(at + i * quarter);
    if constexpr (masked) {
      parts[i] = veorq_u8(parts[i], wide);
      store(at + i * quarter, parts[i]);
    }
  }
  check.take(parts[0], parts[1], parts[2], parts[3]);
}

template <bool masked>
bool check(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const uint8x16_t wide = vreinterpretq_u8_u32(vdupq_n_u32(key));
  Check check;
  for (; bytes >= step; at += step, bytes -= step) take<masked>(check, at, wide);
  if (bytes != 0) {  // with ASCII behind it
    std::byte rest[step] = {};
    std::memcpy(rest, at, bytes);
    if constexpr (masked) {
      scalar_kernels.mask(rest, bytes, key);
      std::memcpy(at, rest, bytes);
    }
    take<false>(check, rest, wide);
  }
  return check.passed();
}

void mask(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const uint8x16_t wide = vreinterpretq_u8_u32(vdupq_n_u32(key));
  for (; bytes >= quarter; at += quarter, bytes -= quarter) store(at, veorq_u8(load(at), wide));
  scalar_kernels.mask(at, bytes, key);
}

bool is_utf8(const std::byte* at, std::size_t bytes) noexcept {
  return check<false>(const_cast<std::byte*>(at), bytes, 0);
}

bool mask_is_utf8(std::byte* at, std::size_t bytes, MaskKey key) noexcept { return check<true>(at, bytes, key); }

}  // namespace

const Kernels neon_kernels{"neon", mask, is_utf8, mask_is_utf8};

}  // namespace parley::codec
#endif
