#include <parley/endpoint.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace parley {
namespace {

std::string printed(std::string_view url) {
  const auto endpoint = Endpoint::parse(url);
  return endpoint ? endpoint->to_string() : "refused: " + std::string(name(endpoint.error().code));
}

bool is(const Result<Endpoint>& result, const Endpoint& endpoint) { return result && *result == endpoint; }

TEST(Endpoint, parses_every_part) {
  const auto endpoint = Endpoint::parse("tcp://127.0.0.1:9000-9998");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(*endpoint, (Endpoint{Scheme::tcp, "127.0.0.1", 9000, 9998}));
  EXPECT_TRUE(endpoint->is_range());
}

TEST(Endpoint, one_port_is_no_range) {
  EXPECT_EQ(*Endpoint::parse("udp://127.0.0.1:9000"), (Endpoint{Scheme::udp, "127.0.0.1", 9000, 9000}));
  EXPECT_FALSE(Endpoint::parse("udp://127.0.0.1:9000")->is_range());
  EXPECT_EQ(printed("tcp://127.0.0.1:9000-9000"), "tcp://127.0.0.1:9000");
  EXPECT_EQ(printed("tcp://127.0.0.1:0"), "tcp://127.0.0.1:0");
}

TEST(Endpoint, ipv6_has_brackets_in_the_url_only) {
  EXPECT_EQ(Endpoint::parse("tcp://[::1]:9000")->host, "::1");
  EXPECT_EQ(printed("tcp://[::1]:9000-9001"), "tcp://[::1]:9000-9001");
  EXPECT_EQ(printed("tcp://[fe80::1%1]:1"), "tcp://[fe80::1%1]:1");
}

TEST(Endpoint, the_host_may_be_left_out) {
  EXPECT_EQ(*Endpoint::parse("TLS://example.org:443"), (Endpoint{Scheme::tls, "example.org", 443, 443}));
  EXPECT_EQ(Endpoint::parse("tls://[::1]:1-2")->to_string(), "tls://[::1]:1-2");
  EXPECT_EQ(*Endpoint::parse("tcp://:9000"), (Endpoint{Scheme::tcp, "", 9000, 9000}));
  EXPECT_EQ(printed("udp://:1-65535"), "udp://:1-65535");
}

TEST(Endpoint, names_are_kept_as_they_are_written) {
  for (const char* url : {"tcp://localhost:9000", "tcp://Example.ORG:80", "tcp://a-b.c_d.e1:1", "tcp://example.org.:1",
                          "tcp://3com.com:1", "tcp://1.2.3.4a:1", "tcp://x:1"}) {
    EXPECT_EQ(printed(url), url);
  }
}

TEST(Endpoint, a_scheme_has_no_case) {
  EXPECT_EQ(printed("TCP://127.0.0.1:1"), "tcp://127.0.0.1:1");
  EXPECT_EQ(printed("Unix:/X"), "unix:/X");
}

TEST(Endpoint, unix_paths) {
  EXPECT_EQ(*Endpoint::parse("unix:/run/echo.sock"), (Endpoint{Scheme::local, "/run/echo.sock", 0, 0}));
  EXPECT_EQ(printed("unix:///run/echo.sock"), "unix:/run/echo.sock");
  EXPECT_EQ(printed("unix:echo.sock"), "unix:echo.sock");
  EXPECT_EQ(printed("unix:@name"), "unix:@name");
  EXPECT_EQ(printed("unix:/" + std::string(Address::path_bytes_max, 'x')), "refused: too_large");
}

TEST(Endpoint, refuses_other_schemes_parts_and_ports) {
  const std::vector<std::string> urls = {
      "",
      "127.0.0.1:9000",
      "tcp:",
      "tcp:127.0.0.1:9000",
      "tcp:/127.0.0.1:9000",
      "tcp://",
      "tcp://127.0.0.1",
      "tcp://127.0.0.1:",
      "tcp://localhost",
      "http://127.0.0.1:80",
      "ftp://127.0.0.1:80",
      "tcpx://127.0.0.1:80",
      " tcp://127.0.0.1:80",
      "tcp://127.0.0.1:80 ",
      "tcp:// 127.0.0.1:80",
      "tcp://127.0.0.1:80/",
      "tcp://127.0.0.1:80/path",
      "tcp://127.0.0.1:80?query",
      "tcp://127.0.0.1:80#part",
      "tcp://user@127.0.0.1:80",
      "tcp://user:pass@host:80",
      "tcp://127.0.0.1:+1",
      "tcp://127.0.0.1:-1",
      "tcp://127.0.0.1:01",
      "tcp://127.0.0.1:65536",
      "tcp://127.0.0.1:1-",
      "tcp://127.0.0.1:-9",
      "tcp://127.0.0.1:2-1",
      "tcp://127.0.0.1:0-9",
      "tcp://127.0.0.1:1-2-3",
      "tcp://127.0.0.1:1-65536",
      "tcp://127.0.0.1:1-02",
      "tcp://127.0.0.1:1 - 2",
  };
  for (const std::string& url : urls) EXPECT_EQ(printed(url), "refused: invalid_address") << url;
}

TEST(Endpoint, refuses_hosts_and_paths_that_are_not_exactly_right) {
  const std::vector<std::string> urls = {
      "tcp://::1:9000",
      "tcp://[::1]",
      "tcp://[::1:9000",
      "tcp://[]:9000",
      "tcp://[127.0.0.1]:9000",
      "tcp://[localhost]:9000",
      "tcp://[::g]:9000",
      "tcp://[:9000",
      "tcp://]:9000",
      "tcp://127.1:1",
      "tcp://127.0.0.256:1",
      "tcp://127.0.0.01:1",
      "tcp://1.2.3.4.5:1",
      "tcp://2130706433:1",
      "tcp://0x7f000001:1",
      "tcp://0x:1",
      "tcp://example.0x1f:1",
      "tcp://example.1.:1",
      "tcp://a..b:1",
      "tcp://.a:1",
      "tcp://.:1",
      "tcp://a..:1",
      "tcp://-a:1",
      "tcp://a-:1",
      "tcp://a b:1",
      "tcp://a%20b:1",
      "tcp://*:1",
      "tcp://b\xc3\xbc"
      "cher.example:1",
      "unix:",
      "unix:@",
      "unix://",
      "unix://run/echo.sock",
      "unix:////run",
      std::string("unix:/a\0b", 9),
      std::string("tcp://a\0b:1", 11),
  };
  for (const std::string& url : urls) EXPECT_EQ(printed(url), "refused: invalid_address") << url;
}

TEST(Endpoint, names_and_labels_have_a_longest) {
  const std::string label(63, 'a');
  EXPECT_TRUE(Endpoint::parse("tcp://" + label + ":1"));
  EXPECT_FALSE(Endpoint::parse("tcp://" + label + "a:1"));
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  ASSERT_EQ(longest.size(), Endpoint::host_bytes_max);
  EXPECT_TRUE(Endpoint::parse("tcp://" + longest + ":1"));
  EXPECT_TRUE(Endpoint::parse("tcp://" + longest + ".:1"));
  EXPECT_FALSE(Endpoint::parse("tcp://" + longest + "a:1"));
}

TEST(Endpoint, gives_the_address_of_a_literal) {
  const auto endpoint = Endpoint::parse("tcp://[::1]:9000-9998");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(*endpoint->address(), Address::loopback(Family::ipv6, 9000));
  EXPECT_EQ(*endpoint->address(9001), Address::loopback(Family::ipv6, 9001));
  EXPECT_EQ(*Endpoint::parse("unix:/x")->address(), *Address::local("/x"));
}

TEST(Endpoint, a_name_or_no_host_has_no_address_here) {
  EXPECT_EQ(Endpoint::parse("tcp://localhost:9000")->address().error(), Errc::invalid_address);
  EXPECT_EQ(Endpoint::parse("tcp://:9000")->address().error(), Errc::invalid_address);
}

RC_GTEST_PROP(EndpointProperty, comes_back_as_it_was_printed, (bool udp, std::uint16_t a, std::uint16_t b)) {
  const auto host = *rc::gen::elementOf(
      std::vector<std::string>{"", "127.0.0.1", "::1", "2001:db8::5", "localhost", "a.example", "x_1.example."});
  Endpoint endpoint{udp ? Scheme::udp : Scheme::tcp, host, std::min(a, b), std::max(a, b)};
  if (endpoint.port_first == 0) endpoint.port_last = 0;
  RC_ASSERT(is(Endpoint::parse(endpoint.to_string()), endpoint));
}

const std::vector<std::string> pieces = {"127.0.0.1", "::1", "a", "example", "0", "9000", "-",
                                         "_",         ".",   ":", "[",       "]", "@",    "/"};

RC_GTEST_PROP(EndpointProperty, what_is_parsed_prints_as_something_parsed_the_same, ()) {
  std::string url = *rc::gen::elementOf(std::vector<std::string>{"tcp://", "udp://", "unix:"});
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces))) {
    url += piece;
  }
  if (const auto endpoint = Endpoint::parse(url)) RC_ASSERT(is(Endpoint::parse(endpoint->to_string()), *endpoint));
}

}  // namespace
}  // namespace parley
