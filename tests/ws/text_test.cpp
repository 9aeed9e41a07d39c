#include "ws/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::ws {
namespace {

using ::testing::IsEmpty;

TEST(Text, HeaderLines) {
  EXPECT_THAT(split_headers(""), IsEmpty());
  const auto headers = split_headers("A: one\r\nB:two \n\nC: a: b\nno colon");
  ASSERT_EQ(headers.size(), 4u);
  EXPECT_EQ(headers[0].name + "=" + headers[0].value, "A=one");
  EXPECT_EQ(headers[1].name + "=" + headers[1].value, "B=two");
  EXPECT_EQ(headers[2].name + "=" + headers[2].value, "C=a: b");
  EXPECT_EQ(headers[3].name + "=" + headers[3].value, "no colon=");
  EXPECT_FALSE(codec::may_be_added(headers[3]));
}

}  // namespace
}  // namespace parley::ws
