#include "cli/numbers.h"

#include <cstddef>

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Numbers, Counts) {
  std::size_t count = 0;
  EXPECT_TRUE(parse_count<std::size_t>("1", 10, count));
  EXPECT_EQ(count, 1u);
  EXPECT_TRUE(parse_count<std::size_t>("10", 10, count));
  EXPECT_EQ(count, 10u);
  for (const char* text : {"", "0", "11", "-1", "1.0", "1 ", " 1", "x", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_count<std::size_t>(text, 10, count)) << text;
  }
}

TEST(Numbers, Seconds) {
  std::chrono::nanoseconds time{};
  EXPECT_TRUE(parse_seconds("0", time));
  EXPECT_TRUE(parse_seconds("0.25", time));
  EXPECT_EQ(time, std::chrono::milliseconds(250));
  EXPECT_TRUE(parse_seconds("1000000000", time));
  for (const char* text : {"", "-1", "1e3", "inf", "nan", "1s", "1000000001"}) EXPECT_FALSE(parse_seconds(text, time));
}

TEST(Numbers, Positive) {
  double number = 0;
  EXPECT_TRUE(parse_positive("0.5", 10, number));
  EXPECT_EQ(number, 0.5);
  EXPECT_TRUE(parse_positive("10", 10, number));
  for (const char* text : {"", "0", "-1", "10.1", "x"}) EXPECT_FALSE(parse_positive(text, 10, number)) << text;
}

}  // namespace
}  // namespace parley::cli
