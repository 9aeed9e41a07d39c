#include "base/check.h"

#include <gtest/gtest.h>

#include <string>

namespace parley {
namespace {

TEST(Check, a_condition_that_holds_does_nothing) {
  int evaluated = 0;
  PARLEY_CHECK(++evaluated == 1, "evaluated twice");
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, a_broken_condition_names_the_place_and_the_mistake) {
  EXPECT_DEATH(PARLEY_CHECK(1 + 1 == 3, "arithmetic was changed"), "check_test.cpp:[0-9]+: arithmetic was changed\n");
}

TEST(CheckDeathTest, a_long_sentence_is_cut_and_still_one_line) {
  const std::string sentence(10'000, 'x');
  EXPECT_DEATH(PARLEY_CHECK(false, sentence.c_str()), "check_test.cpp:[0-9]+: x+\n");
}

TEST(Check, works_as_the_only_statement_of_an_if) {
  bool reached = false;
  if (reached)
    PARLEY_CHECK(false, "this branch is never taken");
  else
    reached = true;
  EXPECT_TRUE(reached);
}

TEST(CheckDeathTest, an_assertion_is_evaluated_where_it_is_on_and_only_there) {
  int evaluated = 0;
  PARLEY_ASSERT(++evaluated == 1, "evaluated twice");
  EXPECT_EQ(evaluated, PARLEY_ASSERTS);
  if (PARLEY_ASSERTS) {
    EXPECT_DEATH(PARLEY_ASSERT(evaluated == 0, "broken"), "check_test.cpp:[0-9]+: broken\n");
  } else {
    PARLEY_ASSERT(evaluated != 0, "not evaluated");
  }
}

}  // namespace
}  // namespace parley
