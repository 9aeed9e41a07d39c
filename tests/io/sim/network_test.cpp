#include "io/sim/network.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <vector>

#include "io/sim/datagram.h"
#include "io/sim/stream.h"
#include "results.h"

namespace parley::detail {
namespace {

Address at(std::string_view text) { return *Address::parse(text); }

TEST(SimNetwork, EventsRunInTheOrderOfTimeAndThenOfMaking) {
  SimNetwork network({});
  std::vector<int> order;
  network.at(20, [&] { order.push_back(3); });
  network.at(10, [&] { order.push_back(1); });
  network.at(10, [&] { order.push_back(2); });
  network.at(30, [&] { order.push_back(4); });
  EXPECT_EQ(network.next_event(), 10);
  network.advance(20);
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_EQ(network.now(), 20);
  network.advance(40);
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
  EXPECT_EQ(network.next_event(), never);
}

TEST(SimNetwork, AnEventSeesItsOwnTimeAndMayMakeOthers) {
  SimNetwork network({});
  std::vector<Time> times;
  network.at(10, [&] {
    times.push_back(network.now());
    network.at(15, [&] { times.push_back(network.now()); });
  });
  network.advance(100);
  EXPECT_EQ(times, (std::vector<Time>{10, 15}));
  EXPECT_EQ(network.now(), 100);
}

TEST(SimNetwork, TheLowestFreeDescriptorIsTaken) {
  SimNetwork network({});
  EXPECT_EQ(*sim_listen(network, at("127.0.0.1:1"), 1, ReusePort::no), 3);
  EXPECT_EQ(*sim_listen(network, at("127.0.0.1:2"), 1, ReusePort::no), 4);
  EXPECT_EQ(*sim_listen(network, at("127.0.0.1:3"), 1, ReusePort::no), 5);
  network.close(4, false);
  EXPECT_EQ(*sim_listen(network, at("127.0.0.1:4"), 1, ReusePort::no), 4);
}

TEST(SimNetwork, DescriptorsRunOut) {
  SimNetwork network({.descriptors_max = 2});
  EXPECT_TRUE(sim_listen(network, at("127.0.0.1:1"), 1, ReusePort::no));
  EXPECT_TRUE(sim_bind_datagram(network, at("127.0.0.1:1"), ReusePort::no));
  EXPECT_TRUE(failed_with(sim_connect(network, at("127.0.0.1:1")), Errc::descriptors_exhausted));
  network.close(4, false);
  EXPECT_TRUE(sim_connect(network, at("127.0.0.1:1")));
}

TEST(SimNetwork, EphemeralPortsAreFreeAndFromLinuxsRange) {
  SimNetwork network({.descriptors_max = 5000});
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 500; ++i) {
    const int descriptor = *sim_listen(network, at("127.0.0.1:0"), 1, ReusePort::no);
    const std::uint16_t port = network.socket(descriptor).local.port();
    EXPECT_GE(port, 32768);
    EXPECT_LE(port, 60999);
    EXPECT_TRUE(ports.insert(port).second);
  }
}

TEST(SimNetwork, TheNearestListenerIsFound) {
  SimNetwork network({});
  const auto listen = [&](std::string_view text) -> SimSocket* {
    return &network.socket(*sim_listen(network, at(text), 1, ReusePort::no));
  };
  const auto find = [&](std::string_view text) { return network.find(at(text), SimKind::listener); };
  SimSocket* const one = listen("10.0.0.1:80");
  SimSocket* const all = listen("0.0.0.0:81");
  SimSocket* const all6 = listen("[::]:82");
  EXPECT_EQ(find("10.0.0.1:80"), one);
  EXPECT_EQ(find("10.0.0.2:80"), nullptr);
  EXPECT_EQ(find("10.0.0.2:81"), all);
  EXPECT_EQ(find("[::1]:81"), nullptr);
  EXPECT_EQ(find("[2001:db8::1]:82"), all6);
  EXPECT_EQ(find("10.0.0.2:82"), all6);
}

TEST(SimNetwork, ThoseWhoShareAPortAreFoundByChance) {
  SimNetwork network({});
  sim_listen(network, at("127.0.0.1:80"), 1, ReusePort::first);
  sim_listen(network, at("127.0.0.1:80"), 1, ReusePort::join);
  std::set<SimSocket*> found;
  for (int i = 0; i < 100; ++i) found.insert(network.find(at("127.0.0.1:80"), SimKind::listener));
  EXPECT_EQ(found.size(), 2u);
}

TEST(SimNetwork, AnIpv6ListenerSeesIpv4AddressesMapped) {
  EXPECT_EQ(sim_seen_from(at("[::]:80"), at("10.0.0.1:99")).to_string(), "[::ffff:10.0.0.1]:99");
  EXPECT_EQ(sim_seen_from(at("0.0.0.0:80"), at("10.0.0.1:99")).to_string(), "10.0.0.1:99");
  EXPECT_EQ(sim_target(at("[::ffff:10.0.0.1]:99")), at("10.0.0.1:99"));
  EXPECT_EQ(sim_target(at("0.0.0.0:99")), at("127.0.0.1:99"));
  EXPECT_EQ(sim_target(at("[::]:99")), at("[::1]:99"));
}

TEST(SimNetwork, FaultsAreDrawnAndCounted) {
  SimNetwork network({});
  int hits = 0;
  for (int i = 0; i < 1000; ++i) hits += network.fault(0.25);
  EXPECT_GT(hits, 180);
  EXPECT_LT(hits, 320);
  EXPECT_FALSE(network.fault(0));
  EXPECT_EQ(network.report().faults, static_cast<std::uint64_t>(hits));
}

TEST(SimNetwork, TheReportNamesWhatIsOpen) {
  SimNetwork network({.seed = 7});
  sim_listen(network, at("127.0.0.1:80"), 1, ReusePort::no);
  const SimulationReport report = network.report();
  EXPECT_EQ(report.descriptors_leaked, 1u);
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(report.to_string(), "seed 7: 1 descriptors leaked (3: listener at 127.0.0.1:80)");
}

}  // namespace
}  // namespace parley::detail
