#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "codec/kernels/kernels.h"
#include "codec/kernels/lookup.h"

// Functions of this one file are compiled for AVX2; nobody calls them on a processor that lacks it. An attribute for
// each, and no option for the file, so that no inline function of a header becomes one of them.
#define PARLEY_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define PARLEY_AVX2_INLINE __attribute__((target("avx2,bmi,bmi2"), always_inline)) inline

namespace parley::codec {
namespace {

constexpr std::size_t step = 64;  // two registers
constexpr std::size_t half = 32;

PARLEY_AVX2_INLINE __m256i load(const std::byte* at) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

PARLEY_AVX2_INLINE void store(std::byte* at, __m256i bytes) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), bytes);
}

PARLEY_AVX2_INLINE __m256i look_up(const lookup::Table& table, __m256i halves) noexcept {
  const __m128i once = _mm_load_si128(reinterpret_cast<const __m128i*>(table.data()));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), halves);
}

PARLEY_AVX2_INLINE bool is_ascii(__m256i bytes) noexcept { return _mm256_movemask_epi8(bytes) == 0; }

struct Check {
  __m256i before;    // the bytes in front of the next ones
  __m256i mistakes;  // so far
  bool open;         // the last of them may have begun a character

  PARLEY_AVX2_INLINE Check() noexcept : before(_mm256_setzero_si256()), mistakes(_mm256_setzero_si256()), open(false) {}

  PARLEY_AVX2_INLINE void pairs(__m256i bytes) noexcept {
    const __m256i low_half = _mm256_set1_epi8(0x0F);
    const __m256i straddling = _mm256_permute2x128_si256(before, bytes, 0x21);
    const __m256i one_back = _mm256_alignr_epi8(bytes, straddling, 15);
    const __m256i two_back = _mm256_alignr_epi8(bytes, straddling, 14);
    const __m256i three_back = _mm256_alignr_epi8(bytes, straddling, 13);
    const __m256i by_high = look_up(lookup::first_high, _mm256_and_si256(_mm256_srli_epi16(one_back, 4), low_half));
    const __m256i by_low = look_up(lookup::first_low, _mm256_and_si256(one_back, low_half));
    const __m256i by_next = look_up(lookup::second_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half));
    const __m256i found = _mm256_and_si256(_mm256_and_si256(by_high, by_low), by_next);
    const __m256i third = _mm256_subs_epu8(two_back, _mm256_set1_epi8(lookup::three_bytes_less_high_bit));
    const __m256i fourth = _mm256_subs_epu8(three_back, _mm256_set1_epi8(lookup::four_bytes_less_high_bit));
    const __m256i asked = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
    mistakes = _mm256_or_si256(mistakes, _mm256_xor_si256(found, asked));
    before = bytes;
  }
  PARLEY_AVX2_INLINE void take(__m256i first, __m256i second) noexcept {
    const bool ascii = is_ascii(_mm256_or_si256(first, second));
    if (ascii && !open) {
      before = second;
    } else {
      pairs(first);
      pairs(second);
    }
    open = !ascii;
  }
  PARLEY_AVX2_INLINE bool passed() noexcept {
    if (open) pairs(_mm256_setzero_si256());
    return _mm256_testz_si256(mistakes, mistakes) != 0;
  }
};

template <bool masked>
PARLEY_AVX2_INLINE bool check(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const __m256i wide = _mm256_set1_epi32(static_cast<int>(key));
  Check check;
  for (; bytes >= step; at += step, bytes -= step) {
    __m256i first = load(at);
    __m256i second = load(at + half);
    if constexpr (masked) {
      first = _mm256_xor_si256(first, wide);
      second = _mm256_xor_si256(second, wide);
      store(at, first);
      store(at + half, second);
    }
    check.take(first, second);
  }
  if (bytes != 0) {  // with ASCII behind it
    alignas(32) std::byte rest[step] = {};
    std::memcpy(rest, at, bytes);
    if constexpr (masked) {
      store(rest, _mm256_xor_si256(load(rest), wide));
      store(rest + half, _mm256_xor_si256(load(rest + half), wide));
      std::memcpy(at, rest, bytes);
      std::memset(rest + bytes, 0, step - bytes);
    }
    check.take(load(rest), load(rest + half));
  }
  return check.passed();
}

[[gnu::hot]] PARLEY_AVX2 void mask(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  const __m256i wide = _mm256_set1_epi32(static_cast<int>(key));
  for (; bytes >= 4 * half; at += 4 * half, bytes -= 4 * half) {
    store(at, _mm256_xor_si256(load(at), wide));
    store(at + half, _mm256_xor_si256(load(at + half), wide));
    store(at + 2 * half, _mm256_xor_si256(load(at + 2 * half), wide));
    store(at + 3 * half, _mm256_xor_si256(load(at + 3 * half), wide));
  }
  for (; bytes >= half; at += half, bytes -= half) store(at, _mm256_xor_si256(load(at), wide));
  scalar_kernels.mask(at, bytes, key);
}

PARLEY_AVX2 bool is_utf8(const std::byte* at, std::size_t bytes) noexcept {
  return check<false>(const_cast<std::byte*>(at), bytes, 0);
}

[[gnu::hot]] PARLEY_AVX2 bool mask_is_utf8(std::byte* at, std::size_t bytes, MaskKey key) noexcept {
  return check<true>(at, bytes, key);
}

}  // namespace

const Kernels avx2_kernels{"avx2", mask, is_utf8, mask_is_utf8};

}  // namespace parley::codec
#endif
