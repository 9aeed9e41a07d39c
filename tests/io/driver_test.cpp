// What a driver promises, asked of each of them: the simulation must answer as the kernel does, errno by errno.
#include "io/driver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "io/drivers.h"
#include "results.h"

namespace parley::detail {
namespace {

class End final : public Source {
 public:
  End(Driver& driver, int fd, Reading how) : driver_(driver) {
    descriptor = fd;
    reading = how;
    EXPECT_TRUE(succeeded(driver_.attach(*this)));
  }
  ~End() { close(); }
  void close(bool reset = false) {
    if (descriptor >= 0) driver_.close(*this, reset);
  }
  void completed(const Completion&) noexcept override {}
  void stop(Context&, Stop, Errc) noexcept override {}

  Driver& driver_;
};

class DriverTest : public testing::TestWithParam<std::tuple<Network, Family>> {
 protected:
  void SetUp() override {
    driver = make_driver(std::get<0>(GetParam()), simulation);
    driver->buffers = &pool;
  }

  Family family() const { return std::get<1>(GetParam()); }
  bool is_local() const { return family() == Family::local; }

  // An address that nobody else has; of IP, one that asks for a free port.
  Address fresh() {
    if (!is_local()) return Address::loopback(family(), 0);
    return *Address::local("@parley-driver-test-" + std::to_string(getpid()) + "-" + std::to_string(++names_));
  }

  // Waits until `bit` of that end is told, and returns what was.
  Completion wait(End& end, std::uint8_t bit) {
    end.wanted = bit;
    driver->arm(end);
    Completion completion{};
    while (!driver->next(completion, never)) continue;
    EXPECT_EQ(completion.source, &end);
    end.wanted = 0;
    return completion;
  }

  void listen() {
    auto descriptor = driver->listen(fresh(), 16, ReusePort::no);
    ASSERT_TRUE(succeeded(descriptor));
    listener = std::make_unique<End>(*driver, *descriptor, Reading::accept);
    address = *driver->local_address(*descriptor);
  }

  // client and server, connected.
  void SetUpConnection() {
    ASSERT_NO_FATAL_FAILURE(listen());
    auto descriptor = driver->connect(address, {});
    ASSERT_TRUE(succeeded(descriptor));
    client = std::make_unique<End>(*driver, *descriptor, Reading::ready);
    wait(*client, Source::out_bit);
    ASSERT_TRUE(succeeded(driver->outcome(*descriptor)));
    const Completion accepted = wait(*listener, Source::in_bit);
    ASSERT_EQ(accepted.what, Done::accepted);
    ASSERT_GE(accepted.result, 0);
    server = std::make_unique<End>(*driver, accepted.result, Reading::ready);
  }

  std::ptrdiff_t send(End& end, std::string_view text) { return driver->send(end, as_bytes(text)); }

  // What a receive gives once there is something to say: bytes, "" at the end, or "-errno".
  std::string receive(End& end) {
    wait(end, Source::in_bit);
    return receive_now(end);
  }
  std::string receive_now(End& end) {
    std::array<std::byte, 64> room;
    const auto size = driver->receive(end, room);
    if (size < 0) return std::to_string(size);
    return std::string(as_text(Bytes(room).first(static_cast<std::size_t>(size))));
  }
  static std::string code(int value) { return std::to_string(-value); }

