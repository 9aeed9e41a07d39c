// Pattern: an extended regular expression of POSIX (regex(7)).
#pragma once

#include <regex.h>

#include <optional>
#include <string>
#include <string_view>

namespace parley::cli {

class Pattern {
 public:
  // Nothing if it is not one.
  static std::optional<Pattern> parse(const std::string& text);

  Pattern(Pattern&& other) noexcept;
  Pattern& operator=(Pattern&&) = delete;
  ~Pattern();

  // Anywhere in `text`, which may hold anything.
  bool is_in(std::string_view text) const noexcept;

 private:
  Pattern() noexcept = default;

  regex_t compiled_{};
  bool is_made_ = false;
};

}  // namespace parley::cli
