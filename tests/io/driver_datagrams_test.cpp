// Datagrams, of each driver: the simulation must answer as the kernel does.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "io/driver.h"
#include "io/drivers.h"
#include "results.h"

namespace parley::detail {
namespace {

class End final : public Source {
 public:
  End(Driver& driver, int fd) : driver_(driver) {
    descriptor = fd;
    reading = Reading::ready;
    EXPECT_TRUE(succeeded(driver_.attach(*this)));
  }
  ~End() {
    if (descriptor >= 0) driver_.close(*this, false);
  }
  void completed(const Completion&) noexcept override {}
  void stop(Context&, Stop, Errc) noexcept override {}

 private:
  Driver& driver_;
};

class DriverDatagramsTest : public testing::TestWithParam<std::tuple<Network, Family>> {
 protected:
  void SetUp() override { driver = make_driver(std::get<0>(GetParam()), simulation); }

  Family family() const { return std::get<1>(GetParam()); }
  bool is_local() const { return family() == Family::local; }

  Address fresh() {
    if (!is_local()) return Address::loopback(family(), 0);
    return *Address::local("@parley-datagrams-test-" + std::to_string(getpid()) + "-" + std::to_string(++names_));
  }
  std::unique_ptr<End> bind() {
    auto descriptor = driver->bind_datagram(fresh(), ReusePort::no);
    EXPECT_TRUE(succeeded(descriptor));
    return std::make_unique<End>(*driver, *descriptor);
  }
  std::unique_ptr<End> connect(const End& to) {
    auto descriptor = driver->connect_datagram(address_of(to));
    EXPECT_TRUE(succeeded(descriptor));
    return std::make_unique<End>(*driver, *descriptor);
  }
  Address address_of(const End& end) { return *driver->local_address(end.descriptor); }

  std::ptrdiff_t send(End& end, std::string text, const Address& to = {}) {
    const std::array datagrams{Datagram{reinterpret_cast<std::byte*>(text.data()), text.size(), to}};
    return driver->send(end, std::span<const Datagram>(datagrams));
  }
  void wait(End& end) {
    end.wanted = Source::in_bit;
    driver->arm(end);
    Completion completion{};
    while (!driver->next(completion, never)) continue;
    EXPECT_EQ(completion.source, &end);
    EXPECT_EQ(completion.what, Done::readable);
    end.wanted = 0;
  }
  // The next datagram and its sender, or "-errno".
  std::pair<std::string, Address> receive(End& end) {
    std::array<std::byte, 64> room;
    std::array<Datagram, 1> datagrams;
    std::ptrdiff_t count = -EAGAIN;
    while (count == -EAGAIN) {  // also when all that came did not fit
      wait(end);
      datagrams = {Datagram{room.data(), room.size(), {}}};
      count = driver->receive(end, std::span<Datagram>(datagrams));
    }
    if (count < 0) return {std::to_string(count), {}};
    EXPECT_EQ(count, 1);
    return {std::string(as_text(Bytes(room).first(datagrams[0].size))), datagrams[0].peer};
  }

  Simulation simulation;
  std::unique_ptr<Driver> driver;

