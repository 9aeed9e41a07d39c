#include "cli/pattern.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Pattern, IsFoundAnywhereUnlessItSaysWhere) {
  const auto pattern = Pattern::parse("^ok|fail(ed|ure)");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->is_in("ok"));
  EXPECT_TRUE(pattern->is_in("a failure"));
  EXPECT_FALSE(pattern->is_in("not ok, failing"));
  EXPECT_FALSE(pattern->is_in(""));
}

TEST(Pattern, TextMayHoldAnything) {
  const auto pattern = Pattern::parse("b$");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->is_in(std::string_view("a\0\xff\nb", 5)));
  EXPECT_FALSE(pattern->is_in(std::string_view("abc").substr(0, 1)));
  EXPECT_TRUE(Pattern::parse("\\\\1")->is_in("\\1"));
  EXPECT_TRUE(Pattern::parse("x*y")->is_in(std::string(1'000'000, 'x') + "y"));
}

TEST(Pattern, WhatIsNone) {
  for (const char* wrong : {"(", "[a", "a{2", "*)(", "(a*)*\\1b"}) EXPECT_FALSE(Pattern::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace parley::cli
