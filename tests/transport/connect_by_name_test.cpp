#include <parley/connect.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <parley/listener.h>
#include <parley/simulation.h>
#include "results.h"

namespace parley {
namespace {

using namespace std::chrono_literals;
using Addresses = std::vector<Address>;

constexpr std::uint16_t port = 80;

Address at(const char* host, std::uint16_t number = port) { return *Address::ip(host, number); }

// A name with two addresses of each family, as getaddrinfo sorts them.
Task<Result<Addresses>> four(Loop&, std::string_view, std::uint16_t number) {
  Addresses found{at("2001:db8::1", number), at("2001:db8::2", number), at("192.0.2.1", number),
                  at("192.0.2.2", number)};
  co_return found;
}

Task<Result<Addresses>> nobody(Loop&, std::string_view, std::uint16_t) { co_return fail(Errc::not_found); }
Task<Result<Addresses>> nowhere(Loop&, std::string_view, std::uint16_t) { co_return Addresses{}; }
Task<Result<Addresses>> never(Loop&, std::string_view, std::uint16_t) {
  Result<void> slept = co_await sleep_for(1h);
  co_return std::unexpected(slept ? Error{Errc::name_failed, 0} : slept.error());
}

// What came of it, and when.
struct Outcome {
  Errc error = Errc::none;
  Address peer;
  std::chrono::milliseconds time{};
};

Outcome outcome_of(Loop& loop, const Result<Stream>& stream) {
  return {stream ? Errc::none : stream.error().code, stream ? stream->peer_address() : Address{},
          std::chrono::duration_cast<std::chrono::milliseconds>(loop.now())};
}

class ConnectByName : public testing::Test {
 protected:
  ~ConnectByName() override {
    listeners_.clear();
    owner_.reset();
    const SimulationReport report = simulation_.finish();
    EXPECT_TRUE(report.clean()) << report.to_string();
  }

  void listen_at(const Address& address) {
    auto listener = listen(loop, address);
    EXPECT_TRUE(succeeded(listener));
    if (listener) listeners_.push_back(std::move(*listener));
  }
  void set_route(const char* host, Route route, std::chrono::nanoseconds delay = {}) {
    simulation_.set_route(at(host), route, delay);
  }

  Outcome connected(const char* url, const ConnectOptions& options = {.resolve = four}) {
    Outcome outcome;
    auto main = [](Loop& on, std::string_view to, const ConnectOptions& how, Outcome& out) -> Task<> {
      Result<Stream> stream = co_await connect(on, to, how);
      out = outcome_of(on, stream);
    };
    EXPECT_TRUE(succeeded(loop.run(main(loop, url, options, outcome))));
    return outcome;
  }

  Outcome connected_within(std::chrono::milliseconds time, const char* url, const ConnectOptions& options) {
    Outcome outcome;
    auto main = [](Loop& on, std::chrono::milliseconds limit, std::string_view to, const ConnectOptions& how,
                   Outcome& out) -> Task<> {
      Task<Result<Stream>> connecting = connect(on, to, how);
      Result<Stream> stream = co_await within(limit, std::move(connecting));
      out = outcome_of(on, stream);
    };
    EXPECT_TRUE(succeeded(loop.run(main(loop, time, url, options, outcome))));
    return outcome;
  }

 private:
  Simulation simulation_;
  std::unique_ptr<Loop> owner_ = std::make_unique<Loop>(simulation_);
  std::vector<Listener> listeners_;

