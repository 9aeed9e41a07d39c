#include <array>

#include "codec/kernels/kernels.h"

namespace parley::codec {
namespace {

struct Runnable {
  std::array<const Kernels*, 3> list{};
  std::size_t count = 0;

  Runnable() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl");
    if (avx512) list[count++] = &avx512_kernels;
    if (avx2) list[count++] = &avx2_kernels;
#elif defined(__aarch64__)
    list[count++] = &neon_kernels;  // every such processor has it
#endif
    list[count++] = &scalar_kernels;
  }
};

}  // namespace

constinit const Kernels* best_kernels = &scalar_kernels;

std::span<const Kernels* const> runnable_kernels() noexcept {
  static const Runnable runnable;
  return {runnable.list.data(), runnable.count};
}

[[maybe_unused]] static const bool chosen = (best_kernels = runnable_kernels().front(), true);

}  // namespace parley::codec
