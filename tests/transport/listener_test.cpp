// Accepting: the errors, the pause for want of descriptors, and what stopping leaves behind.
#include <parley/listener.h>

#include <sys/resource.h>

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

Socket client_of(const Listener& listener) {
  Socket client = *Socket::open(Kind::tcp);
  EXPECT_TRUE(client.connect(listener.local_address()));
  return client;
}

// While it exists no descriptor can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

class Listening : public testing::Test {
 protected:
  void run(Task<> (*test)(Loop&)) { EXPECT_TRUE(loop_.run(test(loop_))); }

  Loop loop_;
};

TEST_F(Listening, a_port_that_is_taken_is_said_so_and_a_range_goes_on_to_the_next) {
  run([](Loop& loop) -> Task<> {
    auto first = listen(loop, "tcp://127.0.0.1:0");
    EXPECT_TRUE(succeeded(first));
    EXPECT_TRUE(failed_with(listen(loop, first->local_address()), Errc::address_in_use));
    EXPECT_TRUE(failed_with(listen(loop, "tcp://127.0.0.1"), Errc::invalid_address));
    EXPECT_TRUE(failed_with(listen(loop, "tcp://a.name:1"), Errc::invalid_address));
    co_return;
  });
}

TEST_F(Listening, a_closed_one_says_so) {
  run([](Loop& loop) -> Task<> {
    Listener none;
    EXPECT_TRUE(failed_with(co_await none.accept(), Errc::closed));
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    listener->close();
    listener->close();
    EXPECT_TRUE(failed_with(co_await listener->accept(), Errc::closed));
    EXPECT_EQ(listener->local_address(), Address{});
    EXPECT_EQ(listener->pauses(), 0u);
  });
}

Task<> accept_once(Listener& listener, Result<Stream>& outcome) { outcome = co_await listener.accept(); }

TEST_F(Listening, a_second_accept_is_refused_and_a_cancelled_one_loses_no_connection) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    Result<Stream> outcome;
    TaskGroup group(loop);
    group.spawn(accept_once(*listener, outcome));
    co_await yield();
    EXPECT_TRUE(failed_with(co_await listener->accept(), Errc::already));
    group.stop(Stop::receiving);
    Socket client = client_of(*listener);
    co_await group.join();
    EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
    auto stream = co_await listener->accept();
    EXPECT_TRUE(succeeded(stream));
    EXPECT_EQ(stream->peer_address(), *client.local_address());
    EXPECT_TRUE(failed_with(co_await within(0s, listener->accept()), Errc::timed_out));
  });
}

TEST_F(Listening, a_connection_that_was_reset_before_it_was_accepted_does_no_harm) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    for (int i = 0; i < 3; ++i) {
      Socket gone = client_of(*listener);
      EXPECT_TRUE(gone.set_linger(0s));
    }
    Socket stays = client_of(*listener);
    EXPECT_TRUE(stays.send("here"));
    std::string got;
    while (got.empty()) {
      auto stream = co_await listener->accept();
      EXPECT_TRUE(succeeded(stream));
      auto bytes = co_await stream->receive();
      if (bytes) got = as_text(*bytes);
    }
    EXPECT_EQ(got, "here");
  });
}

struct Told {
  std::vector<Errc> reasons;
  static void add(void* state, Error why) { static_cast<Told*>(state)->reasons.push_back(why.code); }
};

