// What the peers in C++ share: the words of the script, and what is said when it fails.
#pragma once

#include <charconv>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace script {

inline constexpr std::string_view four_bytes = "\U0001F600\U00010348 \u65e5\u672c \u00e9 \U0010FFFF";
inline constexpr int small_messages = 10'000;
inline constexpr std::size_t largest = 16 * 1024 * 1024;
inline constexpr std::size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, largest};

// The largest only as text, which asks more of both sides: it takes its time.
inline constexpr bool is_sent(std::size_t size, bool text) { return size < largest || text; }

inline std::string filling(std::size_t size) {  // half of it compresses
  std::string text(size, 'a');
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; i += 2) {
    state = state * 1664525 + 1013904223;
    text[i] = static_cast<char>('0' + (state >> 24) % 64);
  }
  return text;
}

inline std::vector<std::uint16_t> numbers(std::string_view list) {
  std::vector<std::uint16_t> found;
  while (!list.empty()) {
    std::uint16_t number = 0;
    std::from_chars(list.data(), list.data() + list.size(), number);
    found.push_back(number);
    const auto comma = list.find(',');
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return found;
}

// "close 4000 why": false if it is no such order.
inline bool is_close_order(std::string_view text, std::uint16_t& code, std::string_view& reason) {
  if (!text.starts_with("close ")) return false;
  text.remove_prefix(6);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  reason = text.empty() ? text : text.substr(1);
  return true;
}

// The port of "ws://127.0.0.1:PORT/".
inline std::uint16_t port_of(std::string_view url) {
  std::uint16_t port = 0;
  url.remove_prefix(url.rfind(':') + 1);
  std::from_chars(url.data(), url.data() + url.size(), port);
  return port;
}

struct Failures {
  int count = 0;

  void expect(bool holds, std::string_view what) {
    if (holds) return;
    ++count;
    std::cout << "FAILED: " << what << '\n' << std::flush;
  }
};

}  // namespace script
