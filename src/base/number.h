// Numbers in text, strictly: decimal digits alone, as to_string() would write them.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace parley {

// All of `text` as a number. Nothing for an empty text, a sign, a space, a leading zero, or what does not fit in T.
template <std::unsigned_integral T>
std::optional<T> parse_number(std::string_view text) noexcept {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return value;
}

}  // namespace parley
