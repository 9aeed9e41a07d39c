// The pipe in memory: the same promises as a socket's, kept by other means.
#include <parley/stream.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/task.h>

#include "io/core.h"
#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

class Pipe : public testing::Test {
 protected:
  ~Pipe() override { EXPECT_EQ(loop_.core().buffers.lent_bytes(), 0u); }
  void run(Task<> (*test)(Loop&)) { EXPECT_TRUE(loop_.run(test(loop_))); }

  Loop loop_;
};

Task<> send_text(Stream& stream, std::string text, Result<void>& outcome) {
  const Bytes bytes = as_bytes(text);
  outcome = co_await stream.send(bytes);
}

Task<> receive_all(Stream& stream, std::string& got, Errc& ended) {
  for (;;) {
    auto bytes = co_await stream.receive();
    if (!bytes) {
      ended = bytes.error().code;
      co_return;
    }
    got += as_text(*bytes);
  }
}

TEST_F(Pipe, carries_bytes_both_ways_and_the_end) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop);
    EXPECT_TRUE(co_await a.send("to b"));
    EXPECT_TRUE(co_await b.send("to a"));
    auto at_b = co_await b.receive();
    EXPECT_EQ(as_text(*at_b), "to b");
    EXPECT_TRUE(a.shutdown());
    EXPECT_TRUE(failed_with(co_await b.receive(), Errc::end));
    EXPECT_TRUE(failed_with(co_await a.send("x"), Errc::not_connected));
    auto at_a = co_await a.receive();
    EXPECT_EQ(as_text(*at_a), "to a");
    b.close();
    EXPECT_TRUE(failed_with(co_await a.receive(), Errc::end));
  });
}

TEST_F(Pipe, a_send_waits_for_room_and_all_arrives) {
  run([](Loop& loop) -> Task<> {
    for (const std::size_t room : {std::size_t{1}, std::size_t{100}, std::size_t{70'000}, SIZE_MAX}) {
      auto [a, b] = pipe(loop, room);
      const std::size_t size = room == 1 ? 1000 : 200'000;
      std::string got;
      Errc ended = Errc::none;
      Result<void> sent = fail(Errc::none);
      TaskGroup group(loop);
      group.spawn(send_text(a, letters(size), sent));
      co_await yield();
      EXPECT_EQ(sent.has_value(), room > size);
      group.spawn(receive_all(b, got, ended));
      co_await group.at_most(1);
      EXPECT_TRUE(succeeded(sent));
      a.close();
      co_await group.join();
      EXPECT_TRUE(got == letters(size));
      EXPECT_EQ(ended, Errc::end);
    }
  });
}

// The waiting reader is given what fits, and the rest must not be forgotten.
TEST_F(Pipe, a_send_that_has_no_room_reaches_a_reader_that_waited_already) {
  run([](Loop& loop) -> Task<> {
    for (const bool into : {false, true}) {
      auto [a, b] = pipe(loop, 10);
      std::vector<std::byte> buffer(4);
      Result<void> sent;
      std::string got;
      TaskGroup group(loop);
      group.spawn(send_text(a, letters(25), sent));
      while (got.size() < 25) {
        Result<Bytes> bytes;
        if (into) {
          bytes = co_await within(1s, b.receive(buffer));
        } else {
          bytes = co_await within(1s, b.receive());
        }
        EXPECT_TRUE(succeeded(bytes));
        if (!bytes) break;
        got += as_text(*bytes);
      }
      EXPECT_EQ(got, letters(25));
      group.stop();
      co_await group.join();
      EXPECT_TRUE(succeeded(sent));
    }
  });
}

TEST_F(Pipe, what_is_queued_costs_about_its_size_not_its_limit) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop, std::size_t{1} << 30);
    EXPECT_TRUE(co_await a.send("x"));
    EXPECT_LE(loop.core().buffers.lent_bytes(), 4096u);
    EXPECT_TRUE(co_await b.receive());
  });
}

TEST_F(Pipe, receives_into_a_buffer_and_views_take_turns) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop);
    std::vector<std::byte> buffer(4);
    EXPECT_TRUE(co_await a.send("12345678"));
    auto part = co_await b.receive(buffer);
    EXPECT_EQ(as_text(*part), "1234");
    auto rest = co_await b.receive();
    EXPECT_EQ(as_text(*rest), "5678");
    EXPECT_TRUE(failed_with(co_await within(0s, b.receive(buffer)), Errc::timed_out));
    Result<void> sent;
    TaskGroup group(loop);
    group.spawn(send_text(a, "abcdef", sent));
    auto waited = co_await b.receive(buffer);
    EXPECT_EQ(as_text(*waited), "abcd");
    auto view = co_await b.receive();
    EXPECT_EQ(as_text(*view), "ef");
    co_await group.join();
    a.close();
    EXPECT_TRUE(failed_with(co_await b.receive(buffer), Errc::end));
  });
}

