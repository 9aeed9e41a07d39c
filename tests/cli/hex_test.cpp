#include "cli/hex.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Hex, ThereAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(from_hex(to_hex(all)), all);
  EXPECT_EQ(to_hex(std::string("\0\xff", 2)), "00 ff");
  EXPECT_EQ(to_hex(""), "");
}

TEST(Hex, WhatIsTyped) {
  EXPECT_EQ(from_hex("4a4B 4c\t4D"), "JKLM");
  EXPECT_EQ(from_hex(" "), "");
  for (const char* wrong : {"4", "4a4", "4 a", "xy", "4g", "g4", "0x41"})
    EXPECT_EQ(from_hex(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace parley::cli
