// What is particular to streams that the kernel carries: partial sends, cancelling, closing, breaking.
#include "transport/kernel_stream.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/cpu_time.h"
#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t too_much = 8 * 1024 * 1024;  // for the kernel, when nobody reads

Task<> send_text(Stream& stream, std::string text, Result<void>& outcome) {
  const Bytes bytes = as_bytes(text);
  outcome = co_await stream.send(bytes);
}

class KernelStreamTest : public testing::Test {
 protected:
  void run(Task<> (*test)(Loop&)) { EXPECT_TRUE(loop_.run(test(loop_))); }

  Loop loop_;
};

TEST_F(KernelStreamTest, small_sends_of_one_turn_leave_together) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    for (const char* text : {"a", "b", "c"}) EXPECT_TRUE(co_await ends.stream.send(text));
    EXPECT_TRUE(co_await ends.stream.send(Bytes{}));
    co_await yield();
    std::vector<std::byte> buffer(100);
    auto got = ends.peer.receive(buffer);
    EXPECT_TRUE(succeeded(got));
    EXPECT_EQ(as_text(*got), "abc");
  });
}

TEST_F(KernelStreamTest, a_small_send_and_a_large_one_leave_in_order) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    std::string expected;
    for (const std::size_t size : {10u, 5000u, 4096u, 4097u, 1u, 70'000u, 0u, 3u}) {
      const std::string text = letters(size, expected.size());
      EXPECT_TRUE(co_await ends.stream.send(text));
      expected += text;
    }
    co_await yield();
    EXPECT_EQ(receive_exactly(ends.peer, expected.size()), expected);
  });
}

TEST_F(KernelStreamTest, after_the_peer_has_finished_this_end_may_still_send) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    EXPECT_TRUE(ends.peer.send("question"));
    EXPECT_TRUE(ends.peer.shutdown(Direction::send));
    auto question = co_await ends.stream.receive();
    EXPECT_EQ(as_text(*question), "question");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(failed_with(co_await ends.stream.receive(), Errc::end));
    std::vector<std::byte> buffer(10);
    EXPECT_TRUE(failed_with(co_await ends.stream.receive(buffer), Errc::end));
    EXPECT_TRUE(co_await ends.stream.send("answer"));
    ends.stream.close();
    EXPECT_EQ(drain(ends.peer), "answer");
  });
}

TEST_F(KernelStreamTest, after_shutdown_this_end_may_still_receive) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    EXPECT_TRUE(co_await ends.stream.send("all"));
    EXPECT_TRUE(ends.stream.shutdown());
    EXPECT_TRUE(ends.stream.shutdown());
    EXPECT_TRUE(failed_with(co_await ends.stream.send("more"), Errc::not_connected));
    EXPECT_EQ(drain(ends.peer), "all");
    EXPECT_TRUE(ends.peer.send("answer"));
    auto answer = co_await ends.stream.receive();
    EXPECT_EQ(as_text(*answer), "answer");
  });
}

TEST_F(KernelStreamTest, shutdown_comes_after_what_is_still_to_be_sent) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    const std::string text = letters(too_much);
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.send(text)), Errc::timed_out));
    EXPECT_TRUE(ends.stream.shutdown());
    EXPECT_TRUE(failed_with(co_await ends.stream.send("more"), Errc::not_connected));
    EXPECT_EQ(co_await receive_beside(ends.peer, too_much + 1), text);
  });
}

TEST_F(KernelStreamTest, a_send_that_timed_out_still_leaves_and_the_next_one_after_it) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    const std::string first = letters(too_much);
    EXPECT_TRUE(failed_with(co_await within(1ms, ends.stream.send(first)), Errc::timed_out));
    TaskGroup group(loop);
    Result<void> second;
    Result<void> third;
    group.spawn(send_text(ends.stream, letters(5, too_much), second));
    group.spawn(send_text(ends.stream, letters(9000, too_much + 5), third));
    const std::string all = co_await receive_beside(ends.peer, too_much + 9005);
    EXPECT_TRUE(all == letters(too_much + 9005));
    co_await group.join();
    EXPECT_TRUE(succeeded(second));
    EXPECT_TRUE(succeeded(third));
  });
}

TEST_F(KernelStreamTest, what_a_stopped_task_sends_still_leaves_in_order) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    TaskGroup group(loop);
    Result<void> first;
    Result<void> second;
    group.spawn(send_text(ends.stream, letters(too_much), first));
    co_await yield();
    group.stop(Stop::receiving);
    co_await yield();
    EXPECT_EQ(group.size(), 1u) << "a send is no wait for input";
    group.stop();
    group.spawn(send_text(ends.stream, letters(5000, too_much), second));
    co_await group.join();
    EXPECT_TRUE(failed_with(first, Errc::cancelled));
    EXPECT_TRUE(failed_with(second, Errc::cancelled));
    const std::string all = co_await receive_beside(ends.peer, too_much + 5000);
    EXPECT_TRUE(all == letters(too_much + 5000));
  });
}

