// Bytes of the wire, written and cut, for the tests of the codec.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <parley/bytes.h>

namespace parley::codec {

// unhex("48 65 6C") is "Hel".
inline std::string unhex(std::string_view digits) {
  std::string bytes;
  for (std::size_t at = 0; at < digits.size();) {
    if (digits[at] == ' ') {
      ++at;
      continue;
    }
    unsigned value = 0;
    const char* const pair = digits.data() + at;
    const bool is_pair = at + 2 <= digits.size() && std::from_chars(pair, pair + 2, value, 16).ptr == pair + 2;
    EXPECT_TRUE(is_pair) << digits;
    bytes += static_cast<char>(value);
    at += 2;
  }
  return bytes;
}

// The pieces of `bytes` when it is cut at each of `cuts`, in memory of their own.
inline std::vector<std::string> cut(std::string_view bytes, const std::vector<std::size_t>& cuts) {
  std::vector<std::string> pieces;
  std::size_t begin = 0;
  for (const std::size_t end : cuts) {
    pieces.emplace_back(bytes.substr(begin, end - begin));
    begin = end;
  }
  pieces.emplace_back(bytes.substr(begin));
  return pieces;
}

// Calls check(pieces) with the bytes whole, byte by byte, and in two pieces cut at each of the first `cuts_max` places.
template <class Check>
void cut_every_way(std::string_view bytes, Check check, std::size_t cuts_max = SIZE_MAX) {
  check(cut(bytes, {}));
  std::vector<std::size_t> everywhere;
  for (std::size_t at = 1; at < bytes.size(); ++at) everywhere.push_back(at);
  check(cut(bytes, everywhere));
  for (std::size_t at = 0; at <= bytes.size() && at < cuts_max; ++at) {
    check(cut(bytes, {at}));
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "cut at " << at << " of " << testing::PrintToString(std::string(bytes.substr(0, 32)));
      return;
    }
  }
}

}  // namespace parley::codec