 protected:
  Loop& loop = *owner_;
};

TEST_F(ConnectByName, the_first_address_that_answers_is_taken_at_once) {
  listen_at(at("2001:db8::1"));
  listen_at(at("192.0.2.1"));
  const Outcome outcome = connected("tcp://example.org:80");
  EXPECT_EQ(outcome.error, Errc::none);
  EXPECT_EQ(outcome.peer, at("2001:db8::1"));
  EXPECT_EQ(outcome.time, 0ms);
}

// RFC 8305: IPv4 is next, though the list has another IPv6 address first.
TEST_F(ConnectByName, when_the_first_is_silent_the_other_family_is_tried_250_ms_later) {
  set_route("2001:db8::1", Route::silent);
  listen_at(at("2001:db8::2"));
  listen_at(at("192.0.2.1"));
  const Outcome outcome = connected("tcp://example.org:80");
  EXPECT_EQ(outcome.peer, at("192.0.2.1"));
  EXPECT_EQ(outcome.time, 250ms);
}

TEST_F(ConnectByName, each_further_attempt_waits_as_long) {
  for (const char* host : {"2001:db8::1", "192.0.2.1", "2001:db8::2"}) set_route(host, Route::silent);
  listen_at(at("192.0.2.2"));
  const Outcome outcome = connected("tcp://example.org:80", {.attempt_delay = 100ms, .resolve = four});
  EXPECT_EQ(outcome.peer, at("192.0.2.2"));
  EXPECT_EQ(outcome.time, 300ms);
}

TEST_F(ConnectByName, from_an_address_only_its_family_is_tried) {
  listen_at(at("2001:db8::1"));
  listen_at(at("192.0.2.2"));
  const Outcome outcome = connected("tcp://example.org:80", {.from = at("192.0.2.77", 0), .resolve = four});
  EXPECT_EQ(outcome.peer, at("192.0.2.2"));
  const Outcome none = connected("tcp://[2001:db8::1]:80", {.from = at("192.0.2.77", 0), .resolve = four});
  EXPECT_EQ(none.error, Errc::invalid_argument);
}

TEST_F(ConnectByName, an_attempt_that_fails_is_followed_at_once) {
  set_route("2001:db8::1", Route::unreachable);  // 192.0.2.1 refuses
  listen_at(at("2001:db8::2"));
  const Outcome outcome = connected("tcp://example.org:80");
  EXPECT_EQ(outcome.peer, at("2001:db8::2"));
  EXPECT_EQ(outcome.time, 0ms);
}

TEST_F(ConnectByName, an_attempt_that_was_slow_can_still_win) {
  set_route("2001:db8::1", Route::open, 150ms);  // one way
  set_route("192.0.2.1", Route::open, 150ms);
  listen_at(at("2001:db8::1"));
  listen_at(at("192.0.2.1"));
  const Outcome outcome = connected("tcp://example.org:80");
  EXPECT_EQ(outcome.peer, at("2001:db8::1"));
  EXPECT_GE(outcome.time, 250ms);
  EXPECT_LT(outcome.time, 400ms);
}

TEST_F(ConnectByName, that_nothing_listens_says_more_than_that_there_is_no_way) {
  for (const char* host : {"2001:db8::1", "2001:db8::2", "192.0.2.2"}) set_route(host, Route::unreachable);
  EXPECT_EQ(connected("tcp://example.org:80").error, Errc::refused);
}

TEST_F(ConnectByName, with_no_way_anywhere_it_says_unreachable) {
  for (const char* host : {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}) set_route(host, Route::unreachable);
  EXPECT_EQ(connected("tcp://example.org:80").error, Errc::unreachable);
}

TEST_F(ConnectByName, the_errors_of_the_lookup_are_told) {
  EXPECT_EQ(connected("tcp://example.org:80", {.resolve = nobody}).error, Errc::not_found);
  EXPECT_EQ(connected("tcp://example.org:80", {.resolve = nowhere}).error, Errc::not_found);
}

TEST_F(ConnectByName, a_range_of_ports_is_tried_in_order) {
  listen_at(at("192.0.2.1", 9003));
  listen_at(at("2001:db8::1", 9005));
  const Outcome outcome = connected("tcp://example.org:9000-9010");
  EXPECT_EQ(outcome.peer, at("192.0.2.1", 9003));
}

TEST_F(ConnectByName, a_range_without_anybody_is_refused) {
  EXPECT_EQ(connected("tcp://127.0.0.1:9000-9998", {.resolve = nobody}).error, Errc::refused);
  EXPECT_EQ(connected("tcp://127.0.0.1:65535").error, Errc::refused);
}

TEST_F(ConnectByName, numbers_and_paths_are_not_looked_up) {
  listen_at(at("127.0.0.1"));
  listen_at(at("::1"));
  listen_at(*Address::local("@connect-by-name"));
  EXPECT_EQ(connected("tcp://127.0.0.1:80", {.resolve = nobody}).peer, at("127.0.0.1"));
  EXPECT_EQ(connected("tcp://[::1]:80", {.resolve = nobody}).peer, at("::1"));
  EXPECT_EQ(connected("unix:@connect-by-name", {.resolve = nobody}).peer, *Address::local("@connect-by-name"));
}

TEST_F(ConnectByName, no_host_is_this_machine_over_either_family) {
  listen_at(at("127.0.0.1"));
  EXPECT_EQ(connected("tcp://:80", {.resolve = nobody}).peer, at("127.0.0.1"));
  listen_at(at("::1"));
  EXPECT_EQ(connected("tcp://:80", {.resolve = nobody}).peer, at("::1"));
}

TEST_F(ConnectByName, what_it_cannot_connect_to_it_says) {
  EXPECT_EQ(connected("nonsense").error, Errc::invalid_address);
  EXPECT_EQ(connected("udp://127.0.0.1:80").error, Errc::invalid_argument);
}

// Also in the middle of the delay, and after all attempts have begun.
TEST_F(ConnectByName, a_limit_of_time_gives_every_attempt_up) {
  for (const char* host : {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}) set_route(host, Route::silent);
  for (const auto limit : {0ms, 100ms, 250ms, 600ms, 2000ms}) {
    const auto begun = loop.now();
    EXPECT_EQ(connected_within(limit, "tcp://example.org:80-90", {.resolve = four}).error, Errc::timed_out);
    EXPECT_GE(loop.now() - begun, limit);
    EXPECT_LT(loop.now() - begun, limit + 10ms);
  }
}

TEST_F(ConnectByName, a_limit_of_time_also_ends_the_lookup) {
  EXPECT_EQ(connected_within(100ms, "tcp://example.org:80", {.resolve = never}).error, Errc::timed_out);
  EXPECT_LT(loop.now(), 110ms);
}

TEST_F(ConnectByName, without_an_answer_the_kernel_gives_up_and_the_next_port_is_tried) {
  set_route("127.0.0.1", Route::silent);
  const Outcome outcome = connected("tcp://127.0.0.1:80-81");
  EXPECT_EQ(outcome.error, Errc::timed_out);
  EXPECT_GE(outcome.time, 2 * 127s);
}

// An answer may depend on a connection: asked to finish, a task may still make one.
TEST_F(ConnectByName, stopping_to_receive_does_not_stop_connecting) {
  set_route("2001:db8::1", Route::silent);
  listen_at(at("192.0.2.1"));
  Errc ended = Errc::cancelled;
  auto main = [](Loop& on, Errc& out) -> Task<> {
    TaskGroup group(on);
    group.spawn([](Loop& inner, Errc& error) -> Task<> {
      const ConnectOptions options{.resolve = four};
      Result<Stream> stream = co_await connect(inner, "tcp://example.org:80", options);
      error = stream ? Errc::none : stream.error().code;
    }(on, out));
    co_await yield();
    group.stop(Stop::receiving);
    co_await group.join();
  };
  ASSERT_TRUE(succeeded(loop.run(main(loop, ended))));
  EXPECT_EQ(ended, Errc::none);
}

TEST_F(ConnectByName, a_udp_socket_is_connected_by_name_too) {
  auto main = [](Loop& on) -> Task<> {
    auto server = UdpSocket::bind(on, at("192.0.2.1", 0));
    EXPECT_TRUE(succeeded(server));
    const auto only = [](Loop&, std::string_view, std::uint16_t number) -> Task<Result<Addresses>> {
      co_return Addresses{at("192.0.2.1", number)};
    };
    const ConnectOptions options{.resolve = only};
    const std::string url = "udp://example.org:" + std::to_string(server->local_address().port());
    Result<UdpSocket> socket = co_await connect_udp(on, url, options);
    EXPECT_TRUE(succeeded(socket));
    EXPECT_EQ(socket->peer_address(), server->local_address());
    EXPECT_TRUE(failed_with(co_await connect_udp(on, "udp://127.0.0.1:9000-9001"), Errc::invalid_argument));
    EXPECT_TRUE(failed_with(co_await connect_udp(on, "tcp://127.0.0.1:9000"), Errc::invalid_argument));
    EXPECT_TRUE(failed_with(co_await connect_udp(on, "nonsense"), Errc::invalid_address));
  };
  ASSERT_TRUE(succeeded(loop.run(main(loop))));
}

// Nothing tells whether somebody receives there; most who serve this machine bind 127.0.0.1.
TEST_F(ConnectByName, a_udp_socket_to_this_machine_goes_over_ipv4) {
  auto main = [](Loop& on) -> Task<> {
    for (const char* url : {"udp://localhost:9000", "udp://:9000"}) {
      Result<UdpSocket> socket = co_await connect_udp(on, url);
      EXPECT_TRUE(succeeded(socket));
      if (socket) {
        EXPECT_EQ(socket->peer_address(), at("127.0.0.1", 9000));
      }
    }
  };
  ASSERT_TRUE(succeeded(loop.run(main(loop))));
}

}  // namespace
}  // namespace parley