  // Sends until there is no room.
  std::size_t fill(End& end) {
    const std::string piece(10'000, 'x');
    std::size_t total = 0;
    for (;;) {
      const auto sent = send(end, piece);
      EXPECT_GE(sent, 0);
      if (sent <= 0) return total;
      total += static_cast<std::size_t>(sent);
    }
  }

  Simulation simulation;
  BufferPool pool{{}};
  std::unique_ptr<Driver> driver;
  std::unique_ptr<End> listener, client, server;
  Address address;

 private:
  int names_ = 0;
};

TEST_P(DriverTest, AnAddressThatIsTaken) {
  listen();
  const auto again = driver->listen(address, 16, ReusePort::no);
  EXPECT_TRUE(failed_with(again, Errc::address_in_use));
  if (is_local()) return;
  const auto everywhere = driver->listen(Address::any(family(), address.port()), 16, ReusePort::no);
  EXPECT_TRUE(failed_with(everywhere, Errc::address_in_use));
  listener->close();
  const auto afterwards = driver->listen(address, 16, ReusePort::no);
  EXPECT_TRUE(succeeded(afterwards));
  driver->close_descriptor(*afterwards);
}

TEST_P(DriverTest, APortThatIsShared) {
  if (is_local()) return;
  const auto first = driver->listen(fresh(), 16, ReusePort::first);
  ASSERT_TRUE(succeeded(first));
  address = *driver->local_address(*first);
  const auto second = driver->listen(address, 16, ReusePort::join);
  EXPECT_TRUE(succeeded(second));
  EXPECT_TRUE(failed_with(driver->listen(address, 16, ReusePort::first), Errc::address_in_use));
  EXPECT_TRUE(failed_with(driver->listen(address, 16, ReusePort::no), Errc::address_in_use));
  driver->close_descriptor(*first);
  driver->close_descriptor(*second);
}

TEST_P(DriverTest, NobodyListens) {
  const auto taken = driver->listen(fresh(), 16, ReusePort::no);
  address = *driver->local_address(*taken);
  driver->close_descriptor(*taken);

  const auto descriptor = driver->connect(address, {});
  if (is_local()) {
    EXPECT_TRUE(failed_with(descriptor, Errc::refused));
    return;
  }
  ASSERT_TRUE(succeeded(descriptor));
  End end(*driver, *descriptor, Reading::ready);
  wait(end, Source::out_bit);
  EXPECT_TRUE(failed_with(driver->outcome(*descriptor), Errc::refused));
}

TEST_P(DriverTest, ThisEndMayBeBoundBefore) {
  if (is_local()) return;
  listen();
  const Address from = family() == Family::ipv4 ? *Address::ip("127.0.0.5", 0) : Address::loopback(family(), 0);
  const auto descriptor = driver->connect(address, from);
  ASSERT_TRUE(succeeded(descriptor));
  client = std::make_unique<End>(*driver, *descriptor, Reading::ready);
  wait(*client, Source::out_bit);
  EXPECT_TRUE(succeeded(driver->outcome(*descriptor)));
  const Completion accepted = wait(*listener, Source::in_bit);
  EXPECT_EQ(driver->accepted_address().with_port(0), from);
  EXPECT_EQ(driver->accepted_address(), *driver->local_address(*descriptor));
  driver->close_descriptor(accepted.result);
}

TEST_P(DriverTest, BytesInBothDirections) {
  SetUpConnection();
  EXPECT_EQ(receive_now(*server), code(EAGAIN));
  EXPECT_EQ(send(*client, "ping"), 4);
  EXPECT_EQ(receive(*server), "ping");
  EXPECT_EQ(send(*server, "pong"), 4);
  EXPECT_EQ(receive(*client), "pong");
  const std::array<Bytes, 3> parts{as_bytes("a"), as_bytes("bc"), as_bytes("def")};
  EXPECT_EQ(driver->send(*client, parts), 6);
  EXPECT_EQ(receive(*server), "abcdef");
}

TEST_P(DriverTest, BothEndsKnowTheAddresses) {
  SetUpConnection();
  EXPECT_EQ(*driver->peer_address(client->descriptor), address);
  EXPECT_EQ(*driver->local_address(server->descriptor), address);
  EXPECT_EQ(driver->accepted_address(), *driver->local_address(client->descriptor));
  EXPECT_EQ(*driver->peer_address(server->descriptor), *driver->local_address(client->descriptor));
}

TEST_P(DriverTest, LentBuffers) {
  SetUpConnection();
  server->reading = Reading::lent;
  send(*client, "hello");
  const Completion completion = wait(*server, Source::in_bit);
  EXPECT_EQ(completion.what, Done::received);
  EXPECT_EQ(completion.result, 5);
  ASSERT_TRUE(server->in);
  EXPECT_EQ(as_text(server->in->unread()), "hello");
  pool.give_back(std::exchange(server->in, nullptr));

  client->close();
  EXPECT_EQ(wait(*server, Source::in_bit).result, 0);
  EXPECT_FALSE(server->in);
  server->close();
  client.reset();
  listener.reset();
  driver.reset();
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST_P(DriverTest, TheEndIsSaidAgainAndAgain) {
  SetUpConnection();
  send(*client, "last");
  EXPECT_TRUE(driver->shutdown(client->descriptor));
  EXPECT_TRUE(driver->shutdown(client->descriptor));
  EXPECT_EQ(send(*client, "more"), -EPIPE);
  EXPECT_EQ(receive(*server), "last");
  EXPECT_EQ(receive(*server), "");
  EXPECT_EQ(receive(*server), "");
  // The other direction goes on.
  EXPECT_EQ(send(*server, "answer"), 6);
  EXPECT_EQ(receive(*client), "answer");
}

TEST_P(DriverTest, ThePeerClosed) {
  SetUpConnection();
  send(*client, "bye");
  client->close();
  EXPECT_EQ(receive(*server), "bye");
  EXPECT_EQ(receive(*server), "");
  // A TCP peer learns only from the answer that nobody is there.
  if (!is_local()) {
    EXPECT_EQ(send(*server, "hello?"), 6);
  }
  EXPECT_EQ(send(*server, "hello?"), -EPIPE);
  EXPECT_EQ(send(*server, "hello?"), -EPIPE);
  EXPECT_EQ(receive(*server), "");
}

TEST_P(DriverTest, ThePeerClosedWithUnreadBytes) {
  SetUpConnection();
  send(*client, "answer");
  send(*server, "never read");
  wait(*client, Source::in_bit);
  client->close();
  EXPECT_EQ(receive(*server), "answer");
  EXPECT_EQ(receive(*server), code(ECONNRESET));
  EXPECT_EQ(receive(*server), "");
  EXPECT_EQ(send(*server, "more"), -EPIPE);
}

TEST_P(DriverTest, ThePeerBrokeOff) {
  SetUpConnection();
  send(*client, "half a mess");
  client->close(true);
  EXPECT_EQ(receive(*server), "half a mess");
  if (!is_local()) {
    EXPECT_EQ(receive(*server), code(ECONNRESET));
    EXPECT_TRUE(failed_with(driver->peer_address(server->descriptor), Errc::not_connected));
    EXPECT_TRUE(failed_with(driver->shutdown(server->descriptor), Errc::not_connected));
  }
  EXPECT_EQ(receive(*server), "");
  EXPECT_EQ(send(*server, "more"), -EPIPE);
}

TEST_P(DriverTest, AResetIsToldOnceToTheSender) {
  SetUpConnection();
  client->close(true);
  wait(*server, Source::in_bit);
  if (!is_local()) {
    EXPECT_EQ(send(*server, "more"), -ECONNRESET);
  }
  EXPECT_EQ(send(*server, "more"), -EPIPE);
}

TEST_P(DriverTest, AFullBufferStopsTheSender) {
  SetUpConnection();
  const std::size_t size = fill(*client);
  EXPECT_GT(size, 0u);
  EXPECT_EQ(send(*client, "more"), 0);
  std::size_t received = 0;
  std::vector<std::byte> room(1'000'000);
  while (received < size) {
    wait(*server, Source::in_bit);
    received += static_cast<std::size_t>(driver->receive(*server, room));
  }
  wait(*client, Source::out_bit);
  EXPECT_EQ(send(*client, "more"), 4);
  EXPECT_EQ(receive(*server), "more");
}

TEST_P(DriverTest, AListenerThatClosesTurnsAwayThoseWhoWait) {
  listen();
  const auto descriptor = driver->connect(address, {});
  ASSERT_TRUE(succeeded(descriptor));
  End waiting(*driver, *descriptor, Reading::ready);
  wait(waiting, Source::out_bit);
  listener->close();
  EXPECT_EQ(receive(waiting), code(ECONNRESET));
}

TEST_P(DriverTest, WakeEndsTheWait) {
  driver->wake();
  Completion completion{};
  EXPECT_FALSE(driver->next(completion, never));
}

TEST_P(DriverTest, TheWaitEndsWhenItsTimeHasCome) {
  const Time until = driver->now() + 1'000'000;
  Completion completion{};
  EXPECT_FALSE(driver->next(completion, until));
  EXPECT_GE(driver->now(), until);
  EXPECT_FALSE(driver->next(completion, 0));
}

TEST_P(DriverTest, TimersHaveTheirTurnThoughMuchIsReady) {
  SetUpConnection();
  client->reading = Reading::ready;
  client->wanted = Source::out_bit;
  driver->arm(*client);
  int told = 0;
  int looks = 0;
  for (int i = 0; i < 100; ++i) {
    Completion completion{};
    driver->next(completion, driver->now()) ? ++told : ++looks;
  }
  EXPECT_GT(told, 5);
  EXPECT_GT(looks, 5);
}

TEST_P(DriverTest, WhatIsNotWantedIsNotTold) {
  SetUpConnection();
  send(*client, "hello");
  wait(*server, Source::in_bit);
  server->wanted = 0;  // still armed
  Completion completion{};
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(driver->next(completion, 0));
  EXPECT_EQ(receive(*server), "hello");
}

TEST_P(DriverTest, AReleasedDescriptorGoesToAnotherSource) {
  SetUpConnection();
  const int descriptor = server->descriptor;
  driver->release(*server);
  server->descriptor = -1;
  End heir(*driver, descriptor, Reading::ready);
  send(*client, "hello");
  EXPECT_EQ(receive(heir), "hello");
}

std::string parameter_name(const testing::TestParamInfo<std::tuple<Network, Family>>& info) {
  const std::string network = name(std::get<0>(info.param));
  const Family family = std::get<1>(info.param);
  return network + (family == Family::ipv4 ? "Ipv4" : family == Family::ipv6 ? "Ipv6" : "Local");
}

INSTANTIATE_TEST_SUITE_P(Each, DriverTest,
                         testing::Combine(testing::ValuesIn(networks()),
                                          testing::Values(Family::ipv4, Family::ipv6, Family::local)),
                         parameter_name);

}  // namespace
}  // namespace parley::detail
