// Compressed payloads, for the tests of sessions that compress.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/frame.h"
#include "codec/outputs.h"

namespace parley::ws::testing {

inline constexpr std::uint8_t rsv1 = codec::FrameBits::rsv1_bit;
inline constexpr std::uint8_t text = 1;
inline constexpr std::uint8_t binary = 2;

inline std::string deflated(std::string_view message) {
  codec::Deflater deflater({.level = 9}, codec::test_engines());
  codec::TestOutput out;
  // In pieces: it is compressed even if that makes it longer.
  EXPECT_EQ(deflater.compress(as_bytes(message), codec::Deflater::Flush::piece, out), codec::Deflater::Made::bytes);
  EXPECT_EQ(deflater.compress({}, codec::Deflater::Flush::message, out), codec::Deflater::Made::bytes);
  return std::string(out.text());
}

inline std::string inflated(std::string_view payload) {
  codec::Inflater inflater({}, codec::test_engines());
  codec::TestOutput out;
  Bytes bytes = as_bytes(payload);
  EXPECT_EQ(inflater.inflate(bytes, true, out, SIZE_MAX), codec::Violation::none);
  return std::string(out.text());
}

}  // namespace parley::ws::testing
