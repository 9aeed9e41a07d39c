// Task: what it returns, throws and destroys, in the forms of co_await that compilers get wrong.
#include <parley/task.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>

#include "counted.h"

namespace parley {
namespace {

Task<int> number(int value) { co_return value; }
Task<Counted> counted(int value) { co_return Counted(value); }
Task<Counted> later(Counted value) {
  co_await yield();
  co_return value;
}
Task<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }
Task<Result<Counted>> perhaps(int value) {
  if (value <= 0) co_return fail(Errc::end);
  co_return Counted(value);
}
Task<> append(std::string& text, char letter) {
  text += letter;
  co_return;
}

TEST(Task, runs_nothing_until_it_is_awaited) {
  Loop loop;
  std::string text;
  auto main = [](std::string& out) -> Task<> {
    Task<> a = append(out, 'a');
    Task<> b = append(out, 'b');
    EXPECT_EQ(out, "");
    co_await b;
    co_await a;
  };
  ASSERT_TRUE(loop.run(main(text)));
  EXPECT_EQ(text, "ba");
}

TEST(Task, one_that_is_never_awaited_only_destroys_its_arguments) {
  ASSERT_EQ(Counted::live, 0);
  {
    Task<Counted> never = later(Counted(1));
    EXPECT_GE(Counted::live, 1);
    Task<Counted> other = later(Counted(2));
    never = std::move(other);
  }
  EXPECT_EQ(Counted::live, 0);
}

TEST(Task, a_result_may_be_move_only) {
  Loop loop;
  auto main = []() -> Task<std::unique_ptr<int>> {
    auto seven = co_await owned(7);
    EXPECT_EQ(*seven, 7);
    EXPECT_EQ(*co_await owned(8), 8);
    co_return seven;
  };
  auto result = loop.run(main());
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, 7);
}

Task<int> use_counted_everywhere() {
  int sum = 0;
  for (int i = 1; auto value = co_await counted(4 - i); ++i) sum += value.value;         // 3 + 2 + 1
  for (int i = 1; auto value = co_await later(Counted(4 - i)); ++i) sum += value.value;  // 3 + 2 + 1
  for (int i = 2; auto value = co_await perhaps(i); --i) sum += value->value;            // 2 + 1
  while ((co_await counted(sum < 20 ? 1 : 0)).value > 0) ++sum;
  if (co_await counted(1) && co_await later(Counted(1))) ++sum;
  sum += co_await number(1) + (co_await later(Counted(2))).value * (co_await counted(3)).value;
  sum += sum > 0 ? (co_await counted(1)).value : (co_await later(Counted(100))).value;
  std::vector<Counted> kept;
  kept.push_back(co_await later(co_await counted(5)));
  kept.push_back(co_await counted((co_await later(Counted(6))).value));
  switch (co_await number(2)) {
    case 2: sum += kept[0].value + kept[1].value; break;
    default: sum = 0;
  }
  co_return sum;
}

TEST(Task, every_object_in_a_co_await_expression_is_destroyed_once) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    auto sum = loop.run(use_counted_everywhere());
    ASSERT_TRUE(sum);
    EXPECT_EQ(*sum, 20 + 1 + 7 + 1 + 11);
    EXPECT_EQ(Counted::live, 0);
  }
}

Task<int> fails(Counted, const char* why) {
  Counted local(1);
  co_await yield();
  throw std::runtime_error(why);
}
Task<Counted> passes_on(int depth) {
  Counted local(depth);
  if (depth == 0) co_return Counted(co_await fails(local, "deep"));
  co_return co_await passes_on(depth - 1);
}

TEST(Task, an_exception_reaches_whoever_awaits_through_every_level) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  try {
    (void)loop.run(passes_on(5));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "deep");
  }
  EXPECT_EQ(Counted::live, 0);
}

Task<int> catches_and_goes_on() {
  int caught = 0;
  for (int i = 0; i < 10; ++i) {
    try {
      caught += 100 * co_await fails(Counted(i), "again");
    } catch (const std::runtime_error&) {
      ++caught;
    }
    Counted after = co_await later(Counted(1));
    caught += after.value;
  }
  co_return caught;
}

TEST(Task, a_caught_exception_leaves_nothing_behind) {
  ASSERT_EQ(Counted::live, 0);
  Loop loop;
  auto caught = loop.run(catches_and_goes_on());
  ASSERT_TRUE(caught);
  EXPECT_EQ(*caught, 20);
  EXPECT_EQ(Counted::live, 0);
}

Task<> catch_twice(std::vector<std::string>& seen, const char* why) {
  for (int i = 0; i < 2; ++i) {
    try {
      (void)co_await fails(Counted(1), why);
    } catch (const std::runtime_error& error) {
      seen.emplace_back(error.what());
    }
  }
}

TEST(Task, exceptions_of_tasks_that_take_turns_are_not_mixed_up) {
  Loop loop;
  std::vector<std::string> a;
  std::vector<std::string> b;
  auto main = [](Loop& on, std::vector<std::string>& first, std::vector<std::string>& second) -> Task<> {
    TaskGroup group(on);
    group.spawn(catch_twice(first, "a"));
    group.spawn(catch_twice(second, "b"));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, a, b)));
  EXPECT_EQ(a, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(b, (std::vector<std::string>{"b", "b"}));
}

Task<int> sum_of(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await number(1);
  co_return sum;
}

// The plainest condition there is. g++ 12 lays its frame out wrongly, and that is better said than left to hang.
Task<> await_in_a_condition() {
  if (co_await number(1)) co_await yield();
}

TEST(TaskDeathTest, a_coroutine_that_the_compiler_got_wrong_is_noticed) {
  Loop loop;
  if constexpr (detail::frames_to_check) {
    EXPECT_DEATH((void)loop.run(await_in_a_condition()), "g.. 12 can't compile this coroutine");
  } else {
    EXPECT_TRUE(loop.run(await_in_a_condition()));
  }
}

TEST(Task, many_tasks_that_do_not_wait_do_not_use_up_the_stack) {
  Loop loop;
#ifdef __OPTIMIZE__  // g++ makes no tail calls without
  constexpr int count = 1'000'000;
#else
  constexpr int count = 1'000;
#endif
  auto sum = loop.run(sum_of(count));
  ASSERT_TRUE(sum);
  EXPECT_EQ(*sum, count);
}

}  // namespace
}  // namespace parley
