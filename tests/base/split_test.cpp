#include "base/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Split, lists) {
  EXPECT_THAT(split_list(""), IsEmpty());
  EXPECT_THAT(split_list(" ,\t,"), IsEmpty());
  EXPECT_THAT(split_list("one"), ElementsAre("one"));
  EXPECT_THAT(split_list(" one ,two,, a b\t"), ElementsAre("one", "two", "a b"));
}

}  // namespace
}  // namespace parley
