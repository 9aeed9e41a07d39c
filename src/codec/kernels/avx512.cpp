#if defined(__x86_64__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 warns of its own header
#endif
#include <immintrin.h>

#include "codec/kernels/kernels.h"
#include "codec/kernels/lookup.h"

// As in avx2.cpp.
#define PARLEY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2")))
#define PARLEY_AVX512_INLINE __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2"), always_inline)) inline

namespace parley::codec {
namespace {

constexpr std::size_t step = 64;

PARLEY_AVX512_INLINE __m512i look_up(const lookup::Table& table, __m512i halves) noexcept {
  const __m128i once = _mm_load_si128(reinterpret_cast<const __m128i*>(table.data()));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(once), halves);
}

PARLEY_AVX512_INLINE bool is_ascii(__m512i bytes) noexcept { return _mm512_movepi8_mask(bytes) == 0; }

// `mistakes`, and those of the pairs that end in `bytes`; `before` lies in front of them.
PARLEY_AVX512_INLINE __m512i pairs(__m512i mistakes, __m512i before, __m512i bytes) noexcept {
  constexpr int and_all = 0x80;     // a & b & c
  constexpr int either_and = 0xA8;  // (a | b) & c
  constexpr int or_differ = 0xF6;   // a | (b ^ c)
  const __m512i low_half = _mm512_set1_epi8(0x0F);
  const __m512i straddling = _mm512_alignr_epi64(bytes, before, 6);
  const __m512i one_back = _mm512_alignr_epi8(bytes, straddling, 15);
  const __m512i two_back = _mm512_alignr_epi8(bytes, straddling, 14);
  const __m512i three_back = _mm512_alignr_epi8(bytes, straddling, 13);
  const __m512i by_high = look_up(lookup::first_high, _mm512_and_si512(_mm512_srli_epi16(one_back, 4), low_half));
  const __m512i by_low = look_up(lookup::first_low, _mm512_and_si512(one_back, low_half));
  const __m512i by_next = look_up(lookup::second_high, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_half));
  const __m512i found = _mm512_ternarylogic_epi64(by_high, by_low, by_next, and_all);
  const __m512i third = _mm512_subs_epu8(two_back, _mm512_set1_epi8(lookup::three_bytes_less_high_bit));
  const __m512i fourth = _mm512_subs_epu8(three_back, _mm512_set1_epi8(lookup::four_bytes_less_high_bit));
  const __m512i high_bit = _mm512_set1_epi8(static_cast<char>(0x80));
  const __m512i asked = _mm512_ternarylogic_epi64(third, fourth, high_bit, either_and);
  return _mm512_ternarylogic_epi64(mistakes, found, asked, or_differ);
}

struct Check {
  __m512i before;
  __m512i mistakes;
  bool open;

  PARLEY_AVX512_INLINE Check() noexcept
      : before(_mm512_setzero_si512()), mistakes(_mm512_setzero_si512()), open(false) {}

  PARLEY_AVX512_INLINE void note(__m512i front, __m512i bytes) noexcept { mistakes = pairs(mistakes, front, bytes); }
  PARLEY_AVX512_INLINE void take(__m512i bytes) noexcept {
    const bool ascii = is_ascii(bytes);
    if (!ascii || open) note(before, bytes);
    before = bytes;
    open = !ascii;
  }
  // Four at once: their lookups overlap.
  PARLEY_AVX512_INLINE void take(__m512i a, __m512i b, __m512i c, __m512i d) noexcept {
    const bool ascii = is_ascii(_mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)));
    if (!ascii || open) {
      const __m512i ab = pairs(pairs(mistakes, before, a), a, b);
      const __m512i cd = pairs(pairs(_mm512_setzero_si512(), b, c), c, d);
      mistakes = _mm512_or_si512(ab, cd);
    }
    before = d;
    open = !ascii;
  }
  PARLEY_AVX512_INLINE bool passed() noexcept {
    if (open) note(before, _mm512_setzero_si512());
    return _mm512_test_epi8_mask(mistakes, mistakes) == 0;
  }
};

template <bool masked>
PARLEY_AVX512_INLINE __m512i load(std::byte* at, __m512i wide) noexcept {
  __m512i bytes = _mm512_loadu_si512(at);
  if constexpr (masked) {
    bytes = _mm512_xor_si512(bytes, wide);
    _mm512_storeu_si512(at, bytes);
  }
  return bytes;
}

PARLEY_AVX512_INLINE __mmask64 first_of_register(std::size_t bytes) noexcept {
  return _bzhi_u64(~0ULL, static_cast<unsigned>(bytes));
}

template <bool masked>
PARLEY_AVX512_INLINE bool check(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const __m512i wide = _mm512_set1_epi32(static_cast<int>(key));
  Check check;
  for (; bytes >= 4 * step; at += 4 * step, bytes -= 4 * step) {
    const __m512i a = load<masked>(at, wide);
    const __m512i b = load<masked>(at + step, wide);
    const __m512i c = load<masked>(at + 2 * step, wide);
    const __m512i d = load<masked>(at + 3 * step, wide);
    check.take(a, b, c, d);
  }
  for (; bytes >= step; at += step, bytes -= step) check.take(load<masked>(at, wide));
  if (bytes != 0) {  // with ASCII behind it
    const __mmask64 rest = first_of_register(bytes);
    __m512i last = _mm512_maskz_loadu_epi8(rest, at);
    if constexpr (masked) {
      last = _mm512_maskz_mov_epi8(rest, _mm512_xor_si512(last, wide));
      _mm512_mask_storeu_epi8(at, rest, last);
    }
    check.take(last);
  }
  return check.passed();
}

[[gnu::hot]] PARLEY_AVX512 void mask(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const __m512i wide = _mm512_set1_epi32(static_cast<int>(key));
  for (; bytes >= 4 * step; at += 4 * step, bytes -= 4 * step) {
    load<true>(at, wide);
    load<true>(at + step, wide);
    load<true>(at + 2 * step, wide);
    load<true>(at + 3 * step, wide);
  }
  for (; bytes >= step; at += step, bytes -= step) load<true>(at, wide);
  if (bytes == 0) return;
  const __mmask64 rest = first_of_register(bytes);
  _mm512_mask_storeu_epi8(at, rest, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, at), wide));
}

PARLEY_AVX512 bool is_utf8(const std::byte* at, std::size_t bytes) noexcept {
  return check<false>(const_cast<std::byte*>(at), bytes, 0);
}

[[gnu::hot]] PARLEY_AVX512 bool mask_is_utf8(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  return check<true>(at, bytes, key);
}

}  // namespace

const Kernels avx512_kernels{"avx512", mask, is_utf8, mask_is_utf8};

}  // namespace parley::codec
#endif
