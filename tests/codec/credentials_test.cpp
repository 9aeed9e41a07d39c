#include "codec/credentials.h"

#include <gtest/gtest.h>

namespace parley::codec {
namespace {

TEST(Credentials, the_examples_of_the_rfc) {
  EXPECT_EQ(write_basic({"Aladdin", "open sesame"}), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(write_basic({"test", "123\xC2\xA3"}), "Basic dGVzdDoxMjPCow==");
}

TEST(Credentials, either_part_counts) {
  EXPECT_FALSE(Credentials().given());
  EXPECT_TRUE((Credentials{"a", ""}.given()));
  EXPECT_TRUE((Credentials{"", "a"}.given()));
}

TEST(Credentials, what_basic_can_not_express) {
  EXPECT_TRUE(is_basic({"", ""}));
  EXPECT_TRUE(is_basic({"\xC3\xA9 a", "a:b"}));
  EXPECT_FALSE(is_basic({"a:b", ""}));
  EXPECT_FALSE(is_basic({"a\n", ""}));
  EXPECT_FALSE(is_basic({"a", "\x7F"}));
  EXPECT_FALSE(is_basic({"a", std::string_view("\0", 1)}));
}

}  // namespace
}  // namespace parley::codec
