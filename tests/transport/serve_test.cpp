// serve(): a handler for each connection, its limits, and its end.
#include <parley/listener.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Socket client_of(const Address& address) {
  Socket client = *Socket::open(Kind::tcp);
  EXPECT_TRUE(client.connect(address));
  return client;
}

Task<> echo(Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    co_await peer.send(*bytes);
  }
}

struct Served {
  TaskGroup group;
  Address address;
  Result<void> outcome = fail(Errc::none);

  explicit Served(Loop& loop) : group(loop) {}
};

Task<> serve_into(Loop& loop, Listener listener, Handler handler, ServeOptions options, Result<void>& outcome) {
  outcome = co_await serve(loop, std::move(listener), handler, options);
}

void start(Served& served, Loop& loop, Handler handler, ServeOptions options = {}) {
  auto listener = listen(loop, "tcp://127.0.0.1:0");
  served.address = listener->local_address();
  served.group.spawn(serve_into(loop, std::move(*listener), handler, options, served.outcome));
}

class Serve : public testing::Test {
 protected:
  void run(Task<> (*test)(Loop&)) { EXPECT_TRUE(loop_.run(test(loop_))); }

  Loop loop_;
};

TEST_F(Serve, answers_each_connection_and_ends_in_order_when_stopped) {
  run([](Loop& loop) -> Task<> {
    Served served(loop);
    start(served, loop, echo);
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(client_of(served.address));
      EXPECT_TRUE(clients.back().send(std::string(1, static_cast<char>('a' + i))));
    }
    for (int i = 0; i < 10; ++i) {
      const std::string got = co_await receive_beside(clients[static_cast<std::size_t>(i)], 1);
      EXPECT_EQ(got, std::string(1, static_cast<char>('a' + i)));
    }
    for (auto& client : clients) EXPECT_TRUE(client.send("last"));
    served.group.stop(Stop::receiving);
    co_await served.group.join();
    EXPECT_TRUE(succeeded(served.outcome));
    for (auto& client : clients) EXPECT_EQ(drain(client), "last");
  });
}

Task<> stay(Stream) { (void)co_await sleep_for(1h); }

TEST_F(Serve, handlers_that_do_not_finish_are_stopped_when_the_time_to_drain_is_over) {
  run([](Loop& loop) -> Task<> {
    // With connections_max it waits for room, or not, when it is stopped.
    for (const std::size_t connections_max : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
      Served served(loop);
      start(served, loop, stay, {.connections_max = connections_max, .drain_seconds = 0});
      Socket client = client_of(served.address);
      for (int i = 0; i < 5; ++i) co_await yield();
      served.group.stop(Stop::receiving);
      const auto before = loop.now();
      EXPECT_TRUE(succeeded(co_await within(5s, served.group.join())));
      EXPECT_LT(loop.now() - before, 5s);
      EXPECT_TRUE(succeeded(served.outcome));
      EXPECT_EQ(drain(client), "");
    }
  });
}

TEST_F(Serve, stop_all_does_not_wait_for_the_time_to_drain) {
  run([](Loop& loop) -> Task<> {
    Served served(loop);
    start(served, loop, stay, {.drain_seconds = 3600});
    Socket client = client_of(served.address);
    for (int i = 0; i < 5; ++i) co_await yield();
    served.group.stop(Stop::all);
    co_await served.group.join();
    EXPECT_TRUE(succeeded(served.outcome));
  });
}

struct Count {
  int now = 0;
  int most = 0;
  int all = 0;
};
Task<> count(Stream peer, Count& counted) {
  counted.most = std::max(counted.most, ++counted.now);
  counted.all += 1;
  co_await echo(std::move(peer));
  counted.now -= 1;
}

TEST_F(Serve, no_more_connections_than_allowed_are_served_at_once) {
  run([](Loop& loop) -> Task<> {
    for (const int most : {1, 3}) {
      Served served(loop);
      Count counted;
      start(served, loop, Handler(count, counted), {.connections_max = static_cast<std::size_t>(most)});
      std::vector<Socket> clients;
      for (int i = 0; i < 8; ++i) {
        clients.push_back(client_of(served.address));
        EXPECT_TRUE(clients.back().send("x"));
        EXPECT_TRUE(clients.back().shutdown(Direction::send));
      }
      for (auto& client : clients) EXPECT_EQ(co_await receive_beside(client, 2), "x");
      EXPECT_EQ(counted.all, 8);
      EXPECT_LE(counted.most, most);
      served.group.stop();
      co_await served.group.join();
    }
  });
}

