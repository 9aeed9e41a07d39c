// What only a simulation can be asked: delays, windows, the backlog, routes, and each fault alone. That it answers as
// the kernel does where there is one is in driver_test.cpp.
#include "io/sim/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "results.h"

namespace parley::detail {
namespace {

using namespace std::chrono_literals;

constexpr Time second = 1'000'000'000;

class SimStreamTest : public testing::Test {
 protected:
  void start(const SimulationOptions& options, int backlog = 16) {
    network = std::make_unique<SimNetwork>(options);
    listener = *sim_listen(*network, server_address, backlog, ReusePort::no);
  }
  void connect() {
    client = *sim_connect(*network, server_address);
    network->advance(network->now() + 10 * second);
    ASSERT_EQ(network->socket(client).take_error(), 0);
    server = network->socket(listener).accept(peer);
    ASSERT_GT(server, 0);
  }

  std::ptrdiff_t send(int descriptor, std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return network->socket(descriptor).send(std::span(&bytes, 1));
  }
  std::string receive(int descriptor) {
    std::array<std::byte, 1000> room;
    const auto size = network->socket(descriptor).receive(room);
    if (size < 0) return std::to_string(size);
    return std::string(as_text(Bytes(room).first(static_cast<std::size_t>(size))));
  }
  std::uint8_t ready(int descriptor) { return network->socket(descriptor).ready(); }

