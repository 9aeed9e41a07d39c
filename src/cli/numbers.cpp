#include "cli/numbers.h"

#include <cmath>
#include <cstdint>

namespace parley::cli {
namespace {

constexpr double seconds_max = 1e9;

bool parse_decimal(std::string_view text, double& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  return error == std::errc() && at == end && std::isfinite(number);
}

}  // namespace

bool parse_seconds(std::string_view text, std::chrono::nanoseconds& time) {
  double seconds = 0;
  if (!parse_decimal(text, seconds) || seconds < 0 || seconds > seconds_max) return false;
  time = std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  return true;
}

bool parse_positive(std::string_view text, double most, double& number) {
  return parse_decimal(text, number) && number > 0 && number <= most;
}

}  // namespace parley::cli
