#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "codec/handshake.h"
#include "codec/heads.h"

namespace parley::codec {
namespace {

// The lines of a good request, to be changed one at a time.
struct Lines {
  std::string start = "GET /chat HTTP/1.1";
  std::vector<std::pair<std::string, std::string>> headers{
      {"Host", "server.example.com"},  {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
      {"Sec-WebSocket-Version", "13"},
  };

  Lines& set(const std::string& name, const std::string& value) {
    for (auto& header : headers) {
      if (header.first == name) {
        header.second = value;
        return *this;
      }
    }
    return add(name, value);
  }
  Lines& add(const std::string& name, const std::string& value) {
    headers.emplace_back(name, value);
    return *this;
  }
  Lines& remove(const std::string& name) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    return *this;
  }
  std::string text() const {
    std::string all = start + "\r\n";
    for (const auto& [name, value] : headers) all += name + ": " + value + "\r\n";
    return all + "\r\n";
  }
};

ServerAnswer answered(const Lines& lines, const ServerPolicy& policy = {}) {
  const std::string text = lines.text();
  const Shown<RequestReader, Request> shown(text, {text.size()}, {});
  EXPECT_EQ(shown.step, HeadStep::head) << text;
  return answer(shown.head, policy);
}

std::string value(const ServerAnswer& answer, std::string_view name) {
  const Shown<ResponseReader, Response> shown(answer.response, {answer.response.size()}, {});
  EXPECT_EQ(shown.step, HeadStep::head) << answer.response;
  EXPECT_EQ(shown.head.status, answer.status);
  EXPECT_LE(shown.head.headers.find(name).lines, 1U);
  return std::string(shown.head.headers.find(name).value);
}

// It ends the connection, agrees to nothing and is a whole message.
void expect_refused(const ServerAnswer& answer, std::uint16_t status, const std::string& what) {
  SCOPED_TRACE(what);
  EXPECT_EQ(answer.status, status);
  EXPECT_FALSE(answer.accepted());
  EXPECT_FALSE(answer.phrase.empty());
  EXPECT_FALSE(answer.deflate);
  EXPECT_TRUE(answer.response.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  EXPECT_EQ(value(answer, "Sec-WebSocket-Accept"), "");
  EXPECT_EQ(value(answer, "Upgrade"), status == 426 ? "websocket" : "");
  EXPECT_EQ(value(answer, "Sec-WebSocket-Version"), status == 426 ? "13" : "");
  EXPECT_EQ(value(answer, "Allow"), status == 405 ? "GET" : "");
  EXPECT_TRUE(value(answer, "Connection").ends_with("close"));
  const std::string body = std::string(answer.phrase) + "\n";
  EXPECT_EQ(value(answer, "Content-Length"), std::to_string(body.size()));
  EXPECT_TRUE(answer.response.ends_with("\r\n\r\n" + body));
}

TEST(HandshakeServer, the_example_of_rfc_6455) {
  const std::vector<std::string> known{"chat"};
  Lines lines;
  lines.add("Origin", "http://example.com").add("Sec-WebSocket-Protocol", "chat, superchat");
  const ServerAnswer good = answered(lines, {.origins = Origins::any, .subprotocols = known});
  EXPECT_EQ(good.response,
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat\r\n"
            "\r\n");
  EXPECT_TRUE(good.accepted());
  EXPECT_EQ(good.subprotocol, "chat");
  EXPECT_TRUE(good.phrase.empty());
}

TEST(HandshakeServer, what_is_as_good) {
  EXPECT_TRUE(answered(Lines{}).accepted());
  EXPECT_TRUE(answered(Lines{}.set("Upgrade", "WebSocket")).accepted());
  EXPECT_TRUE(answered(Lines{}.set("Upgrade", "h2c, websocket")).accepted());
  EXPECT_TRUE(answered(Lines{}.set("Connection", "keep-alive, upgrade")).accepted());
  EXPECT_TRUE(answered(Lines{}.set("Connection", "keep-alive").add("Connection", "UPGRADE")).accepted());
  EXPECT_TRUE(answered(Lines{}.add("Content-Length", "0")).accepted());
  EXPECT_TRUE(answered(Lines{}.add("Sec-WebSocket-Protocol", "chat")).accepted());
  EXPECT_TRUE(answered(Lines{}.add("Sec-WebSocket-Extensions", "foo; bar=1")).accepted());
  EXPECT_TRUE(answered(Lines{}.add("X-Anything", "\"")).accepted());
  Lines absolute;
  absolute.start = "GET http://other.example/chat HTTP/1.1";
  EXPECT_TRUE(answered(absolute.add("Origin", "http://other.example")).accepted());
}

TEST(HandshakeServer, refusals) {
  const auto expect = [](std::uint16_t status, const Lines& lines) {
    expect_refused(answered(lines), status, lines.text());
  };
  for (const char* method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    Lines lines;
    lines.start = std::string(method) + " / HTTP/1.1";
    expect(405, lines);
  }
  expect(413, Lines{}.add("Content-Length", "1"));
  expect(413, Lines{}.add("Transfer-Encoding", "chunked"));
  expect(426, Lines{}.remove("Upgrade"));
  expect(426, Lines{}.set("Upgrade", "h2c"));
  expect(426, Lines{}.set("Upgrade", "websocket/13"));
  expect(426, Lines{}.set("Upgrade", "\"websocket\""));
  expect(400, Lines{}.remove("Connection"));
  expect(400, Lines{}.set("Connection", "keep-alive"));
  expect(400, Lines{}.set("Connection", "Upgrades"));
  expect(426, Lines{}.remove("Sec-WebSocket-Version"));
  for (const char* version : {"", "8", "12", "14", "013", "13.0", "13, 8", "255"}) {
    expect(426, Lines{}.set("Sec-WebSocket-Version", version));
  }
  expect(400, Lines{}.add("Sec-WebSocket-Version", "13"));
  expect(400, Lines{}.remove("Sec-WebSocket-Key"));
  expect(400, Lines{}.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
  for (const char* key : {"", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ==,", "dGhlIHNhbXBsZSBub25jZQA="}) {
    expect(400, Lines{}.set("Sec-WebSocket-Key", key));
  }
  expect(400, Lines{}.add("Origin", "http://server.example.com").add("Origin", "http://server.example.com"));
  expect(400, Lines{}.add("Sec-WebSocket-Protocol", "a b"));
  expect(400, Lines{}.add("Sec-WebSocket-Protocol", "chat, \"x\""));
  expect(400, Lines{}.add("Sec-WebSocket-Protocol", "chat").add("Sec-WebSocket-Protocol", "a/b"));
  expect(400, Lines{}.add("Sec-WebSocket-Extensions", "foo;"));
  expect(400, Lines{}.add("Sec-WebSocket-Extensions", "foo").add("Sec-WebSocket-Extensions", "=1"));
}

TEST(HandshakeServer, origins_of_the_same_host) {
  const auto status = [](const std::string& origin, const std::string& host) {
    return answered(Lines{}.set("Host", host).add("Origin", origin)).status;
  };
  EXPECT_EQ(status("http://example.org", "example.org"), 101);
  EXPECT_EQ(status("HTTP://EXAMPLE.ORG", "example.org"), 101);
  EXPECT_EQ(status("http://example.org:80", "example.org"), 101);
  EXPECT_EQ(status("http://example.org", "example.org:80"), 101);
  EXPECT_EQ(status("https://example.org", "example.org"), 101);  // behind something that ends TLS
  EXPECT_EQ(status("https://example.org", "example.org:443"), 101);
  EXPECT_EQ(status("http://example.org:9000", "example.org:9000"), 101);
  EXPECT_EQ(status("http://[::1]:9000", "[::1]:9000"), 101);
  for (const auto& [origin, host] : std::vector<std::pair<std::string, std::string>>{
           {"http://example.org", "example.org:9000"},
           {"http://example.org:9000", "example.org"},
           {"http://example.org", "example.org:443"},
           {"https://example.org", "example.org:80"},
           {"http://evil.example", "example.org"},
           {"http://example.org.evil.example", "example.org"},
           {"http://evil-example.org", "example.org"},
           {"http://example.org@evil.example", "example.org"},
           {"http://sub.example.org", "example.org"},
           {"http://example.org/", "example.org"},
           {"http://example.org http://evil.example", "example.org"},
           {"null", "example.org"},
           {"", "example.org"},
           {"example.org", "example.org"},
           {"http://", ""},
           {"http://:80", ""},
           {"http://", "example.org"},
           {"file://example.org", "example.org"},
           {"chrome-extension://example.org", "example.org"},
           {"ws://example.org", "example.org"},
       }) {
    EXPECT_EQ(status(origin, host), 403) << origin << ' ' << host;
  }
}

TEST(HandshakeServer, origins_of_a_list_and_any) {
  const std::vector<std::string> allowed{"https://good.example", "http://good.example:8080", "null"};
  const auto status = [&](Origins origins, const std::string& origin) {
    return answered(Lines{}.add("Origin", origin), {.origins = origins, .allowed_origins = allowed}).status;
  };
  for (const char* origin : {"https://good.example", "HTTPS://Good.Example", "http://good.example:8080", "null",
                             "http://server.example.com"}) {
    EXPECT_EQ(status(Origins::listed, origin), 101) << origin;
    EXPECT_EQ(status(Origins::any, origin), 101) << origin;
  }
  for (const char* origin :
       {"http://good.example", "https://good.example.evil.example", "https://good.example:8443", ""}) {
    EXPECT_EQ(status(Origins::listed, origin), 403) << origin;
    EXPECT_EQ(status(Origins::any, origin), 101) << origin;
  }
  EXPECT_EQ(status(Origins::same_host, "https://good.example"), 403);
  EXPECT_TRUE(answered(Lines{}, {.origins = Origins::listed}).accepted());  // no Origin: no browser
}

TEST(HandshakeServer, subprotocols_in_the_order_of_the_client) {
  const std::vector<std::string> known{"a", "b", "c"};
  const ServerPolicy policy{.subprotocols = known};
  EXPECT_EQ(answered(Lines{}.add("Sec-WebSocket-Protocol", "x, c, a"), policy).subprotocol, "c");
  EXPECT_EQ(
      answered(Lines{}.add("Sec-WebSocket-Protocol", "x").add("Sec-WebSocket-Protocol", "b,a"), policy).subprotocol,
      "b");
  const ServerAnswer none = answered(Lines{}.add("Sec-WebSocket-Protocol", "A, x"), policy);
  EXPECT_TRUE(none.accepted());
  EXPECT_EQ(none.subprotocol, "");
  EXPECT_EQ(value(none, "Sec-WebSocket-Protocol"), "");
}

TEST(HandshakeServer, deflate) {
  const DeflateParameters wishes{.client_max_window_bits = 12};
  Lines lines;
  lines.add("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
  const ServerAnswer with = answered(lines, {.deflate = &wishes});
  EXPECT_EQ(value(with, "Sec-WebSocket-Extensions"), "permessage-deflate; client_max_window_bits=12");
  EXPECT_EQ(with.deflate, wishes);
  const ServerAnswer without = answered(lines);
  EXPECT_TRUE(without.accepted());
  EXPECT_EQ(value(without, "Sec-WebSocket-Extensions"), "");
  EXPECT_FALSE(without.deflate);
  EXPECT_FALSE(answered(Lines{}, {.deflate = &wishes}).deflate);
}

TEST(HandshakeServer, more_headers) {
  const std::vector<HeaderText> headers{{"Set-Cookie", "a=b"}, {"X-Trace", "1"}};
  const ServerAnswer good = answered(Lines{}, {.headers = headers});
  EXPECT_EQ(value(good, "Set-Cookie"), "a=b");
  EXPECT_TRUE(good.response.ends_with("Set-Cookie: a=b\r\nX-Trace: 1\r\n\r\n"));
  const std::vector<HeaderText> split{{"X", "a\r\nSet-Cookie: evil"}};
  expect_refused(answered(Lines{}, {.headers = split}), 500, "a header that would be two");
  const std::vector<std::string> no_token{"a b"};
  expect_refused(answered(Lines{}, {.subprotocols = no_token}), 500, "a subprotocol that is no token");
}

// In a process of its own: SHA-1 is looked up once.
TEST(HandshakeServerDeathTest, without_sha_1) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto refuse = [] {
    EVP_set_default_properties(nullptr, "provider=none");
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "");
    expect_refused(answered(Lines{}), 500, "no SHA-1");
    std::exit(::testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(refuse(), ::testing::ExitedWithCode(0), "");
}

TEST(HandshakeServer, what_asks_for_a_websocket) {
  const auto asks = [](const Lines& lines) {
    const std::string text = lines.text();
    const Shown<RequestReader, Request> shown(text, {text.size()}, {});
    EXPECT_EQ(shown.step, HeadStep::head);
    return asks_for_websocket(shown.head);
  };
  EXPECT_TRUE(asks(Lines{}));
  EXPECT_TRUE(asks(Lines{}.remove("Upgrade")));
  EXPECT_TRUE(asks(Lines{}.remove("Upgrade").remove("Sec-WebSocket-Key")));
  EXPECT_TRUE(asks(Lines{}.remove("Upgrade").remove("Sec-WebSocket-Version")));
  EXPECT_FALSE(asks(Lines{}.remove("Upgrade").remove("Sec-WebSocket-Key").remove("Sec-WebSocket-Version")));
  EXPECT_FALSE(asks(Lines{}.set("Upgrade", "h2c").remove("Sec-WebSocket-Key").remove("Sec-WebSocket-Version")));
}

TEST(HandshakeServer, refusals_of_the_caller) {
  EXPECT_EQ(refusal(404, "nothing here"),
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 13\r\n\r\nnothing here\n");
  EXPECT_TRUE(refusal(418, "").starts_with("HTTP/1.1 418 \r\n"));
  EXPECT_TRUE(refusal(418, "").ends_with("Content-Length: 1\r\n\r\n\n"));
  const std::vector<HeaderText> headers{{"WWW-Authenticate", "Basic realm=\"x\""}, {"X", "a\r\nY: b"}};
  const std::string refused = refusal(401, "who are you?", headers);
  EXPECT_TRUE(refused.contains("\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"));
  EXPECT_FALSE(refused.contains("Y: b"));
  EXPECT_TRUE(refusal(http_status(HeadFault::too_large), phrase(HeadFault::too_large))
                  .starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

// Whatever stands in the request: the response is one message, and nothing else of the request is in it.
RC_GTEST_PROP(HandshakeServer, nothing_is_reflected, ()) {
  const std::string mark = "zqzqzq";
  const auto names = std::vector<std::string>{"Host",
                                              "Upgrade",
                                              "Connection",
                                              "Sec-WebSocket-Key",
                                              "Sec-WebSocket-Version",
                                              "Origin",
                                              "Sec-WebSocket-Protocol",
                                              "Sec-WebSocket-Extensions",
                                              "Cookie"};
  Lines lines;
  lines.start = "GET /" + mark + " HTTP/1.1";
  for (const std::string& name : names) {
    if (*rc::gen::inRange(0, 3) == 0) lines.set(name, mark);
  }
  const DeflateParameters wishes;
  const std::vector<std::string> known{"chat"};
  const ServerAnswer given = answered(lines, {.subprotocols = known, .deflate = &wishes});
  RC_ASSERT(!given.response.contains(mark));
  RC_ASSERT(given.accepted() == given.response.starts_with("HTTP/1.1 101 "));
}

TEST(HandshakeServer, a_response_with_a_body_and_without) {
  const std::vector<HeaderText> headers{{"X-More", "1"}, {"Content-Length", "7"}};
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n"
      "X-Content-Type-Options: nosniff\r\nX-More: 1\r\n\r\n";
  EXPECT_EQ(response(200, "text/html", headers, "page", true), head + "page");
  EXPECT_EQ(response(200, "text/html", headers, "page", false), head);
  EXPECT_EQ(response(200, "text/html\r\nX-Injected: 1", {}, "", true),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}

// A name of the outside that leads to this machine: DNS rebinding.
TEST(HandshakeServer, on_loopback_only_its_own_names_are_the_same_host) {
  const auto status = [](const std::string& host, const std::string& origin, bool on_loopback, Origins origins) {
    const std::string head = "GET / HTTP/1.1\r\nHost: " + host +
                             "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: " +
                             origin + "\r\n\r\n";
    RequestReader reader;
    Request request;
    EXPECT_EQ(reader.next(as_bytes(head), request), HeadStep::head);
    const std::vector<std::string> allowed{"http://listed.example:9000"};
    return answer(request, {.origins = origins, .on_loopback = on_loopback, .allowed_origins = allowed}).status;
  };
  for (const std::string host : {"127.0.0.1:9000", "[::1]:9000", "localhost:9000", "a.LocalHost:9000"}) {
    EXPECT_EQ(status(host, "http://" + host, true, Origins::same_host), 101) << host;
  }
  for (const std::string host : {"evil.example:9000", "localhost.evil.example:9000", "1a.2:9000"}) {
    EXPECT_EQ(status(host, "http://" + host, true, Origins::same_host), 403) << host;
    EXPECT_EQ(status(host, "http://" + host, false, Origins::same_host), 101) << host;
    EXPECT_EQ(status(host, "http://" + host, true, Origins::any), 101) << host;
  }
  EXPECT_EQ(status("listed.example:9000", "http://listed.example:9000", true, Origins::listed), 101);
}

}  // namespace
}  // namespace parley::codec
