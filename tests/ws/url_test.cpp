#include "ws/url.h"

#include <gtest/gtest.h>

namespace parley::ws {
namespace {

TEST(Url, Parts) {
  auto url = parse_url("ws://example.org/chat?room=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint.to_string(), "tcp://example.org:80");
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->target, "/chat?room=1");

  url = parse_url("ws://[::1]:9000");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint.host, "::1");
  EXPECT_EQ(url->endpoint.port_first, 9000);
  EXPECT_EQ(url->host, "[::1]:9000");
  EXPECT_EQ(url->target, "/");

  url = parse_url("ws://[::1]?q");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "[::1]");
  EXPECT_EQ(url->target, "/?q");

  EXPECT_EQ(parse_url("ws://a.example:80/")->host, "a.example");
  EXPECT_EQ(parse_url("ws://127.0.0.1:9000-9998")->endpoint.port_last, 9998);
}

TEST(Url, Secure) {
  auto url = parse_url("WSS://example.org/chat");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->endpoint.to_string(), "tcp://example.org:443");
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(parse_url("wss://a:443/")->host, "a");
  EXPECT_EQ(parse_url("wss://a:80/")->host, "a:80");
  EXPECT_FALSE(parse_url("ws://a:443/")->secure);
  EXPECT_EQ(parse_url("ws://a:443/")->host, "a:443");
}

TEST(Url, UnixDomain) {
  auto url = parse_url("ws+unix:/run/chat.sock:/path?q=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint.scheme, Scheme::local);
  EXPECT_EQ(url->endpoint.host, "/run/chat.sock");
  EXPECT_EQ(url->target, "/path?q=1");
  EXPECT_EQ(parse_url("unix:/run/chat.sock")->target, "/");
}

TEST(Url, SchemesHaveNoCase) {
  EXPECT_EQ(parse_url("WS://example.org/")->host, "example.org");
  EXPECT_EQ(parse_url("Ws+Unix:/run/x")->endpoint.host, "/run/x");
}

TEST(Url, Refused) {
  for (const char* text :
       {"", "ws:", "ws://", "ws:///path", "http://a/", "ws://a:b/", "ws://a:70000", "ws://a/ b", "ws://a/#fragment",
        "ws://a#fragment", "ws://user@a/", "ws+unix:", "tcp://127.0.0.1:1", "wss://", "wss:///a"}) {
    EXPECT_EQ(parse_url(text).error(), Errc::invalid_address) << text;
  }
}

}  // namespace
}  // namespace parley::ws
