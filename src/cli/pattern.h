// Pattern: an extended regular expression of POSIX (regex(7)), without the references to what was matched before that
// some add: with them, a peer's message could keep a processor busy for ever.
#pragma once

#include <regex.h>

#include <optional>
#include <string>
#include <string_view>

namespace parley::cli {

class Pattern {
 public:
  // Nothing if it is not one, or has a reference such as "\1".
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
