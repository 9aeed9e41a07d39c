#include "cli/service.h"

namespace parley::cli {

std::optional<std::string_view> Parameters::next() noexcept {
  if (!more_) return std::nullopt;
  const std::size_t at = rest_.find(separator_);
  more_ = at != std::string_view::npos;
  const std::string_view parameter = rest_.substr(0, at);
  if (more_) rest_.remove_prefix(at + separator_.size());
  return parameter;
}

std::size_t count_parameters(std::string_view message, std::string_view separator) noexcept {
  std::size_t count = 0;
  for (Parameters parameters(message, separator); parameters.next();) ++count;
  return count;
}

}  // namespace parley::cli