std::vector<std::string> thrown;
void keep(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::runtime_error& error) {
    thrown.emplace_back(error.what());
  }
}

Task<> throw_later(Stream peer) {
  auto bytes = co_await peer.receive();
  if (bytes && as_text(*bytes) == "throw") throw std::runtime_error("later");
  if (bytes) co_await peer.send(*bytes);
}
Task<> throw_at_once(Stream peer) {  // no coroutine
  static int calls = 0;
  if (++calls % 2 == 1) throw std::runtime_error("at once");
  return echo(std::move(peer));
}

TEST_F(Serve, what_a_handler_throws_ends_its_own_connection_only) {
  run([](Loop& loop) -> Task<> {
    for (const bool told : {true, false}) {
      thrown.clear();
      Served served(loop);
      start(served, loop, throw_later, {.thrown = told ? keep : nullptr});
      Socket other = client_of(served.address);
      Socket client = client_of(served.address);
      EXPECT_TRUE(client.send("throw"));
      EXPECT_EQ(co_await receive_beside(client, 1), "");
      EXPECT_TRUE(other.send("well"));
      EXPECT_EQ(co_await receive_beside(other, 4), "well");
      EXPECT_EQ(thrown, told ? std::vector<std::string>{"later"} : std::vector<std::string>{});
      served.group.stop();
      co_await served.group.join();
      EXPECT_TRUE(succeeded(served.outcome));
    }
  });
}

TEST_F(Serve, a_handler_that_is_no_coroutine_may_throw_too) {
  run([](Loop& loop) -> Task<> {
    thrown.clear();
    Served served(loop);
    start(served, loop, throw_at_once, {.thrown = keep});
    Socket first = client_of(served.address);
    EXPECT_EQ(co_await receive_beside(first, 1), "");
    Socket second = client_of(served.address);
    EXPECT_TRUE(second.send("x"));
    EXPECT_EQ(co_await receive_beside(second, 1), "x");
    EXPECT_EQ(thrown, std::vector<std::string>{"at once"});
    served.group.stop();
    co_await served.group.join();
    EXPECT_TRUE(succeeded(served.outcome));
  });
}

TEST_F(Serve, what_it_cannot_listen_on_is_its_error) {
  run([](Loop& loop) -> Task<> {
    auto taken = listen(loop, "tcp://127.0.0.1:0");
    const std::string url = "tcp://" + taken->local_address().to_string();
    EXPECT_TRUE(failed_with(co_await serve(loop, url, echo), Errc::address_in_use));
    EXPECT_TRUE(failed_with(co_await serve(loop, "nonsense", echo), Errc::invalid_address));
  });
}

TEST_F(Serve, one_that_is_stopped_before_it_begins_serves_nobody) {
  run([](Loop& loop) -> Task<> {
    Served served(loop);
    served.group.stop(Stop::receiving);
    start(served, loop, echo);
    co_await served.group.join();
    EXPECT_TRUE(succeeded(served.outcome));
  });
}

TEST_F(Serve, a_thousand_clients_that_come_and_go_leave_nothing) {
  run([](Loop& loop) -> Task<> {
    Served served(loop);
    Count counted;
    start(served, loop, Handler(count, counted));
    for (int round = 0; round < 10; ++round) {
      std::vector<Socket> clients;
      for (int i = 0; i < 100; ++i) {
        clients.push_back(client_of(served.address));
        if (i % 3 == 0) {
          EXPECT_TRUE(clients.back().set_linger(0s));
        }
      }
      for (int i = 0; i < 5; ++i) co_await yield();
    }
    while (counted.all < 1000 || counted.now > 0) co_await yield();
    served.group.stop();
    co_await served.group.join();
  });
}

}  // namespace
}  // namespace parley
