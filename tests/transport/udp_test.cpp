#include <parley/udp.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <parley/loop.h>
#include <parley/simulation.h>
#include "io/core.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

// The path of a Unix-domain socket that is gone when the test is over.
class Path {
 public:
  explicit Path(const char* name) : text_(testing::TempDir() + "parley_udp_" + std::to_string(getpid()) + '_' + name) {}
  ~Path() { std::remove(text_.c_str()); }
  Address address() const { return *Address::local(text_); }

 private:
  std::string text_;
};

std::string text(const Result<Datagram>& datagram) {
  return datagram ? std::string(as_text(datagram->bytes)) : "error: " + std::string(name(datagram.error().code));
}

Errc code(const auto& result) { return result ? Errc::none : result.error().code; }

UdpSocket bound(Loop& loop, Family family = Family::ipv4) {
  auto socket = UdpSocket::bind(loop, Address::loopback(family, 0));
  EXPECT_TRUE(socket) << socket.error().message();
  return std::move(*socket);
}

UdpSocket connected(Loop& loop, const UdpSocket& peer) {
  auto socket = UdpSocket::connect(loop, peer.local_address());
  EXPECT_TRUE(socket) << socket.error().message();
  return std::move(*socket);
}

// Datagram number i of a series: sizes from 0 up, some of them in runs of one size.
std::string sample(std::size_t i) { return std::string(i / 5 * 37 % 1400, static_cast<char>('a' + i % 26)); }

enum class On { kernel, simulation };

class UdpSocketTest : public testing::TestWithParam<On> {
 protected:
  UdpSocketTest() : owner_(GetParam() == On::kernel ? std::make_unique<Loop>() : std::make_unique<Loop>(simulation_)) {}
  ~UdpSocketTest() override {
    owner_.reset();
    const SimulationReport report = simulation_.finish();
    EXPECT_TRUE(report.clean()) << report.to_string();
  }

 private:
  static constexpr std::size_t socket_buffer_bytes = 200 * 1024;  // as Linux's, about
  Simulation simulation_{SimulationOptions{.socket_buffer_bytes = socket_buffer_bytes}};
  std::unique_ptr<Loop> owner_;

 protected:
  Loop& loop = *owner_;
};

INSTANTIATE_TEST_SUITE_P(Drivers, UdpSocketTest, testing::Values(On::kernel, On::simulation),
                         [](const auto& each) { return each.param == On::kernel ? "kernel" : "simulation"; });

Task<> there_and_back(UdpSocket& server, UdpSocket& client) {
  EXPECT_EQ(code(co_await client.send("hello")), Errc::none);
  auto question = co_await server.receive();
  EXPECT_EQ(text(question), "hello");
  EXPECT_EQ(question->from, client.local_address());
  EXPECT_EQ(code(co_await server.send(question->bytes, question->from)), Errc::none);
  auto answer = co_await client.receive();
  EXPECT_EQ(text(answer), "hello");
  EXPECT_EQ(answer->from, server.local_address());
}

TEST_P(UdpSocketTest, GoesThereAndBackOverIpv4) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  EXPECT_NE(server.local_address().port(), 0);
  EXPECT_EQ(client.peer_address(), server.local_address());
  EXPECT_EQ(server.peer_address().family(), Family::none);
  ASSERT_TRUE(loop.run(there_and_back(server, client)));
}

TEST_P(UdpSocketTest, GoesThereAndBackOverIpv6) {
  UdpSocket server = bound(loop, Family::ipv6);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run(there_and_back(server, client)));
}

TEST_P(UdpSocketTest, GoesThereAndBackOverAUnixDomainSocket) {
  const Path path("echo");
  auto server = UdpSocket::bind(loop, path.address());
  ASSERT_TRUE(server);
  UdpSocket client = connected(loop, *server);
  ASSERT_TRUE(loop.run(there_and_back(*server, client)));
}

TEST_P(UdpSocketTest, AnIpv6SocketOfEveryAddressAlsoServesIpv4) {
  auto server = UdpSocket::bind(loop, "udp://:0");
  ASSERT_TRUE(server);
  auto client = UdpSocket::connect(loop, Address::loopback(Family::ipv4, server->local_address().port()));
  ASSERT_TRUE(client);
  ASSERT_TRUE(loop.run([](UdpSocket& to, UdpSocket& from) -> Task<> {
    EXPECT_EQ(code(co_await from.send("a")), Errc::none);
    auto question = co_await to.receive();
    EXPECT_EQ(text(question), "a");
    EXPECT_EQ(code(co_await to.send("b", question->from)), Errc::none);
    EXPECT_EQ(text(co_await from.receive()), "b");
  }(*server, *client)));
}

