// Receiving from streams that the kernel carries: views and buffers, limits of time, stopping.
#include <parley/stream.h>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/sanitize.h"
#include "io/core.h"
#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

class KernelStreamReceive : public testing::Test {
 protected:
  void run(Task<> (*test)(Loop&)) { EXPECT_TRUE(loop_.run(test(loop_))); }

  Loop loop_;
};

TEST_F(KernelStreamReceive, a_second_receive_is_refused) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    Result<std::string> outcome;
    std::vector<std::byte> buffer(10);
    TaskGroup group(loop);
    group.spawn(receive_once(ends.stream, outcome));
    co_await yield();
    EXPECT_TRUE(failed_with(co_await ends.stream.receive(), Errc::already));
    EXPECT_TRUE(failed_with(co_await ends.stream.receive(buffer), Errc::already));
    EXPECT_TRUE(ends.peer.send("for the first"));
    co_await group.join();
    EXPECT_EQ(outcome, "for the first");
  });
}

TEST_F(KernelStreamReceive, receives_into_a_buffer_and_views_take_turns) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    std::vector<std::byte> buffer(4);
    EXPECT_TRUE(ends.peer.send("12345678"));
    auto part = co_await ends.stream.receive(buffer);
    EXPECT_EQ(as_text(*part), "1234");
    EXPECT_EQ(part->data(), buffer.data());
    auto rest = co_await ends.stream.receive();
    EXPECT_EQ(as_text(*rest), "5678");
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.receive(buffer)), Errc::timed_out));
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.receive()), Errc::timed_out));
    for (int i = 0; i < 3; ++i) {
      loop.post([&ends] { EXPECT_TRUE(ends.peer.send("abc")); });
      auto waited = co_await ends.stream.receive(buffer);
      EXPECT_EQ(as_text(*waited), "abc");
      loop.post([&ends] { EXPECT_TRUE(ends.peer.send("view")); });
      auto view = co_await ends.stream.receive();
      EXPECT_EQ(as_text(*view), "view");
    }
    ends.peer.close();
    EXPECT_TRUE(failed_with(co_await ends.stream.receive(buffer), Errc::end));
    EXPECT_TRUE(failed_with(co_await ends.stream.receive(), Errc::end));
  });
}

TEST_F(KernelStreamReceive, a_receive_that_timed_out_has_lost_nothing) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    std::string got;
    const std::string text = letters(300);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i % 3 == 0) {
        EXPECT_TRUE(ends.peer.send(std::string_view(text).substr(i, 3)));
      }
      auto bytes = co_await within(std::chrono::microseconds(i % 50), ends.stream.receive());
      if (bytes) got += as_text(*bytes);
    }
    while (got.size() < text.size()) {
      auto bytes = co_await ends.stream.receive();
      if (!bytes) break;
      got += as_text(*bytes);
    }
    EXPECT_EQ(got, text);
  });
}

Task<> receive_all(Stream& stream, bool into, std::string& got, Errc& ended) {
  std::vector<std::byte> buffer(into ? 7 : 1);
  for (;;) {
    Result<Bytes> bytes;
    if (into) {
      bytes = co_await stream.receive(buffer);
    } else {
      bytes = co_await stream.receive();
    }
    if (!bytes) {
      ended = bytes.error().code;
      co_return;
    }
    got += as_text(*bytes);
  }
}

TEST_F(KernelStreamReceive, stop_receiving_takes_what_has_arrived_and_stop_all_does_not) {
  run([](Loop& loop) -> Task<> {
    for (const bool into : {false, true}) {
      for (const Stop level : {Stop::receiving, Stop::all}) {
        for (const bool waits : {false, true}) {
          Ends ends = co_await connected(loop);
          std::string got;
          Errc ended = Errc::none;
          TaskGroup group(loop);
          group.spawn(receive_all(ends.stream, into, got, ended));
          if (waits) co_await yield();
          EXPECT_TRUE(ends.peer.send("has arrived"));
          group.stop(level);
          co_await group.join();
          EXPECT_EQ(got, level == Stop::receiving ? "has arrived" : "");
          EXPECT_EQ(ended, Errc::cancelled);
        }
      }
    }
  });
}

TEST_F(KernelStreamReceive, stop_receiving_finds_the_end_or_the_reset_that_has_arrived) {
  run([](Loop& loop) -> Task<> {
    for (const bool into : {false, true}) {
      for (const bool reset : {false, true}) {
        Ends ends = co_await connected(loop);
        std::string got;
        Errc ended = Errc::none;
        TaskGroup group(loop);
        group.spawn(receive_all(ends.stream, into, got, ended));
        co_await yield();
        if (reset) {
          EXPECT_TRUE(ends.peer.set_linger(0s));
        }
        ends.peer.close();
        group.stop(Stop::receiving);
        co_await group.join();
        EXPECT_EQ(ended, reset ? Errc::reset : Errc::end);
      }
    }
  });
}

struct Turns {
  int count = 0;
  bool over = false;
};
Task<> count_turns(Turns& turns) {
  while (!turns.over) {
    ++turns.count;
    co_await yield();
  }
}

Task<> receive_bytewise(Stream& stream, std::size_t count, bool into) {
  std::vector<std::byte> buffer(1);
  for (std::size_t i = 0; i < count; ++i) {
    if (into) {
      EXPECT_TRUE(co_await stream.receive(buffer));
    } else {
      EXPECT_TRUE(co_await stream.receive());
    }
  }
}

TEST_F(KernelStreamReceive, receiving_what_is_there_already_lets_others_have_their_turn) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    constexpr std::size_t count = 2000;
    EXPECT_TRUE(ends.peer.send(letters(count)));
    Turns turns;
    TaskGroup others(loop);
    others.spawn(count_turns(turns));
    co_await receive_bytewise(ends.stream, count, true);
    EXPECT_GE(turns.count, 20);
    turns.over = true;
    co_await others.join();
  });
}

TEST_F(KernelStreamReceive, no_buffer_is_kept_by_an_idle_one) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    EXPECT_TRUE(ends.peer.send("x"));
    EXPECT_TRUE(co_await ends.stream.receive());
    EXPECT_GT(loop.core().buffers.lent_bytes(), 0u);
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.receive()), Errc::timed_out));
    EXPECT_EQ(loop.core().buffers.lent_bytes(), 0u);
  });
}

TEST(KernelStreamReceiveDeathTest, a_view_ends_with_the_next_receive) {
#ifndef PARLEY_ADDRESS_SANITIZER
  GTEST_SKIP() << "only AddressSanitizer sees it";
#endif
  auto run = [] {
    Loop loop;
    auto main = [](Loop& on) -> Task<> {
      Ends ends = co_await connected(on);
      EXPECT_TRUE(ends.peer.send("x"));
      auto view = co_await ends.stream.receive();
      (void)co_await within(0s, ends.stream.receive());
      const volatile std::byte* first = view->data();
      (void)*first;
    };
    (void)loop.run(main(loop));
  };
  EXPECT_DEATH(run(), "use-after-poison");
}

}  // namespace
}  // namespace parley