TEST_F(KernelStreamTest, what_several_tasks_send_stays_together_in_the_order_of_the_calls) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    constexpr std::size_t size = 1'000'000;
    std::string expected;
    std::vector<Result<void>> outcomes(10);
    TaskGroup group(loop);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const std::string text(size + i, static_cast<char>('a' + i));
      expected += text;
      group.spawn(send_text(ends.stream, text, outcomes[i]));
    }
    const std::string all = co_await receive_beside(ends.peer, expected.size());
    EXPECT_TRUE(all == expected);
    co_await group.join();
    for (const auto& outcome : outcomes) EXPECT_TRUE(succeeded(outcome));
  });
}

TEST_F(KernelStreamTest, all_who_wait_to_send_are_told_of_a_reset) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    std::vector<Result<void>> outcomes(3);
    Result<std::string> received;
    TaskGroup group(loop);
    for (auto& outcome : outcomes) group.spawn(send_text(ends.stream, letters(too_much), outcome));
    group.spawn(receive_once(ends.stream, received));
    co_await yield();
    EXPECT_TRUE(ends.peer.set_linger(0s));
    ends.peer.close();
    co_await group.join();
    for (const auto& outcome : outcomes) EXPECT_TRUE(failed_with(outcome, Errc::reset));
    EXPECT_TRUE(failed_with(received, Errc::reset));
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(failed_with(co_await ends.stream.receive(), Errc::reset));
      EXPECT_TRUE(failed_with(co_await ends.stream.send("x"), Errc::reset));
      EXPECT_TRUE(failed_with(ends.stream.shutdown(), Errc::reset));
    }
  });
}

// Linux keeps what had arrived before a reset. A send that meets the reset first must not hide it.
TEST_F(KernelStreamTest, a_send_that_fails_does_not_lose_what_had_arrived) {
  run([](Loop& loop) -> Task<> {
    for (const bool large : {false, true}) {
      Ends ends = co_await connected(loop);
      EXPECT_TRUE(co_await ends.stream.send("unread"));
      co_await yield();
      EXPECT_TRUE(ends.peer.send("the answer"));
      ends.peer.close();  // with unread bytes: a reset
      const std::string text = letters(large ? 10'000 : 5);
      auto sent = co_await ends.stream.send(text);
      co_await yield();
      if (sent) sent = co_await ends.stream.send(text);
      EXPECT_TRUE(failed_with(sent, Errc::reset));
      auto answer = co_await ends.stream.receive();
      EXPECT_TRUE(succeeded(answer));
      if (answer) {
        EXPECT_EQ(as_text(*answer), "the answer");
      }
      EXPECT_TRUE(failed_with(co_await ends.stream.receive(), Errc::reset));
    }
  });
}

TEST_F(KernelStreamTest, close_sends_what_is_queued_without_anybody_waiting) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    const std::string text = letters(too_much);
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.send(text)), Errc::timed_out));
    ends.stream.close();
    EXPECT_EQ(loop.core().lingering.empty(), false);
    const std::string all = co_await receive_beside(ends.peer, too_much + 1);
    EXPECT_TRUE(all == text);
    EXPECT_TRUE(loop.core().lingering.empty());
  });
}

TEST_F(KernelStreamTest, what_was_corked_leaves_before_the_end) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    EXPECT_TRUE(co_await ends.stream.send("tail"));
    ends.stream.close();
    EXPECT_EQ(drain(ends.peer), "tail");
  });
}

TEST(KernelStream, a_peer_that_never_reads_is_reset_when_the_time_to_linger_is_over) {
  Loop loop({.linger_seconds = 0});
  auto main = [](Loop& on) -> Task<> {
    Ends ends = co_await connected(on, true);
    const std::string text = letters(too_much);
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.send(text)), Errc::timed_out));
    ends.stream.close();
    while (!on.core().lingering.empty()) co_await yield();
    std::vector<std::byte> buffer(1 << 20);
    Result<Bytes> got;
    do got = ends.peer.receive(buffer);
    while (got);
    EXPECT_TRUE(failed_with(got, Errc::reset));
  };
  ASSERT_TRUE(loop.run(main(loop)));
}

TEST(KernelStream, one_that_lingers_when_the_loop_goes_is_reset) {
  Ends ends;
  {
    Loop loop;
    auto main = [](Loop& on, Ends& out) -> Task<> {
      out = co_await connected(on, true);
      const std::string text = letters(too_much);
      EXPECT_TRUE(failed_with(co_await within(0s, out.stream.send(text)), Errc::timed_out));
    };
    ASSERT_TRUE(loop.run(main(loop, ends)));
    ends.stream.close();
  }
  std::vector<std::byte> buffer(1 << 20);
  Result<Bytes> got;
  do got = ends.peer.receive(buffer);
  while (got);
  EXPECT_TRUE(failed_with(got, Errc::reset));
}