// More than one batch, and more than the queue holds.
TEST_P(UdpSocketTest, EveryDatagramKeepsItsBordersAndItsOrder) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run([](UdpSocket& to, UdpSocket& from) -> Task<> {
    constexpr std::size_t count = 150;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string bytes = sample(i);
      EXPECT_EQ(code(co_await from.send(bytes)), Errc::none);
    }
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(text(co_await to.receive()), sample(i)) << i;
  }(server, client)));
}

TEST_P(UdpSocketTest, RunsOfOneSizeGoToEachPeerWhole) {
  UdpSocket one = bound(loop);
  UdpSocket other = bound(loop);
  UdpSocket sender = bound(loop);
  ASSERT_TRUE(loop.run([](UdpSocket& from, UdpSocket& a, UdpSocket& b) -> Task<> {
    const std::string full(1200, 'f'), shorter(700, 's');
    const Address to_a = a.local_address(), to_b = b.local_address();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(code(co_await from.send(full, to_a)), Errc::none);
    EXPECT_EQ(code(co_await from.send(shorter, to_a)), Errc::none);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(code(co_await from.send(full, to_b)), Errc::none);
    EXPECT_EQ(code(co_await from.send("", to_b)), Errc::none);
    EXPECT_EQ(code(co_await from.send(shorter, to_b)), Errc::none);
    EXPECT_EQ(code(co_await from.send(full, to_b)), Errc::none);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(text(co_await a.receive()), full) << i;
    EXPECT_EQ(text(co_await a.receive()), shorter);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(text(co_await b.receive()), full) << i;
    EXPECT_EQ(text(co_await b.receive()), "");
    EXPECT_EQ(text(co_await b.receive()), shorter);
    EXPECT_EQ(text(co_await b.receive()), full);
  }(sender, one, other)));
}

TEST_P(UdpSocketTest, TheLargestDatagramArrives) {
  for (auto [family, bytes_max] : {std::pair(Family::ipv4, 65507), std::pair(Family::ipv6, 65527)}) {
    UdpSocket server = bound(loop, family);
    UdpSocket client = connected(loop, server);
    ASSERT_TRUE(loop.run([](UdpSocket& to, UdpSocket& from, std::size_t bytes) -> Task<> {
      const std::string large(bytes, 'x');
      EXPECT_EQ(code(co_await from.send(large)), Errc::none);
      EXPECT_EQ(text(co_await to.receive()), large);
      const std::string larger(bytes + 1, 'x');
      EXPECT_EQ(code(co_await from.send(larger)), Errc::too_large);
    }(server, client, static_cast<std::size_t>(bytes_max))));
  }
}

TEST_P(UdpSocketTest, SaysAtOnceWhatCanNeverBeSent) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run([](UdpSocket& free, UdpSocket& fixed) -> Task<> {
    const Address somewhere = fixed.local_address(), nowhere;
    const Address ipv6 = Address::loopback(Family::ipv6, 9), local = *Address::local("@nobody");
    EXPECT_EQ(code(co_await free.send("a")), Errc::not_connected);
    EXPECT_EQ(code(co_await free.send("a", nowhere)), Errc::not_connected);
    EXPECT_EQ(code(co_await free.send("a", ipv6)), Errc::invalid_argument);
    EXPECT_EQ(code(co_await free.send("a", local)), Errc::invalid_argument);
    EXPECT_EQ(code(co_await fixed.send("a", somewhere)), Errc::invalid_argument);
    EXPECT_EQ(free.dropped(), 0u);
  }(server, client)));
}

TEST_P(UdpSocketTest, AConnectedOneIsToldThatNobodyListensAndStaysUsable) {
  UdpSocket gone = bound(loop);
  const Address address = gone.local_address();
  UdpSocket client = connected(loop, gone);
  gone.close();
  ASSERT_TRUE(loop.run([](Loop& on, UdpSocket& socket, Address back) -> Task<> {
    EXPECT_EQ(code(co_await socket.send("a")), Errc::none);
    EXPECT_EQ(code(co_await socket.receive()), Errc::refused);
    auto again = UdpSocket::bind(on, back);
    EXPECT_TRUE(again);
    if (!again) co_return;
    EXPECT_EQ(code(co_await socket.send("b")), Errc::none);
    EXPECT_EQ(text(co_await again->receive()), "b");
  }(loop, client, address)));
}

TEST_P(UdpSocketTest, ABoundOneGoesOnWhenAPeerIsGone) {
  UdpSocket server = bound(loop);
  UdpSocket gone = bound(loop);
  UdpSocket client = connected(loop, server);
  const Address nobody = gone.local_address();
  gone.close();
  ASSERT_TRUE(loop.run([](UdpSocket& socket, UdpSocket& other, Address to) -> Task<> {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(code(co_await socket.send("lost", to)), Errc::none);
    EXPECT_EQ(code(co_await within(1ms, socket.receive())), Errc::timed_out);
    EXPECT_EQ(code(co_await other.send("kept")), Errc::none);
    EXPECT_EQ(text(co_await socket.receive()), "kept");
  }(server, client, nobody)));
}

