#include "cli/pattern.h"

#include <utility>

namespace parley::cli {

std::optional<Pattern> Pattern::parse(const std::string& text) {
  Pattern pattern;
  if (text.find('\0') != std::string::npos) return std::nullopt;
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at + 2)) {
    if (at + 1 < text.size() && text[at + 1] >= '1' && text[at + 1] <= '9') return std::nullopt;
  }
  pattern.is_made_ = regcomp(&pattern.compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0;
  if (!pattern.is_made_) return std::nullopt;
  return pattern;
}

Pattern::Pattern(Pattern&& other) noexcept
    : compiled_(other.compiled_), is_made_(std::exchange(other.is_made_, false)) {}

Pattern::~Pattern() {
  if (is_made_) regfree(&compiled_);
}

bool Pattern::is_in(std::string_view text) const noexcept {
  regmatch_t range{.rm_so = 0, .rm_eo = static_cast<regoff_t>(text.size())};
  return regexec(&compiled_, text.data() ? text.data() : "", 0, &range, REG_STARTEND) == 0;
}

}  // namespace parley::cli
