// The two inner loops of WebSocket, masking and checking UTF-8, and both in one, in the widest instructions that this
// processor has. mask.h and utf8.h say what they do; this is only how.
#pragma once

#include <cstddef>
#include <span>

#include "codec/mask.h"

namespace parley::codec {

struct Kernels {
  const char* name;

  // Masks in place (RFC 6455, 5.3).
  void (*mask)(std::byte* at, std::size_t bytes, MaskKey key) noexcept;
  // Is it UTF-8? It begins and ends between two characters, or it is not.
  bool (*is_utf8)(const std::byte* at, std::size_t bytes) noexcept;
  // Masks in place, and says whether that made it UTF-8. One pass over memory instead of two.
  bool (*mask_is_utf8)(std::byte* at, std::size_t bytes, MaskKey key) noexcept;
};

extern const Kernels scalar_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#elif defined(__aarch64__)
extern const Kernels neon_kernels;
#endif

// All that this processor can run, the best first.
std::span<const Kernels* const> runnable_kernels() noexcept;

// The best of them; the scalar ones until this library's statics are made.
inline const Kernels& kernels() noexcept {
  extern const Kernels* best_kernels;
  return *best_kernels;
}

}  // namespace parley::codec
