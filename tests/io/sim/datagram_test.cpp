// The faults and limits of simulated datagrams. That they behave as the kernel's do is in driver_datagrams_test.cpp.
#include "io/sim/datagram.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>

#include "results.h"

namespace parley::detail {
namespace {

using namespace std::chrono_literals;

class SimDatagramTest : public testing::Test {
 protected:
  void start(const SimulationOptions& options) {
    network = std::make_unique<SimNetwork>(options);
    server = *sim_bind_datagram(*network, server_address, ReusePort::no);
    client = *sim_connect_datagram(*network, server_address);
  }
  std::ptrdiff_t send(std::string text) {
    return network->socket(client).send_datagram({reinterpret_cast<std::byte*>(text.data()), text.size(), {}});
  }
  // Everything that has arrived by then.
  std::vector<std::string> received_after(Duration time) {
    network->advance(network->now() + time.count());
    std::vector<std::string> texts;
    std::array<std::byte, 64> room;
    for (;;) {
      Datagram datagram{room.data(), room.size(), {}};
      if (network->socket(server).receive_datagram(datagram) < 0) return texts;
      texts.emplace_back(as_text(Bytes(room).first(datagram.size)));
    }
  }

  const Address server_address = *Address::parse("10.0.0.1:53");
  std::unique_ptr<SimNetwork> network;
  int server = -1, client = -1;
};

TEST_F(SimDatagramTest, SomeAreLost) {
  start({.datagram_lost_chance = 0.5});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(send("x"), 1);
  const auto count = received_after(0s).size();
  EXPECT_GT(count, 20u);
  EXPECT_LT(count, 80u);
}

TEST_F(SimDatagramTest, SomeArriveTwice) {
  start({.datagram_duplicated_chance = 1});
  send("x");
  EXPECT_EQ(received_after(0s), (std::vector<std::string>{"x", "x"}));
}

TEST_F(SimDatagramTest, SomeOvertakeOthers) {
  start({.delay_max = 1s, .datagram_reordered_chance = 0.5});
  std::vector<std::string> sent;
  for (char c = 'a'; c <= 'z'; ++c) {
    sent.emplace_back(1, c);
    send(sent.back());
  }
  const auto received = received_after(2s);
  EXPECT_NE(received, sent);
  EXPECT_EQ(std::multiset(received.begin(), received.end()), std::multiset(sent.begin(), sent.end()));
}

TEST_F(SimDatagramTest, DelayedOnesStayInOrder) {
  start({.delay_chance = 0.5, .delay_max = 1s});
  std::vector<std::string> sent;
  for (char c = 'a'; c <= 'z'; ++c) {
    sent.emplace_back(1, c);
    send(sent.back());
  }
  EXPECT_LT(received_after(0s).size(), sent.size());
  start({.delay_chance = 0.5, .delay_max = 1s});
  for (const std::string& text : sent) send(text);
  EXPECT_EQ(received_after(2s), sent);
}

TEST_F(SimDatagramTest, AFullReceiverDropsThem) {
  start({.socket_buffer_bytes = 10});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send("1234"), 4);
  EXPECT_EQ(received_after(0s).size(), 2u);
  send(std::string(20, 'x'));
  EXPECT_EQ(received_after(0s).size(), 1u) << "one always fits";
}

TEST_F(SimDatagramTest, RoutesHoldForDatagrams) {
  start({});
  network->set_route(server_address, {Route::unreachable, {}});
  EXPECT_EQ(send("x"), -EHOSTUNREACH);
  network->set_route(server_address, {Route::silent, {}});
  EXPECT_EQ(send("x"), 1);
  EXPECT_TRUE(received_after(10s).empty());
  network->set_route(server_address, {Route::open, 3s});
  send("x");
  EXPECT_TRUE(received_after(2s).empty());
  EXPECT_EQ(received_after(1s).size(), 1u);
}

TEST_F(SimDatagramTest, AFullUnixDomainReceiverStopsTheSender) {
  network = std::make_unique<SimNetwork>(SimulationOptions{.socket_buffer_bytes = 10});
  server = *sim_bind_datagram(*network, *Address::local("/run/log"), ReusePort::no);
  client = *sim_connect_datagram(*network, *Address::local("/run/log"));
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(send("x"), -EAGAIN);
  EXPECT_EQ(network->socket(client).ready(), 0);
  EXPECT_EQ(received_after(0s).size(), 1u);
  EXPECT_EQ(network->socket(client).ready(), Source::out_bit);
  EXPECT_EQ(send("x"), 1);
}

}  // namespace
}  // namespace parley::detail
