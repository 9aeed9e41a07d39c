#include "io/helper.h"

#include <sched.h>

#include <array>
#include <latch>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/stream.h>
#include <parley/task.h>
#include "io/core.h"
#include "io/thread.h"

namespace parley {
namespace {

struct Piece final : detail::Costly {
  Piece(std::string& out, char letter) : text(out), name(letter) {}
  void work() noexcept override { worked_in = std::this_thread::get_id(); }
  void worked() noexcept override {
    text += name;
    EXPECT_EQ(std::this_thread::get_id(), home);
    done.set();
  }

  std::string& text;
  char name;
  std::thread::id home = std::this_thread::get_id();
  std::thread::id worked_in;
  Event done;
};

Task<> note(std::string& text, char letter, int turns) {
  for (int i = 0; i < turns; ++i) {
    text += letter;
    co_await yield();
  }
}

TEST(HelperThreads, without_a_thread_one_piece_is_done_in_each_turn_and_in_order) {
  Loop loop({.handshake_thread = false});
  std::string text;
  auto main = [](Loop& on, std::string& out) -> Task<> {
    Piece first(out, '1'), second(out, '2'), third(out, '3'), never(out, '4');
    for (Piece* each : {&first, &never, &second, &third}) on.core().helper.add(*each);
    never.unlist();
    Task<> noting = note(out, 'a', 5);
    co_await noting;
    EXPECT_EQ(first.worked_in, first.home);
  };
  ASSERT_TRUE(loop.run(main(loop, text)));
  EXPECT_EQ(text, "a1a2a3aa");
}

TEST(HelperThreads, a_thread_does_one_piece_after_the_other) {
  if (!detail::has_several_cores()) GTEST_SKIP() << "there is one core, and no thread";
  Loop loop;
  std::string text;
  auto main = [](Loop& on, std::string& out) -> Task<> {
    std::array<Piece, 3> pieces{Piece(out, '1'), Piece(out, '2'), Piece(out, '3')};
    for (Piece& each : pieces) on.core().helper.add(each);
    for (Piece& each : pieces) {
      co_await each.done.wait();
      EXPECT_NE(each.worked_in, each.home);
      EXPECT_EQ(each.worked_in, pieces[0].worked_in);
    }
  };
  ASSERT_TRUE(loop.run(main(loop, text)));
  EXPECT_EQ(text, "123");
}

// The thread would have to share the loop's core, and gain nothing.
TEST(HelperThreads, on_one_core_there_is_no_thread) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t core = 0; CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &all)) CPU_SET(core, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  Loop loop;
  std::string text;
  auto main = [](Loop& on, std::string& out) -> Task<> {
    Piece piece(out, '1');
    on.core().helper.add(piece);
    co_await piece.done.wait();
    EXPECT_EQ(piece.worked_in, piece.home);
  };
  EXPECT_TRUE(loop.run(main(loop, text)));
  EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

// Its loop ends meanwhile.
struct Slow final : detail::Costly {
  void work() noexcept override {
    begun.count_down();
    released.wait();
    is_over = true;
  }
  void worked() noexcept override { FAIL() << "nobody is there any more"; }

  std::latch begun{1};
  std::latch released{1};
  bool is_over = false;
};

TEST(HelperThreads, the_end_waits_for_what_is_being_done) {
  if (!detail::has_several_cores()) GTEST_SKIP() << "there is one core, and no thread";
  Slow slow;
  std::thread releasing;
  {
    Loop loop;
    auto main = [](Loop& on, Slow& piece) -> Task<> {
      on.core().helper.add(piece);
      while (!piece.begun.try_wait()) co_await yield();
      EXPECT_TRUE(on.core().helper.is_working_for(piece));
    };
    ASSERT_TRUE(loop.run(main(loop, slow)));
    releasing = std::thread([&slow] { slow.released.count_down(); });
  }
  EXPECT_TRUE(slow.is_over);
  releasing.join();
}

}  // namespace
}  // namespace parley