 private:
  int names_ = 0;
};

TEST_P(DriverDatagramsTest, ThereAndBack) {
  const auto server = bind();
  const auto client = connect(*server);
  EXPECT_EQ(send(*client, "ping"), 1);
  const auto [text, from] = receive(*server);
  EXPECT_EQ(text, "ping");
  EXPECT_EQ(from, address_of(*client));
  EXPECT_EQ(send(*server, "pong", from), 1);
  const auto [answer, answered_by] = receive(*client);
  EXPECT_EQ(answer, "pong");
  EXPECT_EQ(answered_by, address_of(*server));
}

TEST_P(DriverDatagramsTest, EachArrivesWholeAndAlsoAnEmptyOne) {
  const auto server = bind();
  const auto client = connect(*server);
  for (const char* text : {"one", "", "three"}) EXPECT_EQ(send(*client, text), 1);
  EXPECT_EQ(receive(*server).first, "one");
  EXPECT_EQ(receive(*server).first, "");
  EXPECT_EQ(receive(*server).first, "three");
}

TEST_P(DriverDatagramsTest, SeveralAtOnce) {
  const auto server = bind();
  const auto client = connect(*server);
  std::string texts = "abc";
  std::vector<Datagram> datagrams(3);
  for (std::size_t i = 0; i < 3; ++i) datagrams[i] = {reinterpret_cast<std::byte*>(&texts[i]), 1, {}};
  EXPECT_EQ(driver->send(*client, std::span<const Datagram>(datagrams)), 3);

  std::string received(8 * 64, '\0');
  std::vector<Datagram> rooms(8);
  for (std::size_t i = 0; i < 8; ++i) rooms[i] = {reinterpret_cast<std::byte*>(&received[i * 64]), 64, {}};
  wait(*server);
  const auto count = driver->receive(*server, std::span<Datagram>(rooms));
  std::string all;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    // The kernel may hand over several of one size as one.
    EXPECT_EQ(rooms[i].size, rooms[i].segment_bytes == 0 ? 1u : rooms[i].size);
    EXPECT_LE(rooms[i].segment_bytes, 1);
    all.append(&received[i * 64], rooms[i].size);
    EXPECT_EQ(rooms[i].peer, address_of(*client));
  }
  EXPECT_EQ(all, texts);
  EXPECT_EQ(driver->receive(*server, std::span<Datagram>(rooms)), -EAGAIN);
}

TEST_P(DriverDatagramsTest, OneThatDoesNotFitIsDropped) {
  const auto server = bind();
  const auto client = connect(*server);
  EXPECT_EQ(send(*client, std::string(65, 'x')), 1);
  EXPECT_EQ(send(*client, "short"), 1);
  EXPECT_EQ(receive(*server).first, "short");
}

TEST_P(DriverDatagramsTest, AnAddressThatIsTaken) {
  const auto server = bind();
  EXPECT_TRUE(failed_with(driver->bind_datagram(address_of(*server), ReusePort::no), Errc::address_in_use));
}

TEST_P(DriverDatagramsTest, OneThatIsTooLarge) {
  if (is_local()) return;
  const auto server = bind();
  const auto client = connect(*server);
  const std::size_t largest = family() == Family::ipv4 ? 65507 : 65527;
  EXPECT_EQ(send(*client, std::string(largest, 'x')), 1);
  EXPECT_EQ(send(*client, std::string(largest + 1, 'x')), -EMSGSIZE);
}

TEST_P(DriverDatagramsTest, NoAddressToSendTo) {
  const auto server = bind();
  EXPECT_EQ(send(*server, "hello"), is_local() ? -ENOTCONN : -EDESTADDRREQ);
}

TEST_P(DriverDatagramsTest, AConnectedOneIsToldThatNobodyListens) {
  auto server = bind();
  const auto client = connect(*server);
  server.reset();
  if (is_local()) {
    EXPECT_EQ(send(*client, "hello"), -ECONNREFUSED);
    return;
  }
  EXPECT_EQ(send(*client, "hello"), 1);
  EXPECT_EQ(receive(*client).first, std::to_string(-ECONNREFUSED));
  EXPECT_EQ(send(*client, "hello"), 1) << "the socket stays usable";
}

TEST_P(DriverDatagramsTest, ABoundOneIsNotTold) {
  if (is_local()) return;
  auto gone = bind();
  const Address nobody = address_of(*gone);
  gone.reset();
  const auto server = bind();
  const auto client = connect(*server);
  EXPECT_EQ(send(*server, "hello", nobody), 1);
  EXPECT_EQ(send(*client, "still here"), 1);
  EXPECT_EQ(receive(*server).first, "still here");
}

TEST_P(DriverDatagramsTest, AConnectedOneHearsItsPeerOnly) {
  const auto server = bind();
  const auto stranger = bind();
  const auto client = connect(*server);
  send(*stranger, "listen to me", address_of(*client));
  EXPECT_EQ(send(*server, "hello", address_of(*client)), 1);
  EXPECT_EQ(receive(*client).first, "hello");
}

std::string parameter_name(const testing::TestParamInfo<std::tuple<Network, Family>>& info) {
  const Family family = std::get<1>(info.param);
  return std::string(name(std::get<0>(info.param))) + (family == Family::ipv4   ? "Ipv4"
                                                       : family == Family::ipv6 ? "Ipv6"
                                                                                : "Local");
}

INSTANTIATE_TEST_SUITE_P(Each, DriverDatagramsTest,
                         testing::Combine(testing::ValuesIn(networks()),
                                          testing::Values(Family::ipv4, Family::ipv6, Family::local)),
                         parameter_name);

}  // namespace
}  // namespace parley::detail
