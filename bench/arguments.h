// Arguments of the benchmark programs: words, `--name VALUE` and `--flag`.
#pragma once

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace bench {

[[noreturn]] inline void die(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(why.size()),
               why.data());
  std::exit(2);
}

// Take the options out one by one, then the words, then call end().
class Arguments {
 public:
  Arguments(int count, char** words) : words_(words + 1, words + count) {}

  bool flag(std::string_view name) {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (*word != name) continue;
      words_.erase(word);
      return true;
    }
    return false;
  }

  template <class T>
  T number(std::string_view name, T usual) {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (*word != name) continue;
      if (word + 1 == words_.end()) die(name, "a number must follow");
      const T value = parse<T>(word[1]);
      words_.erase(word, word + 2);
      return value;
    }
    return usual;
  }

  std::string_view text(std::string_view name, std::string_view usual) {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (*word != name) continue;
      if (word + 1 == words_.end()) die(name, "a word must follow");
      const std::string_view value = word[1];
      words_.erase(word, word + 2);
      return value;
    }
    return usual;
  }

  template <class T>
  T word(std::string_view name) {
    if (words_.empty()) die(name, "is missing");
    const T value = parse<T>(words_.front());
    words_.erase(words_.begin());
    return value;
  }

  void end() const {
    if (!words_.empty()) die(words_.front(), "no such argument");
  }

 private:
  template <class T>
  static T parse(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) die(text, "not a number that fits here");
    return value;
  }

  std::vector<std::string_view> words_;
};

}  // namespace bench
