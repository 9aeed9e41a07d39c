// Memory that nobody may look at now: AddressSanitizer reports who does; other builds do nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define PARLEY_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PARLEY_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef PARLEY_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

#if defined(PARLEY_ADDRESS_SANITIZER) || defined(__SANITIZE_THREAD__)
#define PARLEY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PARLEY_SANITIZER 1
#endif
#endif

namespace parley::detail {

inline void poison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef PARLEY_ADDRESS_SANITIZER
  __asan_poison_memory_region(memory, bytes);
#endif
}

inline void unpoison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef PARLEY_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace parley::detail
