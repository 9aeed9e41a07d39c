// What `parley bench` sends: messages of a kind and a size, each other than the one before, so that nothing but the
// echo of one is like it, and compressing has something to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::cli {

enum class Content : std::uint8_t { binary, text, utf8, json };

std::string_view name(Content content) noexcept;

// `utf8` is characters of one to four bytes, `json` an array of small objects, cut and filled up with blanks. The same
// for the same `seed`.
std::string make_message(Content content, std::size_t bytes, std::uint64_t seed);

// The messages of one run, over and over.
class Messages {
 public:
  Messages(Content content, std::size_t bytes);

  const std::string& operator[](std::uint64_t number) const noexcept { return messages_[number % messages_.size()]; }

 private:
  std::vector<std::string> messages_;
};

}  // namespace parley::cli
