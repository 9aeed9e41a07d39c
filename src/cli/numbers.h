// Numbers as they are written on the command line: whole, and nothing else.
#pragma once

#include <charconv>
#include <chrono>
#include <string_view>

namespace parley::cli {

// A whole number from 1 to `most`.
template <class Number>
bool parse_count(std::string_view text, Number most, Number& count) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, count);
  return error == std::errc() && at == end && count >= 1 && count <= most;
}

// "0.5"; at most a thousand million, which is about 30 years.
bool parse_seconds(std::string_view text, std::chrono::nanoseconds& time);

// Above 0, and at most `most`.
bool parse_positive(std::string_view text, double most, double& number);

}  // namespace parley::cli