TEST_F(KernelStreamTest, one_that_lingers_is_forgotten_when_its_peer_resets) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop, true);
    const std::string text = letters(too_much);
    EXPECT_TRUE(failed_with(co_await within(0s, ends.stream.send(text)), Errc::timed_out));
    ends.stream.close();
    EXPECT_TRUE(ends.peer.set_linger(0s));
    ends.peer.close();
    while (!loop.core().lingering.empty()) co_await yield();
  });
}

TEST_F(KernelStreamTest, abort_resets_and_loses_what_is_queued) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    EXPECT_TRUE(co_await ends.stream.send("lost"));
    ends.stream.abort();
    std::vector<std::byte> buffer(100);
    EXPECT_TRUE(failed_with(ends.peer.receive(buffer), Errc::reset));
    EXPECT_FALSE(ends.stream.is_open());
    ends.stream.abort();
    ends.stream.close();
  });
}

TEST_F(KernelStreamTest, a_closed_one_says_so) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    Stream moved = std::move(ends.stream);
    moved.close();
    std::vector<std::byte> buffer(10);
    for (Stream* stream : {&moved, &ends.stream}) {
      EXPECT_TRUE(failed_with(co_await stream->receive(), Errc::closed));
      EXPECT_TRUE(failed_with(co_await stream->receive(buffer), Errc::closed));
      EXPECT_TRUE(failed_with(co_await stream->send("x"), Errc::closed));
      EXPECT_TRUE(failed_with(co_await within(1s, stream->send("x")), Errc::closed));
      EXPECT_TRUE(failed_with(stream->shutdown(), Errc::closed));
      EXPECT_EQ(stream->peer_address(), Address{});
    }
  });
}

TEST_F(KernelStreamTest, a_reset_while_its_task_waits_elsewhere_does_not_spin) {
  run([](Loop& loop) -> Task<> {
    for (const bool reset : {false, true}) {
      Ends ends = co_await connected(loop);
      EXPECT_TRUE(ends.peer.send("x"));
      EXPECT_TRUE(co_await ends.stream.receive());
      EXPECT_TRUE(ends.peer.send("y"));
      if (reset) {
        EXPECT_TRUE(ends.peer.set_linger(0s));
      }
      ends.peer.close();
      IdleWaits waits;
      while (waits.again()) co_await sleep_for(waits.time());
      EXPECT_TRUE(waits.idle());
    }
  });
}

Task<> take_and_leave(Stream stream, Result<std::string>& outcome) { co_await receive_once(stream, outcome); }

// The task that a completion resumes destroys the stream, and with it what the driver looks at.
TEST_F(KernelStreamTest, may_be_destroyed_by_the_task_that_it_resumes) {
  run([](Loop& loop) -> Task<> {
    std::vector<Ends> all;
    std::vector<Result<std::string>> outcomes(20);
    TaskGroup group(loop);
    for (auto& outcome : outcomes) {
      all.push_back(co_await connected(loop));
      group.spawn(take_and_leave(std::move(all.back().stream), outcome));
    }
    co_await yield();
    for (auto& ends : all) EXPECT_TRUE(ends.peer.send("bye"));
    co_await group.join();
    for (auto& outcome : outcomes) EXPECT_EQ(outcome, "bye");
    for (auto& ends : all) EXPECT_EQ(drain(ends.peer), "");
  });
}

TEST_F(KernelStreamTest, a_handle_may_be_moved_while_a_receive_waits) {
  run([](Loop& loop) -> Task<> {
    Ends ends = co_await connected(loop);
    Result<std::string> outcome;
    TaskGroup group(loop);
    group.spawn(receive_once(ends.stream, outcome));
    co_await yield();
    Stream elsewhere = std::move(ends.stream);
    EXPECT_TRUE(ends.peer.send("found"));
    co_await group.join();
    EXPECT_EQ(outcome, "found");
  });
}

TEST_F(KernelStreamTest, its_addresses_are_those_of_the_socket) {
  run([](Loop& loop) -> Task<> {
    Result<Listener> listener = listen(loop, "tcp://127.0.0.1:0");
    std::vector<Socket> clients;
    std::vector<Stream> streams;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(*Socket::open(Kind::tcp));
      EXPECT_TRUE(clients.back().connect(listener->local_address()));
      auto stream = co_await listener->accept();
      streams.push_back(std::move(*stream));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      EXPECT_EQ(streams[i].peer_address(), *clients[i].local_address());
      EXPECT_EQ(streams[i].local_address(), listener->local_address());
    }
  });
}

TEST(KernelStreamDeathTest, must_not_be_closed_while_a_receive_waits) {
  auto run = [] {
    Loop loop;
    auto main = [](Loop& on) -> Task<> {
      Ends ends = co_await connected(on);
      on.post([&ends] { ends.stream.close(); });
      (void)co_await ends.stream.receive();
    };
    (void)loop.run(main(loop));
  };
  EXPECT_DEATH(run(), "a Stream was closed while a receive");
}

}  // namespace
}  // namespace parley
