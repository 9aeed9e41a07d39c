#include "cli/limits.h"

#include <gtest/gtest.h>

#include <parley/task.h>

namespace parley::cli {
namespace {

using Change = Places::Change;

TEST(Places, WithoutALimitAreNeverFull) {
  Places places(0);
  Door door;
  Change began = Change::none;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(places.take(door, began));
  EXPECT_FALSE(places.are_full(door, began));
  EXPECT_EQ(began, Change::none);
  EXPECT_EQ(places.give_back(), Change::none);
}

Task<> wait_for_a_place(Loop& loop) {
  Places places(2);
  Door door{&loop, {}};
  Door other{&loop, {}};
  Change began = Change::none;
  EXPECT_FALSE(places.are_full(door, began));
  EXPECT_TRUE(places.take(door, began));
  EXPECT_TRUE(places.take(other, began));
  EXPECT_EQ(began, Change::none);

  EXPECT_FALSE(places.take(door, began));
  EXPECT_EQ(began, Change::happened);  // the pause begins with the first who waits
  EXPECT_TRUE(places.are_full(other, began));
  EXPECT_EQ(began, Change::none);

  EXPECT_EQ(places.give_back(), Change::happened);  // and ends for all of them
  auto first = co_await door.opened.wait();
  EXPECT_TRUE(first);
  auto second = co_await other.opened.wait();
  EXPECT_TRUE(second);
  EXPECT_TRUE(places.take(other, began));
  EXPECT_TRUE(places.are_full(door, began));
  EXPECT_EQ(began, Change::happened);

  EXPECT_EQ(places.give_back(), Change::happened);
  EXPECT_EQ(places.give_back(), Change::none);  // nobody waits any more
}

TEST(Places, WhoeverWaitsIsToldWhenOneIsFree) {
  Loop loop;
  ASSERT_TRUE(loop.run(wait_for_a_place(loop)));
}

}  // namespace
}  // namespace parley::cli
