#include "cli/messages.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::cli {
namespace {

constexpr std::size_t messages_max = 64;
constexpr std::size_t messages_bytes_max = 4 * 1024 * 1024;  // of all, but at least two

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) noexcept {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return (mixed ^ (mixed >> 31)) % bound;
  }

 private:
  std::uint64_t state_;
};

// The next few bytes of a message that has `left` to go.
void add(std::string& message, Content content, std::size_t left, Random& random) {
  constexpr std::string_view words[] = {"the ", "quick ", "brown ", "fox ", "jumps ", "over ", "a ", "lazy ", "dog "};
  constexpr std::string_view characters[] = {"a",      "e",      "\u00e9", "\u00df",     "\u0436",
                                             "\u65e5", "\u672c", "\u20ac", "\U0001F600", " "};
  switch (content) {
    case Content::binary: message += static_cast<char>(random.below(256)); return;
    case Content::text: message += words[random.below(std::size(words))]; return;
    case Content::utf8: {
      const std::string_view character = characters[random.below(std::size(characters))];
      message += character.size() <= left ? character : ".";
      return;
    }
    case Content::json: break;
  }
  message += fmt::format(R"({}{{"id":{},"user":"user{}","active":{},"score":{}.{},"time":{}}})",
                         message.empty() ? "[" : ",", random.below(1'000'000), random.below(1000), random.below(2) == 0,
                         random.below(1000), random.below(100), 1'764'200'000 + random.below(1'000'000));
}

}  // namespace

std::string_view name(Content content) noexcept {
  switch (content) {
    case Content::binary: return "binary";
    case Content::text: return "text";
    case Content::utf8: return "utf8";
    case Content::json: break;
  }
  return "json";
}

std::string make_message(Content content, std::size_t bytes, std::uint64_t seed) {
  Random random(seed);
  std::string message;
  while (message.size() < bytes) add(message, content, bytes - message.size(), random);
  if (message.size() == bytes) return message;
  if (content == Content::json) {  // whole objects
    const std::size_t whole = message.rfind("},", bytes - 1);
    message.resize(whole == std::string::npos || whole + 2 > bytes ? 0 : whole + 1);
    if (!message.empty()) message += ']';
  }
  message.resize(bytes, ' ');
  return message;
}

Messages::Messages(Content content, std::size_t bytes) {
  const std::size_t count =
      std::clamp<std::size_t>(messages_bytes_max / std::max<std::size_t>(bytes, 1), 2, messages_max);
  for (std::size_t i = 0; i < count; ++i) messages_.push_back(make_message(content, bytes, i));
}

}  // namespace parley::cli
