// What tests say of a Result: EXPECT_TRUE(failed_with(sent, Errc::reset));
#pragma once

#include <gtest/gtest.h>

#include <parley/error.h>

namespace parley {

inline void PrintTo(const Error& error, std::ostream* out) {
  *out << name(error.code) << " (" << error.message() << ")";
}

inline void PrintTo(Errc code, std::ostream* out) { *out << name(code); }

template <class T>
testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << name(result.error().code) << ", errno " << result.error().os;
}

template <class T>
testing::AssertionResult failed_with(const Result<T>& result, Errc code) {
  if (!result && result.error() == code) return testing::AssertionSuccess();
  if (result) return testing::AssertionFailure() << "it succeeded instead of " << name(code);
  return testing::AssertionFailure() << name(result.error().code) << " instead of " << name(code);
}

}  // namespace parley
