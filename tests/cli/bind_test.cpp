#include "cli/bind.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <parley/socket.h>

#include "cli/folder.h"

namespace parley::cli {
namespace {

std::vector<Place> places_of(std::initializer_list<std::string> urls) {
  std::vector<Place> all;
  for (const std::string& url : urls) all.push_back(*Place::parse(url));
  return all;
}

TEST(Bind, TakesEachUrlInItsOrderWithItsRealPort) {
  Folder folder;
  Threads threads(2);
  const std::string path = folder / "x.sock";
  auto places = bind_all(threads, places_of({"udp://127.0.0.1:0", "unix:" + path, "tcp://127.0.0.1:0"}), {});
  ASSERT_TRUE(places) << places.error().where << ": " << places.error().reason;
  ASSERT_EQ(places->size(), 3u);
  EXPECT_EQ(std::get<std::vector<UdpSocket>>((*places)[0].sockets).size(), 2u);
  EXPECT_EQ(std::get<std::vector<Listener>>((*places)[1].sockets).size(), 1u);  // a path can't be shared
  EXPECT_EQ(std::get<std::vector<Listener>>((*places)[2].sockets).size(), 2u);
  for (const int i : {0, 2}) {
    const BoundPlace& place = (*places)[static_cast<std::size_t>(i)];
    EXPECT_NE(place.endpoint.port_first, 0);
    EXPECT_EQ(place.endpoint.port_first, place.address.port());
  }
  EXPECT_EQ((*places)[1].endpoint.to_string(), "unix:" + path);
}

TEST(Bind, AHostNameBecomesANumber) {
  Threads threads(1);
  auto places = bind_all(threads, places_of({"tcp://localhost:0"}), {});
  ASSERT_TRUE(places);
  EXPECT_EQ(places->front().endpoint.host, "127.0.0.1");
}

TEST(Bind, WhatIsTakenIsNamedWithTheReason) {
  Threads threads(1);
  auto first = bind_all(threads, places_of({"tcp://127.0.0.1:0"}), {});
  ASSERT_TRUE(first);
  const std::string url = first->front().endpoint.to_string();
  auto second = bind_all(threads, places_of({"tcp://127.0.0.1:0", url}), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().where, url);
  EXPECT_EQ(second.error().reason, "address already in use");
}

TEST(Bind, BothAreAtTheFirstPortThatIsFreeForBoth) {
  auto taken = Socket::open(Kind::udp);
  ASSERT_TRUE(taken->bind(Address::loopback(Family::ipv4, 0)));
  const std::uint16_t port = taken->local_address()->port();
  const Endpoint range{Scheme::tcp, "127.0.0.1", port, static_cast<std::uint16_t>(std::min(port + 200, 65535))};
  Threads one(1);
  Threads two(2);
  Threads three(2);
  std::vector<std::uint16_t> ports{port};
  std::vector<std::vector<BoundPlace>> kept;
  for (Threads* threads : {&one, &two, &three}) {
    auto places = bind_both(*threads, range, Speech::any, {});
    ASSERT_TRUE(places) << places.error().reason;
    ASSERT_EQ(places->size(), 2u);
    EXPECT_EQ(places->front().endpoint.scheme, Scheme::tcp);
    EXPECT_EQ(places->back().endpoint.scheme, Scheme::udp);
    EXPECT_EQ(places->front().address.port(), places->back().address.port());
    EXPECT_GT(places->front().address.port(), ports.back());
    ports.push_back(places->front().address.port());
    kept.push_back(std::move(*places));
  }
}

TEST(Bind, WithoutAFreePortTheRangeIsNamed) {
  auto taken = Socket::open(Kind::udp);
  ASSERT_TRUE(taken->bind(Address::loopback(Family::ipv4, 0)));
  const std::uint16_t port = taken->local_address()->port();
  Threads threads(1);
  const Endpoint range{Scheme::tcp, "127.0.0.1", port, port};
  auto places = bind_both(threads, range, Speech::any, {});
  ASSERT_FALSE(places);
  EXPECT_EQ(places.error().where, range.to_string());
  EXPECT_EQ(places.error().reason, "no free port");
}

TEST(Bind, ALiveSocketFileIsInUseAndAStaleOneIsReplaced) {
  Folder folder;
  const std::string path = folder / "x.sock";
  auto left_behind = Socket::open(Kind::local_stream);
  ASSERT_TRUE(left_behind->bind(*Address::local(path)));
  ASSERT_TRUE(left_behind->listen());
  Threads threads(1);
  auto refused = bind_all(threads, places_of({"unix:" + path}), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "address already in use");

  left_behind->close();
  ASSERT_TRUE(std::filesystem::exists(path));
  {
    auto places = bind_all(threads, places_of({"unix:" + path}), {});
    EXPECT_TRUE(places);
    auto client = Socket::open(Kind::local_stream);
    EXPECT_TRUE(client->connect(*Address::local(path)));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Bind, AFileThatIsNoSocketIsLeftAlone) {
  Folder folder;
  const std::string path = folder / "precious";
  std::ofstream(path) << "data";
  Threads threads(1);
  auto refused = bind_all(threads, places_of({"unix:" + path}), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "unix:" + path);
  EXPECT_EQ(std::filesystem::file_size(path), 4u);
}

TEST(SocketFile, OfSomebodyElseIsNotRemoved) {
  Folder folder;
  const std::string path = folder / "x.sock";
  auto first = Socket::open(Kind::local_stream);
  ASSERT_TRUE(first->bind(*Address::local(path)));
  SocketFile file(path);
  std::filesystem::rename(path, folder / "moved.sock");
  auto second = Socket::open(Kind::local_stream);
  ASSERT_TRUE(second->bind(*Address::local(path)));
  file.remove();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SocketFile, MovesWithItsOwner) {
  Folder folder;
  const std::string path = folder / "x.sock";
  auto socket = Socket::open(Kind::local_stream);
  ASSERT_TRUE(socket->bind(*Address::local(path)));
  {
    SocketFile outer;
    {
      SocketFile inner(path);
      outer = std::move(inner);
    }
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace parley::cli