TEST_P(UdpSocketTest, AReceiveThatTimedOutHasLostNothing) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run([](UdpSocket& to, UdpSocket& from) -> Task<> {
    EXPECT_EQ(code(co_await within(0ms, to.receive())), Errc::timed_out);
    EXPECT_EQ(code(co_await from.send("a")), Errc::none);
    EXPECT_EQ(text(co_await to.receive()), "a");
  }(server, client)));
}

TEST_P(UdpSocketTest, AskedToFinishItStillReceivesWhatHasArrived) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  std::vector<std::string> received;
  ASSERT_TRUE(loop.run([](Loop& on, UdpSocket& to, UdpSocket& from, std::vector<std::string>& out) -> Task<> {
    TaskGroup group(on);
    group.spawn([](UdpSocket& socket, std::vector<std::string>& texts) -> Task<> {
      for (;;) {
        auto datagram = co_await socket.receive();
        texts.push_back(text(datagram));
        if (!datagram) co_return;
      }
    }(to, out));
    co_await yield();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(code(co_await from.send("a")), Errc::none);
    from.close();
    group.stop(Stop::receiving);
    co_await group.join();
  }(loop, server, client, received)));
  std::vector<std::string> expected(20, "a");
  expected.push_back("error: cancelled");
  EXPECT_EQ(received, expected);
}

TEST_P(UdpSocketTest, OneReceiveAtATime) {
  UdpSocket socket = bound(loop);
  ASSERT_TRUE(loop.run([](Loop& on, UdpSocket& mine) -> Task<> {
    TaskGroup group(on);
    group.spawn(
        [](UdpSocket& waiting) -> Task<> { EXPECT_EQ(code(co_await waiting.receive()), Errc::cancelled); }(mine));
    co_await yield();
    EXPECT_EQ(code(co_await mine.receive()), Errc::already);
    group.stop();
    co_await group.join();
  }(loop, socket)));
}

TEST_P(UdpSocketTest, AClosedOneSaysSo) {
  UdpSocket socket = bound(loop);
  socket.close();
  EXPECT_FALSE(socket.is_open());
  EXPECT_EQ(socket.local_address().family(), Family::none);
  ASSERT_TRUE(loop.run([](UdpSocket& closed) -> Task<> {
    EXPECT_EQ(code(co_await closed.receive()), Errc::closed);
    EXPECT_EQ(code(co_await closed.send("a")), Errc::closed);
  }(socket)));
}

TEST_P(UdpSocketTest, WhatIsQueuedLeavesWhenItIsClosed) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run([](UdpSocket& to, UdpSocket& from) -> Task<> {
    EXPECT_EQ(code(co_await from.send("last")), Errc::none);
    from.close();
    EXPECT_EQ(text(co_await to.receive()), "last");
  }(server, client)));
}

TEST_P(UdpSocketTest, AnIdleOneOwnsNoBuffer) {
  UdpSocket server = bound(loop);
  UdpSocket client = connected(loop, server);
  ASSERT_TRUE(loop.run([](Loop& on, UdpSocket& to, UdpSocket& from) -> Task<> {
    EXPECT_EQ(code(co_await from.send("a")), Errc::none);
    EXPECT_GT(on.core().buffers.lent_bytes(), 0u);
    EXPECT_EQ(text(co_await to.receive()), "a");
    EXPECT_GT(on.core().buffers.lent_bytes(), 0u);
    TaskGroup group(on);
    group.spawn([](UdpSocket& idle) -> Task<> { (void)co_await idle.receive(); }(to));
    co_await yield();
    EXPECT_EQ(on.core().buffers.lent_bytes(), 0u);
    group.stop();
    co_await group.join();
  }(loop, server, client)));
}

// ---- When the kernel has no room: only Unix-domain sockets show it on one machine.

struct Pair {
  explicit Pair(Loop& on) : loop(on) {}
  Loop& loop;
  Path path{"full"};
  UdpSocket server = std::move(*UdpSocket::bind(loop, path.address()));
  UdpSocket client = connected(loop, server);
};

// Long enough that a thousand of them fill any socket.
std::string number(int i) { return std::to_string(i) + std::string(400, '.'); }

Task<> send_numbers(UdpSocket& to, int first, int count, int& sent) {
  for (int i = first; i < first + count; ++i) {
    const std::string bytes = number(i);
    if (auto done = co_await to.send(bytes); !done) co_return;
    sent += 1;
  }
}

