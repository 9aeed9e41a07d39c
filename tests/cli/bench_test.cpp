#include "cli/bench.h"

#include <array>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/socket.h>

#include "cli/printed.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A server of one connection, on a thread of its own: it sends back what comes, changed by `flip`.
class EchoOfOne {
 public:
  explicit EchoOfOne(std::uint8_t flip) {
    Socket server = *Socket::open(Kind::tcp);
    EXPECT_TRUE(server.bind(Address::loopback(Family::ipv4, 0)));
    EXPECT_TRUE(server.listen());
    url_ = "tcp://" + server.local_address()->to_string();
    thread_ = std::thread([server = std::move(server), flip]() mutable {
      auto accepted = server.accept();
      if (!accepted) return;
      Socket& peer = accepted->socket;
      std::array<std::byte, 4096> memory;
      for (;;) {
        const auto received = peer.receive(memory);
        if (!received || received->empty()) return;
        for (std::byte& byte : memory) byte ^= static_cast<std::byte>(flip);
        if (!peer.send_all(*received)) return;
      }
    });
  }
  ~EchoOfOne() { thread_.join(); }

  const std::string& url() const { return url_; }

 private:
  std::string url_;
  std::thread thread_;
};

BenchCommand command_for(const std::string& url) {
  return {.url = url, .load = {.endpoint = *Endpoint::parse(url), .connections = 1}, .warm_up = 0s, .duration = 50ms};
}

TEST(Bench, MeasuresAnEchoServer) {
  const EchoOfOne server(0);
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  EXPECT_EQ(run_bench(command_for(server.url()), sink, log), ExitCode::ended);
  EXPECT_THAT(printed.text(), HasSubstr(server.url() + ": 1 connections"));
  EXPECT_THAT(printed.text(), HasSubstr("\nmessages   "));
}

TEST(Bench, AWrongEchoIsAFailure) {
  const EchoOfOne server(1);
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_bench(command_for(server.url()), sink, log), ExitCode::failed);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("is it an echo server?"));
}

TEST(Bench, NobodyListens) {
  const Socket bound = *Socket::open(Kind::tcp);
  Socket other = *Socket::open(Kind::tcp);
  ASSERT_TRUE(other.bind(Address::loopback(Family::ipv4, 0)));  // and does not listen
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_bench(command_for("tcp://" + other.local_address()->to_string()), sink, log), ExitCode::failed);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("connection refused"));
  EXPECT_EQ(printed.text(), "");
}

}  // namespace
}  // namespace parley::cli