TEST_F(Pipe, what_several_tasks_send_stays_in_order_also_when_they_are_stopped) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop, 10);
    std::vector<Result<void>> outcomes(5);
    TaskGroup group(loop);
    TaskGroup stopped(loop);
    group.spawn(send_text(a, letters(100, 0), outcomes[0]));
    stopped.spawn(send_text(a, letters(100, 100), outcomes[1]));
    group.spawn(send_text(a, letters(100, 200), outcomes[2]));
    co_await yield();
    stopped.stop();
    stopped.spawn(send_text(a, letters(100, 300), outcomes[3]));  // stopped before it begins
    co_await stopped.join();
    EXPECT_TRUE(failed_with(outcomes[1], Errc::cancelled));
    EXPECT_TRUE(failed_with(outcomes[3], Errc::cancelled));
    group.spawn(send_text(a, letters(100, 400), outcomes[4]));
    std::string got;
    while (got.size() < 500) {
      auto bytes = co_await within(1s, b.receive());
      if (!bytes) break;
      EXPECT_LE(bytes->size(), 10u);
      got += as_text(*bytes);
    }
    EXPECT_EQ(got, letters(500));
    co_await group.join();
    EXPECT_TRUE(succeeded(outcomes[4]));
  });
}

TEST_F(Pipe, close_and_shutdown_come_after_what_a_stopped_task_sent) {
  run([](Loop& loop) -> Task<> {
    for (const bool close : {false, true}) {
      auto [a, b] = pipe(loop, 10);
      const std::string text = letters(1000);
      EXPECT_TRUE(failed_with(co_await within(0s, a.send(text)), Errc::timed_out));
      if (close) {
        a.close();
      } else {
        EXPECT_TRUE(a.shutdown());
      }
      std::string got;
      Errc ended = Errc::none;
      co_await receive_all(b, got, ended);
      EXPECT_EQ(got, text);
      EXPECT_EQ(ended, Errc::end);
    }
  });
}

TEST_F(Pipe, abort_and_unread_bytes_reset_the_other_end) {
  run([](Loop& loop) -> Task<> {
    for (const bool abort : {false, true}) {
      auto [a, b] = pipe(loop);
      EXPECT_TRUE(co_await b.send("unread"));
      if (abort) {
        a.abort();
      } else {
        a.close();
      }
      EXPECT_TRUE(failed_with(co_await b.receive(), Errc::reset));
      EXPECT_TRUE(failed_with(co_await b.send("x"), Errc::reset));
    }
  });
}

TEST_F(Pipe, who_waits_to_send_or_receive_is_told_when_the_other_end_goes) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop, 10);
    std::vector<Result<void>> outcomes(2);
    Result<std::string> received;
    TaskGroup group(loop);
    for (auto& outcome : outcomes) group.spawn(send_text(a, letters(100), outcome));
    group.spawn(receive_once(a, received));
    co_await yield();
    b.abort();
    co_await group.join();
    for (auto& outcome : outcomes) EXPECT_TRUE(failed_with(outcome, Errc::reset));
    EXPECT_TRUE(failed_with(received, Errc::reset));
  });
}

TEST_F(Pipe, a_second_receive_is_refused_and_a_cancelled_one_loses_nothing) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop);
    Result<std::string> first;
    std::vector<std::byte> buffer(10);
    TaskGroup group(loop);
    group.spawn(receive_once(b, first));
    co_await yield();
    EXPECT_TRUE(failed_with(co_await b.receive(), Errc::already));
    EXPECT_TRUE(failed_with(co_await b.receive(buffer), Errc::already));
    group.stop(Stop::receiving);
    EXPECT_TRUE(co_await a.send("kept"));
    co_await group.join();
    EXPECT_TRUE(failed_with(first, Errc::cancelled));
    auto kept = co_await b.receive();
    EXPECT_EQ(as_text(*kept), "kept");
  });
}

Task<> ping_pong(Stream& stream, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    auto bytes = co_await stream.receive();
    if (!bytes) co_return;
    (void)co_await stream.send(*bytes);
  }
}

TEST_F(Pipe, two_ends_that_answer_each_other) {
  run([](Loop& loop) -> Task<> {
    auto [a, b] = pipe(loop);
    TaskGroup group(loop);
    group.spawn(ping_pong(a, 1000));
    group.spawn(ping_pong(b, 1000));
    EXPECT_TRUE(co_await a.send("ball"));
    co_await group.join();
    auto last = co_await b.receive();
    EXPECT_EQ(as_text(*last), "ball");
  });
}

}  // namespace
}  // namespace parley
