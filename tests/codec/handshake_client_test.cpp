#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "codec/handshake.h"
#include "codec/heads.h"

namespace parley::codec {
namespace {

using Outcome = ClientVerdict::Outcome;

// The nonce of RFC 6455, 1.3: "the sample nonce".
Nonce sample() {
  Nonce nonce{};
  const std::string_view text = "the sample nonce";
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(text[i]);
  return nonce;
}

std::string written(const ClientRequest& request) {
  const auto text = write_request(request, sample());
  if (!text) return "refused: " + std::string(name(text.error().code));
  return *text;
}

constexpr std::string_view start =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

TEST(HandshakeClient, the_shortest_request) { EXPECT_EQ(written({.host = "a"}), std::string(start) + "\r\n"); }

TEST(HandshakeClient, the_longest_request) {
  const std::vector<std::string> subprotocols{"chat", "superchat"};
  const std::vector<HeaderText> headers{{"Cookie", "a=b"}, {"X-Trace", ""}};
  const DeflateParameters deflate{.server_no_context_takeover = true,
                                  .client_no_context_takeover = true,
                                  .server_max_window_bits = 10,
                                  .client_max_window_bits = 11};
  EXPECT_EQ(written({.host = "[::1]:9000",
                     .target = "/chat?a=b",
                     .origin = "http://example.org",
                     .subprotocols = subprotocols,
                     .deflate = &deflate,
                     .user = "Aladdin",
                     .password = "open sesame",
                     .headers = headers}),
            "GET /chat?a=b HTTP/1.1\r\nHost: [::1]:9000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Origin: http://example.org\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10; client_max_window_bits=11\r\n"
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nCookie: a=b\r\nX-Trace: \r\n\r\n");
}

TEST(HandshakeClient, credentials) {
  const auto line = [](const ClientRequest& request) {
    const std::string text = written(request);
    return text.starts_with(start) ? text.substr(start.size()) : text;
  };
  EXPECT_EQ(line({.host = "a", .user = "u"}), "Authorization: Basic dTo=\r\n\r\n");
  EXPECT_EQ(line({.host = "a", .password = "p:q"}), "Authorization: Basic OnA6cQ==\r\n\r\n");
  EXPECT_EQ(line({.host = "a", .bearer = "aZ0-._~+/=="}), "Authorization: Bearer aZ0-._~+/==\r\n\r\n");
  const std::vector<HeaderText> own{{"authorization", "Digest x"}};
  EXPECT_EQ(line({.host = "a", .headers = own}), "authorization: Digest x\r\n\r\n");

  const std::string refused = "refused: invalid_argument";
  EXPECT_EQ(line({.host = "a", .user = "u", .headers = own}), refused);
  EXPECT_EQ(line({.host = "a", .bearer = "b", .headers = own}), refused);
  EXPECT_EQ(line({.host = "a", .user = "u", .bearer = "b"}), refused);
  EXPECT_EQ(line({.host = "a", .user = "u:v"}), refused);
  EXPECT_EQ(line({.host = "a", .user = "u\n"}), refused);
  EXPECT_EQ(line({.host = "a", .user = "u", .password = "\x7F"}), refused);
  for (const char* bearer : {"=", "a b", "a=b", "a\r\n", "a,b", "a!", "\xC3\xA4"}) {
    EXPECT_EQ(line({.host = "a", .bearer = bearer}), refused) << bearer;
  }
}

TEST(HandshakeClient, what_can_not_be_asked_for) {
  const std::string refused = "refused: invalid_argument";
  for (const char* host : {"", ":80", "a b", "a\r\nX: y", "a/", "u@a", "a:65536"}) {
    EXPECT_EQ(written({.host = host}), refused) << host;
  }
  for (const char* target : {"", "chat", "*", "http://a/", "/a b", "/a#b", "/\r\n", "/%", "/\xC3\xA4"}) {
    EXPECT_EQ(written({.host = "a", .target = target}), refused) << target;
  }
  EXPECT_EQ(written({.host = "a", .origin = "http://a\r\nX: y"}), refused);
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{""}, {"a b"}, {"a,b"}, {"a", "a"}, {"a", "b", "a"}}) {
    EXPECT_EQ(written({.host = "a", .subprotocols = names}), refused) << names[0];
  }
  const std::vector<HeaderText> headers{{"X", "a\r\nY: b"}};
  EXPECT_EQ(written({.host = "a", .headers = headers}), refused);
}

struct Checked {
  ClientVerdict verdict;
  std::string location;
  std::string subprotocol;
};

Checked checked(const std::string& text, const ClientRequest& request = {.host = "a"}) {
  const Shown<ResponseReader, Response> shown(text, {text.size()}, {});
  EXPECT_EQ(shown.step, HeadStep::head) << text;
  Checked checked;
  checked.verdict = check_response(shown.head, request, sample());
  checked.location = checked.verdict.location;
  checked.subprotocol = checked.verdict.subprotocol;
  checked.verdict.location = checked.verdict.subprotocol = {};  // their bytes end with this function
  EXPECT_EQ(checked.verdict.phrase.empty(), checked.verdict.outcome != Outcome::broken) << text;
  return checked;
}

constexpr const char* switching = "HTTP/1.1 101 Switching Protocols\r\n";
constexpr const char* upgrade = "Upgrade: websocket\r\n";
constexpr const char* connection = "Connection: Upgrade\r\n";
constexpr const char* accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

std::string good(const std::string& more = "") {
  return std::string(switching) + upgrade + connection + accept + more + "\r\n";
}

TEST(HandshakeClient, a_good_response) {
  const Checked plain = checked(good());
  EXPECT_EQ(plain.verdict.outcome, Outcome::accepted);
  EXPECT_EQ(plain.verdict.status, 101);
  EXPECT_EQ(plain.subprotocol, "");
  EXPECT_FALSE(plain.verdict.deflate);
  EXPECT_EQ(checked("HTTP/1.1 101 \r\nUPGRADE: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
                    "sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n\r\n")
                .verdict.outcome,
            Outcome::accepted);
}

TEST(HandshakeClient, a_response_with_everything) {
  const std::vector<std::string> subprotocols{"chat", "superchat"};
  const DeflateParameters deflate;
  const ClientRequest request{.host = "a", .subprotocols = subprotocols, .deflate = &deflate};
  const Checked all = checked(good("Sec-WebSocket-Protocol: superchat\r\n"
                                   "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n"),
                              request);
  EXPECT_EQ(all.verdict.outcome, Outcome::accepted);
  EXPECT_EQ(all.subprotocol, "superchat");
  EXPECT_EQ(all.verdict.deflate, (DeflateParameters{.client_max_window_bits = 12}));
}

TEST(HandshakeClient, broken_responses) {
  const std::vector<std::string> subprotocols{"chat"};
  const DeflateParameters deflate{.server_max_window_bits = 10};
  const ClientRequest request{.host = "a", .subprotocols = subprotocols, .deflate = &deflate};
  const std::string s = switching;
  const std::string u = upgrade;
  const std::string c = connection;
  const std::string a = accept;
  const std::string end = "\r\n";
  for (const std::string& text : {
           "HTTP/1.0 101 Switching Protocols\r\n" + u + c + a + end,
           s + c + a + end,
           s + "Upgrade: h2c\r\n" + c + a + end,
           s + "Upgrade: websocket, h2c\r\n" + c + a + end,
           s + u + u + c + a + end,
           s + u + a + end,
           s + u + "Connection: close\r\n" + a + end,
           s + u + c + end,
           s + u + c + a + a + end,
           s + u + c + "Sec-WebSocket-Accept:\r\n" + end,
           s + u + c + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + end,
           s + u + c + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n" + end,
           s + u + c + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x\r\n" + end,
           s + u + c + "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n" + end,
           good("Sec-WebSocket-Protocol: superchat\r\n"),
           good("Sec-WebSocket-Protocol: Chat\r\n"),
           good("Sec-WebSocket-Protocol:\r\n"),
           good("Sec-WebSocket-Protocol: chat, chat\r\n"),
           good("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n"),
           good("Sec-WebSocket-Extensions: foo\r\n"),
           good("Sec-WebSocket-Extensions: permessage-deflate;\r\n"),
           good("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
           good("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11\r\n"),
       }) {
    EXPECT_EQ(checked(text, request).verdict.outcome, Outcome::broken) << text;
  }
  EXPECT_EQ(checked(good("Sec-WebSocket-Protocol: chat\r\n")).verdict.outcome, Outcome::broken);
  EXPECT_EQ(checked(good("Sec-WebSocket-Extensions: permessage-deflate\r\n")).verdict.outcome, Outcome::broken);
}

// In a process of its own: SHA-1 is looked up once.
TEST(HandshakeClientDeathTest, an_accept_that_can_not_be_checked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto check = [] {
    EVP_set_default_properties(nullptr, "provider=none");
    EXPECT_EQ(checked(good()).verdict.outcome, Outcome::broken);
    const std::string empty = std::string(switching) + upgrade + connection + "Sec-WebSocket-Accept:\r\n\r\n";
    EXPECT_EQ(checked(empty).verdict.outcome, Outcome::broken);
    std::exit(::testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(check(), ::testing::ExitedWithCode(0), "");
}

TEST(HandshakeClient, interim_responses) {
  for (const char* line : {"100 Continue", "102 Processing", "103 Early Hints"}) {
    const Checked interim = checked("HTTP/1.1 " + std::string(line) + "\r\nLink: x\r\n\r\n");
    EXPECT_EQ(interim.verdict.outcome, Outcome::interim) << line;
  }
}

TEST(HandshakeClient, redirections) {
  for (const int status : {301, 302, 303, 307, 308}) {
    const std::string line = "HTTP/1.1 " + std::to_string(status) + " x\r\n";
    const Checked moved = checked(line + "Location: wss://b/c?d\r\n\r\n");
    EXPECT_EQ(moved.verdict.outcome, Outcome::redirected) << status;
    EXPECT_EQ(moved.verdict.status, status);
    EXPECT_EQ(moved.location, "wss://b/c?d");
    EXPECT_EQ(checked(line + "\r\n").verdict.outcome, Outcome::refused);
    EXPECT_EQ(checked(line + "Location:\r\n\r\n").verdict.outcome, Outcome::refused);
    EXPECT_EQ(checked(line + "Location: /a\r\nLocation: /b\r\n\r\n").verdict.outcome, Outcome::refused);
  }
}

TEST(HandshakeClient, other_responses) {
  for (const int status : {200, 204, 300, 304, 305, 400, 401, 403, 404, 407, 426, 429, 500, 503, 599}) {
    const std::string line = "HTTP/1.0 " + std::to_string(status) + " x\r\n";
    const Checked refused = checked(line + upgrade + connection + accept + "Location: /a\r\n\r\n");
    EXPECT_EQ(refused.verdict.outcome, Outcome::refused) << status;
    EXPECT_EQ(refused.verdict.status, status);
    EXPECT_EQ(refused.location, "");
  }
}

}  // namespace
}  // namespace parley::codec