TEST_P(UdpSocketTest, AConnectedSenderWaitsForAFullPeer) {
  Pair pair(loop);
  int sent = 0;
  ASSERT_TRUE(pair.loop.run([](Pair& on, int& count) -> Task<> {
    TaskGroup group(on.loop);
    group.spawn(send_numbers(on.client, 0, 1000, count));
    for (int i = 0; i < 5; ++i) co_await yield();
    EXPECT_GE(count, 64);
    EXPECT_LT(count, 1000);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(text(co_await on.server.receive()), number(i));
    co_await group.join();
  }(pair, sent)));
  EXPECT_EQ(sent, 1000);
  EXPECT_EQ(pair.client.dropped(), 0u);
}

TEST_P(UdpSocketTest, SendersThatWaitAreServedInTheirOrder) {
  Pair pair(loop);
  int sent = 0;
  ASSERT_TRUE(pair.loop.run([](Pair& on, int& count) -> Task<> {
    TaskGroup group(on.loop);
    group.spawn(send_numbers(on.client, 0, 1000, count));
    for (int i = 0; i < 5; ++i) co_await yield();
    const int first = count;  // this one waits now
    std::array<int, 10> more{};
    for (int i = 0; i < 10; ++i) group.spawn(send_numbers(on.client, 2000 + i, 1, more[static_cast<std::size_t>(i)]));
    co_await yield();
    for (int i = 0; i <= first; ++i) EXPECT_EQ(text(co_await on.server.receive()), number(i));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(text(co_await on.server.receive()), number(2000 + i));
    for (int i = first + 1; i < 1000; ++i) EXPECT_EQ(text(co_await on.server.receive()), number(i));
    co_await group.join();
  }(pair, sent)));
}

TEST_P(UdpSocketTest, ASenderThatIsStoppedHasNotSent) {
  Pair pair(loop);
  int sent = 0;
  ASSERT_TRUE(pair.loop.run([](Pair& on, int& count) -> Task<> {
    TaskGroup group(on.loop);
    group.spawn(send_numbers(on.client, 0, 1000, count));
    for (int i = 0; i < 5; ++i) co_await yield();
    group.stop();
    co_await group.join();
    for (int i = 0; i < count; ++i) EXPECT_EQ(text(co_await on.server.receive()), number(i));
    EXPECT_EQ(code(co_await within(1ms, on.server.receive())), Errc::timed_out);
  }(pair, sent)));
  EXPECT_LT(sent, 1000);
}

TEST_P(UdpSocketTest, AFullUnixDomainPeerDoesNotKeepABoundSenderBack) {
  Pair pair(loop);
  const Path path("sender");
  auto sender = UdpSocket::bind(pair.loop, path.address());
  ASSERT_TRUE(sender);
  ASSERT_TRUE(pair.loop.run([](Pair& on, UdpSocket& from) -> Task<> {
    const Address full = on.server.local_address();
    const std::string bytes = number(0);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(code(co_await from.send(bytes, full)), Errc::none);
    co_await yield();
    EXPECT_GT(from.dropped(), 0u);
    EXPECT_LT(from.dropped(), 1000u);
    std::size_t arrived = 0;
    while (co_await within(1ms, on.server.receive())) arrived += 1;
    EXPECT_EQ(arrived + from.dropped(), 1000u);
  }(pair, *sender)));
}

// ---- Ports

TEST_P(UdpSocketTest, TakesTheFirstFreePortOfARange) {
  UdpSocket taken = bound(loop);
  const unsigned port = taken.local_address().port();
  const std::string url = "udp://127.0.0.1:" + std::to_string(port) + '-' + std::to_string(std::min(port + 50, 65535u));
  auto next = UdpSocket::bind(loop, url);
  if (port < 65535) {
    ASSERT_TRUE(next);
    EXPECT_GT(next->local_address().port(), port);
  }
  EXPECT_EQ(code(UdpSocket::bind(loop, taken.local_address())), Errc::address_in_use);
  EXPECT_EQ(code(UdpSocket::bind(loop, "tcp://127.0.0.1:0")), Errc::invalid_argument);
  EXPECT_EQ(code(UdpSocket::bind(loop, "udp://localhost:0")), Errc::invalid_address);
  EXPECT_EQ(code(UdpSocket::bind(loop, "nonsense")), Errc::invalid_address);
}

TEST_P(UdpSocketTest, APortIsSharedOnlyByThoseWhoJoin) {
  auto first = UdpSocket::bind(loop, "udp://127.0.0.1:0", {.reuse_port = ReusePort::first});
  ASSERT_TRUE(first);
  const Address address = first->local_address();
  EXPECT_TRUE(UdpSocket::bind(loop, address, {.reuse_port = ReusePort::join}));
  EXPECT_EQ(code(UdpSocket::bind(loop, address, {.reuse_port = ReusePort::first})), Errc::address_in_use);
  EXPECT_EQ(code(UdpSocket::bind(loop, address)), Errc::address_in_use);
}

}  // namespace
}  // namespace parley