  const Address server_address = *Address::parse("10.0.0.1:80");
  std::unique_ptr<SimNetwork> network;
  int listener = -1, client = -1, server = -1;
  Address peer;
};

TEST_F(SimStreamTest, WhatIsSentIsUnderWayForAWhile) {
  start({.delay_chance = 1, .delay_max = 1s});
  connect();
  const std::string text(200, 'x');
  for (int i = 0; i < 20; ++i) send(client, text.substr(0, 10));
  std::size_t size = 0;
  const Time before = network->now();
  while (size < text.size()) {
    const std::string got = receive(server);
    if (got == "-11") {
      ASSERT_NE(network->next_event(), never);
      network->advance(network->next_event());
    } else {
      size += got.size();
    }
  }
  EXPECT_GT(network->now() - before, second / 2) << "the longest of 20 delays of up to a second";
}

TEST_F(SimStreamTest, AFinDoesNotOvertakeBytes) {
  start({.delay_chance = 0.5, .delay_max = 1s});
  connect();
  std::string sent, received;
  for (int i = 0; i < 50; ++i) {
    sent += std::to_string(i);
    send(client, std::to_string(i));
  }
  network->socket(client).shutdown();
  for (;;) {
    const std::string got = receive(server);
    if (got.empty()) break;
    if (got == "-11") {
      network->advance(network->next_event());
    } else {
      received += got;
    }
  }
  EXPECT_EQ(received, sent);
}

TEST_F(SimStreamTest, AWindowLimitsWhatIsUnderWay) {
  start({.socket_buffer_bytes = 10});
  connect();
  EXPECT_EQ(send(client, "0123456789abc"), 10);
  EXPECT_EQ(send(client, "abc"), 0);
  EXPECT_EQ(ready(client), 0);
  EXPECT_EQ(receive(server), "0123456789");
  EXPECT_EQ(ready(client), Source::out_bit);
  EXPECT_EQ(send(client, "abc"), 3);
  // The other direction has a window of its own.
  EXPECT_EQ(send(server, "0123456789abc"), 10);
}

TEST_F(SimStreamTest, AFullBacklogIsTriedAgain) {
  start({}, 1);
  std::array<int, 3> clients{};
  for (int& one : clients) one = *sim_connect(*network, server_address);
  EXPECT_EQ(ready(clients[0]), Source::out_bit);
  EXPECT_EQ(ready(clients[1]), Source::out_bit) << "Linux lets one more than the backlog wait";
  EXPECT_EQ(ready(clients[2]), 0);
  EXPECT_GT(network->socket(listener).accept(peer), 0);
  network->advance(second - 1);
  EXPECT_EQ(ready(clients[2]), 0);
  network->advance(second);
  EXPECT_EQ(ready(clients[2]), Source::out_bit);
}

TEST_F(SimStreamTest, ASilentHostIsGivenUpAfterTwoMinutes) {
  start({});
  network->set_route(server_address, {Route::silent, {}});
  client = *sim_connect(*network, server_address);
  network->advance(126 * second);
  EXPECT_EQ(ready(client), 0);
  network->advance(127 * second);
  EXPECT_EQ(network->socket(client).take_error(), ETIMEDOUT);
}

TEST_F(SimStreamTest, ARouteHasADelay) {
  start({});
  network->set_route(server_address, {Route::open, 3s});
  client = *sim_connect(*network, server_address);
  network->advance(3 * second);
  EXPECT_EQ(ready(listener), Source::in_bit);
  EXPECT_EQ(ready(client), 0);
  network->advance(6 * second);
  EXPECT_EQ(ready(client), Source::out_bit);
}

TEST_F(SimStreamTest, AClientThatGivesUpMeetsNoServer) {
  start({});
  network->set_route(server_address, {Route::open, 1s});
  client = *sim_connect(*network, server_address);
  network->close(client, false);
  network->advance(10 * second);
  EXPECT_EQ(ready(listener), 0);
}

TEST_F(SimStreamTest, AClientThatGivesUpLateIsAReset) {
  start({});
  network->set_route(server_address, {Route::open, 2s});
  client = *sim_connect(*network, server_address);
  network->advance(3 * second);  // the listener has it; the client does not know yet
  network->close(client, false);
  network->advance(10 * second);
  server = network->socket(listener).accept(peer);
  ASSERT_GT(server, 0);
  EXPECT_EQ(receive(server), std::to_string(-ECONNRESET));
}

TEST_F(SimStreamTest, PartialReceives) {
  start({.receive_partial_chance = 1});
  connect();
  send(client, "0123456789");
  std::string received;
  int times = 0;
  for (; received.size() < 10; ++times) received += receive(server);
  EXPECT_EQ(received, "0123456789");
  EXPECT_GT(times, 2);
}

TEST_F(SimStreamTest, PartialAndBlockedSends) {
  start({.send_partial_chance = 1});
  connect();
  const auto some = send(client, "0123456789");
  EXPECT_GT(some, 0);
  EXPECT_LT(some, 10);

  start({.send_blocked_chance = 1});
  connect();
  EXPECT_EQ(send(client, "0123456789"), 0);
  EXPECT_EQ(ready(client), Source::out_bit);
}

TEST_F(SimStreamTest, AResetByChanceReachesBothEnds) {
  start({.reset_chance = 1});
  connect();
  EXPECT_EQ(send(client, "hello"), -ECONNRESET);
  EXPECT_EQ(receive(server), std::to_string(-ECONNRESET));
}

TEST_F(SimStreamTest, ARefusedConnectAndAnAbortedAccept) {
  start({.connect_refused_chance = 1});
  client = *sim_connect(*network, server_address);
  EXPECT_EQ(network->socket(client).take_error(), ECONNREFUSED);

  start({.accept_aborted_chance = 1});
  client = *sim_connect(*network, server_address);
  EXPECT_EQ(network->socket(listener).accept(peer), -ECONNABORTED);
  EXPECT_EQ(receive(client), std::to_string(-ECONNRESET));
}

TEST_F(SimStreamTest, WhatTheReceiverNeverSeesIsCutAndNotLost) {
  start({});
  connect();
  send(client, "read");
  EXPECT_EQ(receive(server), "read");
  send(client, "unread");
  network->close(server, false);
  send(client, "to nobody");
  network->close(client, false);
  network->close(listener, false);
  const SimulationReport report = network->report();
  EXPECT_EQ(report.bytes_received, 4u);
  EXPECT_EQ(report.bytes_cut, report.bytes_sent - 4);
  EXPECT_TRUE(report.clean()) << report.to_string();
}

TEST_F(SimStreamTest, WhatIsLeftInAnOpenSocketIsLost) {
  start({});
  connect();
  send(client, "unread");
  network->close(client, false);
  EXPECT_EQ(network->report().bytes_lost, 6u);
}

}  // namespace
}  // namespace parley::detail