TEST_F(Listening, for_want_of_descriptors_it_pauses_until_one_is_closed) {
  run([](Loop& loop) -> Task<> {
    Told told;
    auto listener = listen(loop, "tcp://127.0.0.1:0", {.paused = &Told::add, .paused_state = &told});
    Ends other = co_await connected(loop);
    Socket client = client_of(*listener);
    Result<Stream> outcome = fail(Errc::none);
    TaskGroup group(loop);
    {
      NoDescriptors none;
      group.spawn(accept_once(*listener, outcome));
      while (told.reasons.empty()) co_await yield();
      EXPECT_EQ(group.size(), 1u);
      IdleWaits waits;
      while (waits.again()) EXPECT_TRUE(co_await sleep_for(waits.time()));
      EXPECT_TRUE(waits.idle()) << "it spins";
    }
    other.stream.close();
    for (int turns = 0; turns < 100 && group.size() > 0; ++turns) co_await yield();
    EXPECT_EQ(group.size(), 0u) << "it waits for the time instead of the descriptor";
    co_await group.join();
    EXPECT_TRUE(succeeded(outcome));
    EXPECT_EQ(listener->pauses(), 1u);
    EXPECT_EQ(told.reasons, std::vector{Errc::descriptors_exhausted}) << "it may pause again soon";
  });
}

TEST_F(Listening, for_want_of_descriptors_it_tries_again_after_a_while) {
  run([](Loop& loop) -> Task<> {
    Told told;
    auto listener = listen(loop, "tcp://127.0.0.1:0", {.paused = &Told::add, .paused_state = &told});
    Socket client = client_of(*listener);
    Result<Stream> outcome = fail(Errc::none);
    TaskGroup group(loop);
    {
      NoDescriptors none;
      group.spawn(accept_once(*listener, outcome));
      while (told.reasons.empty()) co_await yield();
    }
    co_await group.join();
    EXPECT_TRUE(succeeded(outcome));
    EXPECT_EQ(listener->pauses(), 1u);
  });
}

TEST_F(Listening, a_pause_may_be_cancelled_and_the_listener_closed_in_it) {
  run([](Loop& loop) -> Task<> {
    Told told;
    auto listener = listen(loop, "tcp://127.0.0.1:0", {.paused = &Told::add, .paused_state = &told});
    Ends other = co_await connected(loop);
    Socket client = client_of(*listener);
    {
      NoDescriptors none;
      Result<Stream> outcome;
      TaskGroup group(loop);
      group.spawn(accept_once(*listener, outcome));
      while (told.reasons.empty()) co_await yield();
      group.stop();
      co_await group.join();
      EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
      EXPECT_TRUE(failed_with(co_await within(0s, listener->accept()), Errc::timed_out));
    }
    listener->close();
    other.stream.close();
    for (int i = 0; i < 3; ++i) co_await yield();
  });
}

TEST_F(Listening, may_be_closed_while_connections_wait_to_be_accepted) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    std::vector<Socket> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(client_of(*listener));
    auto stream = co_await listener->accept();
    listener->close();
    EXPECT_TRUE(co_await stream->send("accepted"));
    co_await yield();
    EXPECT_EQ(receive_exactly(clients[0], 8), "accepted");
    std::vector<std::byte> buffer(10);
    for (std::size_t i = 1; i < clients.size(); ++i) {
      EXPECT_TRUE(failed_with(clients[i].receive(buffer), Errc::reset));
    }
  });
}

// peer_address() of the stream accepted last is the driver's; a later connection must not change it.
TEST_F(Listening, a_peer_address_stays_when_the_next_one_is_accepted_and_given_up) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    Socket a = client_of(*listener);
    auto first = co_await listener->accept();
    Socket b = client_of(*listener);
    {
      auto second = co_await listener->accept();
      EXPECT_EQ(second->peer_address(), *b.local_address());
      EXPECT_EQ(first->peer_address(), *a.local_address());
    }
    EXPECT_EQ(first->peer_address(), *a.local_address());
  });
}

TEST(ListenerDeathTest, must_not_be_closed_while_an_accept_waits) {
  auto run = [] {
    Loop loop;
    auto main = [](Loop& on) -> Task<> {
      auto listener = listen(on, "tcp://127.0.0.1:0");
      on.post([&listener] { listener->close(); });
      (void)co_await listener->accept();
    };
    (void)loop.run(main(loop));
  };
  EXPECT_DEATH(run(), "a Listener was closed while an accept");
}

}  // namespace
}  // namespace parley
