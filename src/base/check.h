// Checks of what only a mistake in the program can break. A network condition is never checked so: it is a value.
//
//   PARLEY_CHECK(count <= capacity, "the caller promised room");    // in every build
//   PARLEY_ASSERT(!is_linked(), "an element is in one list only");  // in debug and sanitizer builds
//
// A failure writes one line, file, line and the sentence, to standard error and ends the program with std::abort(). The
// sentence says what the programmer did wrong.
#pragma once

namespace parley {

[[noreturn]] void check_failed(const char* file, int line, const char* sentence) noexcept;

}  // namespace parley

#define PARLEY_CHECK(condition, sentence)                     \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::parley::check_failed(__FILE__, __LINE__, (sentence)); \
  } while (false)

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PARLEY_ASSERTS 1
#endif
#endif

#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef PARLEY_ASSERTS
#define PARLEY_ASSERTS 1
#endif

#ifndef PARLEY_ASSERTS
#define PARLEY_ASSERTS 0
#endif

// Where it is off, the condition is compiled but not evaluated, so it must have no effects.
#define PARLEY_ASSERT(condition, sentence)                           \
  do {                                                               \
    if constexpr (PARLEY_ASSERTS) PARLEY_CHECK(condition, sentence); \
  } while (false)
