#include "codec/handshake.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/heads.h"

namespace parley::codec {
namespace {

TEST(Handshake, what_may_be_added) {
  EXPECT_TRUE(may_be_added({"X-Trace", "1"}));
  EXPECT_TRUE(may_be_added({"Set-Cookie", "a=b; Path=/"}));
  EXPECT_TRUE(may_be_added({"Authorization", "Digest x"}));
  EXPECT_TRUE(may_be_added({"Sec-WebSocket", ""}));
  EXPECT_TRUE(may_be_added({"Hosts", "\xC3\xA4"}));
}

TEST(Handshake, what_may_not_be_added) {
  const std::vector<HeaderText> headers{
      {"", "a"},
      {"X Y", "a"},
      {"X:", "a"},
      {"X\r\nY", "a"},
      {"\xC3\xA4", "a"},
      {"X", "a\r\nY: b"},
      {"X", "a\n"},
      {"X", "a\r"},
      {"X", " a"},
      {"X", "a\t"},
      {"X", std::string(1, '\0')},
      {"X", "\x7F"},
      {"Host", "a"},
      {"HOST", "a"},
      {"connection", "x"},
      {"Upgrade", "x"},
      {"Origin", "x"},
      {"Content-Length", "0"},
      {"transfer-encoding", "chunked"},
      {"Sec-WebSocket-Accept", "x"},
      {"sec-websocket-", "x"},
  };
  for (const HeaderText& header : headers) EXPECT_FALSE(may_be_added(header)) << header.name << ": " << header.value;
}

struct Agreed {
  ServerAnswer answer;
  ClientVerdict verdict;
  std::string subprotocol;
};

// A client's request through a server's eyes, and the answer through the client's.
Agreed agree(const ClientRequest& ours, const ServerPolicy& policy, const Nonce& nonce) {
  const auto written = write_request(ours, nonce);
  EXPECT_TRUE(written);
  const Shown<RequestReader, Request> request(*written, {written->size()}, {});
  EXPECT_EQ(request.step, HeadStep::head);
  Agreed agreed;
  agreed.answer = answer(request.head, policy);
  const std::string& bytes = agreed.answer.response;
  const Shown<ResponseReader, Response> response(bytes, {bytes.size()}, {});
  EXPECT_EQ(response.step, HeadStep::head);
  agreed.verdict = check_response(response.head, ours, nonce);
  agreed.subprotocol = agreed.verdict.subprotocol;
  agreed.verdict.subprotocol = agreed.verdict.location = {};  // their bytes end with this function
  return agreed;
}

DeflateParameters any_parameters() {
  const auto bits = rc::gen::inRange<int>(DeflateParameters::window_bits_min, DeflateParameters::window_bits_max + 1);
  DeflateParameters parameters;
  parameters.server_no_context_takeover = *rc::gen::arbitrary<bool>();
  parameters.client_no_context_takeover = *rc::gen::arbitrary<bool>();
  parameters.server_max_window_bits = static_cast<std::uint8_t>(*bits);
  parameters.client_max_window_bits = static_cast<std::uint8_t>(*bits);
  return parameters;
}

RC_GTEST_PROP(Handshake, a_client_and_a_server_understand_each_other, ()) {
  const auto names = rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"chat", "superchat", "v1.mqtt", "graphql-ws", "x"}));
  auto offered = *names;
  std::ranges::sort(offered);
  offered.erase(std::ranges::unique(offered).begin(), offered.end());
  const auto known = *names;
  const DeflateParameters ours = any_parameters();
  const DeflateParameters theirs = any_parameters();
  const bool offers_deflate = *rc::gen::arbitrary<bool>();
  const bool speaks_deflate = *rc::gen::arbitrary<bool>();
  Nonce nonce{};
  for (std::byte& byte : nonce) byte = static_cast<std::byte>(*rc::gen::inRange(0, 256));

  const ClientRequest client{.host = "example.org:9000",
                             .origin = "http://example.org:9000",
                             .subprotocols = offered,
                             .deflate = offers_deflate ? &ours : nullptr};
  const ServerPolicy policy{.subprotocols = known, .deflate = speaks_deflate ? &theirs : nullptr};
  const Agreed agreed = agree(client, policy, nonce);
  RC_ASSERT(agreed.answer.accepted());
  RC_ASSERT(agreed.verdict.outcome == ClientVerdict::Outcome::accepted);
  RC_ASSERT(agreed.subprotocol == agreed.answer.subprotocol);
  RC_ASSERT(agreed.verdict.deflate == agreed.answer.deflate);
  RC_ASSERT(agreed.answer.deflate.has_value() == (offers_deflate && speaks_deflate));
}

TEST(Handshake, a_client_of_another_origin_is_refused) {
  const ClientRequest client{.host = "example.org", .origin = "http://evil.example"};
  const Agreed agreed = agree(client, {}, {});
  EXPECT_EQ(agreed.answer.status, 403);
  EXPECT_EQ(agreed.verdict.outcome, ClientVerdict::Outcome::refused);
  EXPECT_EQ(agreed.verdict.status, 403);
}

}  // namespace
}  // namespace parley::codec
