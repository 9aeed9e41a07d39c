#include "codec/proxy.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "codec/wire.h"

namespace parley::codec {
namespace {

// What this end sends, each time it is its turn, and what became of it.
struct Outcome {
  std::vector<std::string> sent;
  TunnelStep step = TunnelStep::starved;
  Errc error = Errc::none;
  unsigned status = 0;
  std::string left;
};

template <class Tunnel>
Outcome talk(Tunnel tunnel, const std::vector<std::string>& pieces) {
  Outcome outcome;
  outcome.sent.emplace_back(tunnel.output());
  for (const std::string& piece : pieces) {
    outcome.left += piece;
    do {
      const std::vector<std::byte> memory(as_bytes(outcome.left).begin(), as_bytes(outcome.left).end());
      Bytes rest(memory);
      outcome.step = tunnel.next(rest);
      outcome.left = as_text(rest);
      if (outcome.step == TunnelStep::send) outcome.sent.emplace_back(tunnel.output());
    } while (outcome.step == TunnelStep::send);
    if (outcome.step != TunnelStep::starved) break;
  }
  outcome.error = tunnel.error().code;
  outcome.status = tunnel.status();
  return outcome;
}

// --- HTTP ---------------------------------------------------------------------------------------------------------

Result<HttpTunnel> http(const TunnelTarget& target, const Credentials& credentials = {}) {
  return HttpTunnel::to(target, credentials, {.head_bytes_max = 100});
}

void expect_http(std::string_view answer, TunnelStep step, Errc error, unsigned status) {
  cut_every_way(answer, [&](const std::vector<std::string>& pieces) {
    const Outcome outcome = talk(*http({.host = "a.example", .port = 80}), pieces);
    EXPECT_EQ(outcome.step, step) << answer;
    EXPECT_EQ(outcome.error, error) << answer;
    EXPECT_EQ(outcome.status, status) << answer;
    EXPECT_TRUE(step == TunnelStep::failed || step == TunnelStep::starved || outcome.left.empty());
  });
}

TEST(HttpTunnel, asks_for_host_and_port) {
  EXPECT_EQ(http({.host = "a.example", .port = 80})->output(),
            "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n");
  EXPECT_EQ(http({.host = "[::1]", .port = 65535}, {"Aladdin", "open sesame"})->output(),
            "CONNECT [::1]:65535 HTTP/1.1\r\nHost: [::1]:65535\r\n"
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST(HttpTunnel, what_can_not_be_written) {
  EXPECT_EQ(http({.host = "a b", .port = 80}).error(), Errc::invalid_argument);
  EXPECT_EQ(http({.host = "", .port = 80}).error(), Errc::invalid_argument);
  EXPECT_EQ(http({.host = "a", .port = 80}, {"a:b", ""}).error(), Errc::invalid_argument);
}

TEST(HttpTunnel, opens_with_any_2xx) {
  expect_http("HTTP/1.1 200 OK\r\n\r\n", TunnelStep::open, Errc::none, 200);
  expect_http("HTTP/1.0 204 \r\nContent-Length: 7\r\n\r\n", TunnelStep::open, Errc::none, 204);
  expect_http("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 299 x\r\n\r\n", TunnelStep::open,
              Errc::none, 299);
}

TEST(HttpTunnel, is_refused_with_a_status) {
  expect_http("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", TunnelStep::failed, Errc::refused, 407);
  expect_http("HTTP/1.1 300 x\r\n\r\n", TunnelStep::failed, Errc::refused, 300);
  expect_http("HTTP/1.1 101 Switching Protocols\r\n\r\n", TunnelStep::failed, Errc::protocol, 101);
  expect_http("SSH-2.0-OpenSSH\r\n", TunnelStep::failed, Errc::protocol, 0);
  expect_http("HTTP/1.1 200 OK\r\nA: " + std::string(100, 'a') + "\r\n\r\n", TunnelStep::failed, Errc::too_large, 0);
  expect_http("HTTP/1.1 200 OK\r\n", TunnelStep::starved, Errc::none, 0);
}

TEST(HttpTunnel, leaves_what_follows) {
  const Outcome outcome = talk(*http({.host = "a", .port = 1}), {"HTTP/1.1 200 OK\r\n\r\nhello"});
  EXPECT_EQ(outcome.step, TunnelStep::open);
  EXPECT_EQ(outcome.left, "hello");
}

// --- SOCKS5 -------------------------------------------------------------------------------------------------------

const TunnelTarget by_name{.host = "a.example", .port = 0x1F90};

void expect_socks(std::string_view answer, TunnelStep step, Errc error, const Credentials& credentials = {}) {
  const std::string bytes = unhex(answer);
  cut_every_way(bytes, [&](const std::vector<std::string>& pieces) {
    const Outcome outcome = talk(*SocksTunnel::to(by_name, credentials), pieces);
    EXPECT_EQ(outcome.step, step) << answer;
    EXPECT_EQ(outcome.error, error) << answer;
    EXPECT_EQ(outcome.status, 0u);
    EXPECT_TRUE(step != TunnelStep::open || outcome.left.empty());
  });
}

std::string last_sent(const TunnelTarget& target) {
  return talk(*SocksTunnel::to(target, {}), {unhex("05 00")}).sent.back();
}

TEST(SocksTunnel, says_what_it_can_then_who_it_is_then_where_to) {
  const Outcome open = talk(*SocksTunnel::to(by_name, {}), {unhex("05 00 05 00 00 01 7F 00 00 01 04 38")});
  EXPECT_EQ(open.step, TunnelStep::open);
  EXPECT_EQ(open.sent, (std::vector{unhex("05 01 00"), unhex("05 01 00 03 09") + "a.example" + unhex("1F 90")}));

  const Outcome known = talk(*SocksTunnel::to(by_name, {"me", "it"}), {unhex("05 02 01 00 05 00")});
  EXPECT_EQ(known.sent, (std::vector{unhex("05 02 00 02"), unhex("01 02") + "me" + unhex("02") + "it",
                                     unhex("05 01 00 03 09") + "a.example" + unhex("1F 90")}));
}

TEST(SocksTunnel, addresses_go_as_their_octets) {
  const std::string four = unhex("7F 00 00 01");
  const std::string sixteen = unhex("00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01");
  EXPECT_EQ(last_sent({"127.0.0.1", as_bytes(four), 80}), unhex("05 01 00 01 7F 00 00 01 00 50"));
  EXPECT_EQ(last_sent({"[::1]", as_bytes(sixteen), 80}), unhex("05 01 00 04") + sixteen + unhex("00 50"));
}

TEST(SocksTunnel, what_can_not_be_written) {
  const std::string long_text(256, 'a');
  EXPECT_EQ(SocksTunnel::to({.host = long_text, .port = 1}, {}).error(), Errc::invalid_argument);
  EXPECT_EQ(SocksTunnel::to({.host = "", .port = 1}, {}).error(), Errc::invalid_argument);
  EXPECT_EQ(SocksTunnel::to(by_name, {long_text, "a"}).error(), Errc::invalid_argument);
  EXPECT_EQ(SocksTunnel::to(by_name, {"a", long_text}).error(), Errc::invalid_argument);
  EXPECT_EQ(SocksTunnel::to(by_name, {"a", ""}).error(), Errc::invalid_argument);
  EXPECT_EQ(SocksTunnel::to(by_name, {"", "a"}).error(), Errc::invalid_argument);
  EXPECT_TRUE(SocksTunnel::to(by_name, {std::string_view(long_text).substr(1), "a"}));
}

TEST(SocksTunnel, opens_whatever_address_the_proxy_has) {
  expect_socks("05 00  05 00 00 01 7F 00 00 01 04 38", TunnelStep::open, Errc::none);
  expect_socks("05 00  05 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 04 38", TunnelStep::open,
               Errc::none);
  expect_socks("05 00  05 00 00 03 00 04 38", TunnelStep::open, Errc::none);
  expect_socks("05 00  05 00 00 03 02 61 62 04 38", TunnelStep::open, Errc::none);
  expect_socks("05 02  01 00  05 00 00 01 7F 00 00 01 04 38", TunnelStep::open, Errc::none, {"me", "it"});
  expect_socks("05 00  05 00 00 01 7F 00 00 01 04 38", TunnelStep::open, Errc::none, {"me", "it"});
}

TEST(SocksTunnel, leaves_what_follows) {
  const Outcome outcome = talk(*SocksTunnel::to(by_name, {}), {unhex("05 00 05 00 00 01 7F 00 00 01 04 38") + "hello"});
  EXPECT_EQ(outcome.step, TunnelStep::open);
  EXPECT_EQ(outcome.left, "hello");
}

TEST(SocksTunnel, is_refused) {
  expect_socks("05 FF", TunnelStep::failed, Errc::permission_denied);
  expect_socks("05 02 01 01", TunnelStep::failed, Errc::permission_denied, {"me", "it"});
  constexpr std::array replies{Errc::refused,     Errc::permission_denied, Errc::unreachable,
                               Errc::unreachable, Errc::refused,           Errc::timed_out,
                               Errc::refused,     Errc::refused,           Errc::refused};
  for (std::size_t i = 0; i < replies.size(); ++i) {
    expect_socks("05 00 05 0" + std::to_string(i + 1) + " 00 01 00 00 00 00 00 00", TunnelStep::failed, replies[i]);
  }
}

TEST(SocksTunnel, answers_that_are_none) {
  expect_socks("04", TunnelStep::failed, Errc::protocol);                         // another version
  expect_socks("48 54 54 50", TunnelStep::failed, Errc::protocol);                // "HTTP"
  expect_socks("05 02", TunnelStep::failed, Errc::protocol);                      // was not offered
  expect_socks("05 01", TunnelStep::failed, Errc::protocol, {"me", "it"});        // GSSAPI
  expect_socks("05 02 05 00", TunnelStep::failed, Errc::protocol, {"me", "it"});  // not the version of RFC 1929
  expect_socks("05 00 04 00", TunnelStep::failed, Errc::protocol);
  expect_socks("05 00 05 00 00 02 00", TunnelStep::failed, Errc::protocol);  // no type of address
  expect_socks("", TunnelStep::starved, Errc::none);
  expect_socks("05 00 05 00 00 01 7F 00 00 01 04", TunnelStep::starved, Errc::none);
}

}  // namespace
}  // namespace parley::codec
