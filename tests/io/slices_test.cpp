#include "io/slices.h"

#include <gtest/gtest.h>

#include <parley/loop.h>

#include <list>
#include <string>

#include "io/core.h"

namespace parley::detail {
namespace {

struct Work final : Sliced {
  Work(Core& on, std::string& out, char letter, int slices, std::size_t each)
      : core(on), text(out), name(letter), left(slices), bytes(each) {}
  void go_on() noexcept override {
    text += name;
    core.slices.spend(bytes);
    if (--left == 0) unlist();
  }

  Core& core;
  std::string& text;
  char name;
  int left;
  std::size_t bytes;
};

class SlicesTest : public ::testing::Test {
 protected:
  Work& add(char name, int slices, std::size_t bytes = Slices::slice_bytes) {
    Work& work = works_.emplace_back(core, text_, name, slices, bytes);
    core.slices.add(work);
    return work;
  }
  // Who had a slice in which turn.
  std::string turns() {
    text_.clear();
    while (!core.slices.empty()) {
      core.slices.turn(core);
      text_ += ' ';
    }
    return text_;
  }

  Loop loop_;
  Core& core = loop_.core();

 private:
  std::string text_;
  std::list<Work> works_;
};

TEST_F(SlicesTest, the_short_ones_take_turns) {
  add('a', 2);
  add('b', 1);
  add('c', 3);
  EXPECT_EQ(turns(), "a b c a c c ");
}

TEST_F(SlicesTest, many_small_ones_share_a_turn) {
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) add(name, 1, Slices::slice_bytes / 4);
  EXPECT_EQ(turns(), "abcd e ");
}

TEST_F(SlicesTest, a_long_one_is_done_before_the_next_and_short_ones_are_not_kept_waiting) {
  static_assert(Slices::short_slices_max == 4);
  add('a', 8);
  add('b', 6);
  add('c', 4);
  EXPECT_EQ(turns(), "a b c a b c a b c a ab ac a a b b ");
}

TEST_F(SlicesTest, who_comes_while_a_long_one_goes_on_has_its_slice_in_the_same_turn) {
  add('a', 20);
  for (unsigned turn = 0; turn < Slices::short_slices_max; ++turn) core.slices.turn(core);
  add('b', 2);
  core.slices.turn(core);
  EXPECT_EQ(turns().substr(0, 4), "ab a");
}

TEST_F(SlicesTest, what_is_unlisted_has_no_turn_and_what_is_added_again_is_new) {
  Work& gone = add('a', 20);
  Work& again = add('b', 20);
  gone.unlist();
  for (unsigned turn = 0; turn < Slices::short_slices_max; ++turn) core.slices.turn(core);
  again.unlist();
  EXPECT_TRUE(core.slices.empty());
  core.slices.add(again);
  add('c', 1);
  EXPECT_EQ(turns().substr(0, 4), "b c ");
}

TEST_F(SlicesTest, a_turn_is_spent_and_the_next_one_is_not) {
  core.slices.turn(core);
  EXPECT_FALSE(core.slices.is_spent());
  core.slices.spend(Slices::slice_bytes - 1);
  EXPECT_FALSE(core.slices.is_spent());
  core.slices.spend(SIZE_MAX);
  EXPECT_TRUE(core.slices.is_spent());
  core.slices.turn(core);
  EXPECT_FALSE(core.slices.is_spent());
}

}  // namespace
}  // namespace parley::detail
