// Output in a string, and engines, for the tests of deflate and what uses it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codec/deflate.h"

namespace parley::codec {

struct TestOutput final : Output {
  bool grow(std::size_t bytes) noexcept override {
    if (bytes > bytes_max) return false;
    largest = std::max(largest, bytes);
    memory.resize(std::max(bytes, generous ? 2 * bytes : bytes));
    data = memory.data();
    capacity = memory.size();
    return true;
  }
  std::string_view text() const { return as_text(Bytes(data, size)); }
  void clear() { size = 0; }

  std::vector<std::byte> memory;
  std::size_t bytes_max = SIZE_MAX;
  std::size_t largest = 0;
  bool generous = false;
};

// Engines for a whole test program, with more room than a test needs.
inline DeflateEngines& test_engines() {
  static DeflateEngines engines(std::size_t{1} << 30);
  return engines;
}

}  // namespace parley::codec
