// Signals as something to wait for.
#include <parley/signals.h>

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/task.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

bool is_blocked(int number) {
  sigset_t mask{};
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

void send_self(int number) { pthread_kill(pthread_self(), number); }

TEST(Signals, are_received_one_by_one) {
  Loop loop;
  Signals signals(loop, {SIGUSR1, SIGUSR2});
  auto main = [](Loop& on, Signals& from) -> Task<> {
    send_self(SIGUSR2);
    EXPECT_EQ(co_await from.receive(), SIGUSR2);
    on.post([] { send_self(SIGUSR1); });
    EXPECT_EQ(co_await from.receive(), SIGUSR1);
    auto none = co_await within(1ms, from.receive());
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error(), Errc::timed_out);
    send_self(SIGUSR1);
    send_self(SIGUSR2);
    const int both = *co_await from.receive() + *co_await from.receive();
    EXPECT_EQ(both, SIGUSR1 + SIGUSR2);
  };
  ASSERT_TRUE(loop.run(main(loop, signals)));
}

Task<> receive_once(Signals& from, Result<int>& outcome) { outcome = co_await from.receive(); }

TEST(Signals, a_cancelled_receive_loses_none_and_a_second_one_is_refused) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  auto main = [](Loop& on, Signals& from) -> Task<> {
    TaskGroup group(on);
    Result<int> outcome;
    group.spawn(receive_once(from, outcome));
    co_await yield();
    auto second = co_await from.receive();
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error(), Errc::already);
    group.stop(Stop::receiving);
    send_self(SIGUSR1);
    co_await group.join();
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), Errc::cancelled);
    EXPECT_EQ(co_await from.receive(), SIGUSR1);
  };
  ASSERT_TRUE(loop.run(main(loop, signals)));
}

// A signal unblocked too early would end this program.
TEST(Signals, are_blocked_as_long_as_their_own_object_lives_whatever_the_order) {
  Loop loop;
  ASSERT_FALSE(is_blocked(SIGUSR1));
  ASSERT_FALSE(is_blocked(SIGUSR2));
  auto first = std::make_unique<Signals>(loop, std::initializer_list<int>{SIGUSR1});
  auto second = std::make_unique<Signals>(loop, std::initializer_list<int>{SIGUSR2});
  first.reset();
  EXPECT_FALSE(is_blocked(SIGUSR1));
  EXPECT_TRUE(is_blocked(SIGUSR2));
  second.reset();
  EXPECT_FALSE(is_blocked(SIGUSR2));
}

TEST(Signals, what_was_blocked_before_stays_blocked) {
  sigset_t one{};
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  {
    Loop loop;
    Signals signals(loop, {SIGUSR1});
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

TEST(Signals, one_that_nobody_received_does_not_strike_afterwards) {
  Loop loop;
  {
    Signals signals(loop, {SIGUSR1, SIGUSR2});
    send_self(SIGUSR1);
    send_self(SIGUSR2);
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(SignalsDeathTest, must_not_be_destroyed_while_somebody_waits) {
  auto run = [] {
    Loop loop;
    auto signals = std::make_unique<Signals>(loop, std::initializer_list<int>{SIGUSR1});
    loop.post([&] { signals.reset(); });
    auto main = [](Signals& from) -> Task<> { (void)co_await from.receive(); };
    (void)loop.run(main(*signals));
  };
  EXPECT_DEATH(run(), "Signals was destroyed while a receive");
}

}  // namespace
}  // namespace parley
