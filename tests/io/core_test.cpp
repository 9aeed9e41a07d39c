// The turn of a loop: who runs when, and that nobody starves.
#include "io/core.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/simulation.h>
#include <parley/stream.h>
#include <parley/task.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> note(std::string& text, char letter, int turns) {
  for (int i = 0; i < turns; ++i) {
    text += letter;
    co_await yield();
  }
}

TEST(Core, tasks_that_yield_take_turns) {
  Loop loop;
  std::string text;
  auto main = [](Loop& on, std::string& out) -> Task<> {
    TaskGroup group(on);
    group.spawn(note(out, 'a', 50));
    group.spawn(note(out, 'b', 50));
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, text)));
  EXPECT_EQ(text.size(), 100u);
  for (std::size_t i = 0; i < text.size(); i += 2) EXPECT_NE(text[i], text[i + 1]);
}

struct Busy {
  bool over = false;
  int turns = 0;
};
Task<> keep_busy(Busy& busy) {
  while (!busy.over) {
    ++busy.turns;
    co_await yield();
  }
}

TEST(Core, a_timer_fires_among_tasks_that_are_always_ready) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    Busy busy;
    TaskGroup group(on);
    group.spawn(keep_busy(busy));
    group.spawn(keep_busy(busy));
    co_await sleep_for(2ms);
    busy.over = true;
    EXPECT_GT(busy.turns, 2);
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

// Each posted function posts the next one.
void post_on(Loop& loop, Busy& busy) {
  ++busy.turns;
  if (!busy.over) loop.post([&loop, &busy] { post_on(loop, busy); });
}

TEST(Core, posts_that_post_on_starve_nobody) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    Busy busy;
    post_on(on, busy);
    co_await sleep_for(2ms);
    for (int i = 0; i < 10; ++i) co_await yield();
    EXPECT_GT(busy.turns, 10);
    busy.over = true;
    const int turns = busy.turns;
    while (busy.turns == turns) co_await yield();
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(Core, a_timer_that_is_far_away_or_past_is_kept_in_order) {
  Loop loop;
  std::string text;
  auto main = [](Loop& on, std::string& out) -> Task<> {
    auto sleeper = [](std::string& to, char letter, std::chrono::nanoseconds time) -> Task<> {
      auto slept = co_await sleep_for(time);
      to += slept ? letter : 'x';
    };
    TaskGroup group(on);
    group.spawn(sleeper(out, 'z', std::chrono::nanoseconds::max()));
    group.spawn(sleeper(out, 'c', 4ms));
    group.spawn(sleeper(out, 'a', -1h));
    group.spawn(sleeper(out, 'b', 1ms));
    co_await group.at_most(1);
    group.stop();
    co_await group.join();
  };
  ASSERT_TRUE(loop.run(main(loop, text)));
  EXPECT_EQ(text, "abcx");
}

// What a posted function owns is destroyed with the loop, also a stream that still has bytes to send.
TEST(Core, a_stream_owned_by_a_post_that_never_ran_is_closed) {
  Loop loop;
  auto main = [](Loop& on) -> Task<> {
    auto [a, b] = pipe(on);
    on.post([] {});
    co_await yield();
    on.post([owned = std::move(a)] { (void)owned; });
    on.post([owned = std::move(b)] { (void)owned; });
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(Core, a_full_cork_has_no_room) {
  Loop loop;
  class Sink final : public detail::Source {
   public:
    void completed(const detail::Completion&) noexcept override {}
    void stop(detail::Context&, Stop, Errc) noexcept override {}
    std::ptrdiff_t send_corked(Bytes bytes) noexcept override {
      flushed.push_back(bytes.size());
      return std::ssize(bytes);
    }
    std::vector<std::size_t> flushed;
  };
  detail::Core& core = loop.core();
  Sink a;
  Sink b;
  const std::vector<std::byte> bytes(detail::Core::cork_bytes_max + 1);
  const Bytes all(bytes);
  EXPECT_FALSE(core.cork(a, all));
  EXPECT_EQ(core.corked, nullptr);
  EXPECT_TRUE(core.cork(a, all.first(10)));
  EXPECT_TRUE(core.cork(a, all.first(detail::Core::cork_bytes_max - 10)));
  EXPECT_FALSE(core.cork(a, all.first(1)));
  EXPECT_TRUE(core.cork(b, all.first(5)));
  EXPECT_EQ(a.flushed, (std::vector<std::size_t>{detail::Core::cork_bytes_max}));
  EXPECT_EQ(core.corked, &b);
  core.flush_cork();
  EXPECT_EQ(b.flushed, (std::vector<std::size_t>{5}));
  EXPECT_EQ(core.corked, nullptr);
}

TEST(Core, what_did_not_all_leave_the_cork_is_told) {
  Loop loop;
  struct Slow final : detail::Source {
    explicit Slow(detail::Core& of) : core(of) {}
    void completed(const detail::Completion&) noexcept override {}
    void stop(detail::Context&, Stop, Errc) noexcept override {}
    std::ptrdiff_t send_corked(Bytes) noexcept override { return takes; }
    void sent_partly(Bytes bytes, std::ptrdiff_t sent) noexcept override {
      EXPECT_EQ(core.corked, nullptr);
      told.emplace_back(as_text(bytes), sent);
    }
    detail::Core& core;
    std::ptrdiff_t takes = 0;
    std::vector<std::pair<std::string, std::ptrdiff_t>> told;
  };
  detail::Core& core = loop.core();
  Slow slow(core);
  for (const std::ptrdiff_t takes : {std::ptrdiff_t{5}, std::ptrdiff_t{2}, std::ptrdiff_t{-EPIPE}}) {
    slow.takes = takes;
    EXPECT_TRUE(core.cork(slow, as_bytes("hello")));
    core.flush_cork();
  }
  EXPECT_EQ(slow.told, (std::vector<std::pair<std::string, std::ptrdiff_t>>{{"hello", 2}, {"hello", -EPIPE}}));
}

Task<> hold_and_wait(detail::BufferPool& buffers) {
  detail::Buffer* some = buffers.lend(std::size_t{50'000'000});
  detail::Buffer* more = buffers.lend(std::size_t{30'000'000});
  buffers.give_back(some);
  buffers.give_back(more);
  EXPECT_TRUE(buffers.has_excess());
  co_await sleep_for(1500ms);
  EXPECT_TRUE(buffers.has_excess()) << "needed in the last seconds";
  co_await sleep_for(2s);
  EXPECT_FALSE(buffers.has_excess());
}

TEST(Core, free_buffers_that_were_not_needed_for_some_seconds_go_back) {
  Simulation simulation;
  Loop loop(simulation);
  loop.run(hold_and_wait(loop.core().buffers));
}

}  // namespace
}  // namespace parley
