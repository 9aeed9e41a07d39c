// Heads read in pieces, for the tests of whoever reads heads.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/http1.h"

namespace parley::codec {

// What came of showing a reader the first `ends` bytes of `text`, one after the other, each time in memory of its own.
template <class Reader, class Head>
struct Shown {
  std::string bytes;  // what the head is a view of
  Reader reader;
  Head head;
  HeadStep step = HeadStep::starved;

  Shown(std::string_view text, const std::vector<std::size_t>& ends, const HeadLimits& limits) : reader(limits) {
    for (const std::size_t end : ends) {
      std::string(text.substr(0, end)).swap(bytes);
      bytes.shrink_to_fit();
      step = reader.next(as_bytes(bytes), head);
      if (step != HeadStep::starved) break;
    }
  }
};

inline std::vector<std::size_t> byte_by_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 1; i <= size; ++i) ends.push_back(i);
  return ends;
}

// Shows it whole, in two pieces cut anywhere, and byte by byte; check(shown) sees each.
template <class Reader, class Head, class Check>
void show_every_way(std::string_view text, Check check, const HeadLimits& limits = {}) {
  const auto show = [&](const std::vector<std::size_t>& ends) {
    const Shown<Reader, Head> shown(text, ends, limits);
    check(shown);
  };
  show({text.size()});
  show(byte_by_byte(text.size()));
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    show({cut, text.size()});
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "cut at " << cut;
      return;
    }
  }
}

}  // namespace parley::codec
