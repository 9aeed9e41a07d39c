#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <set>
#include <string>

namespace parley::ws {
namespace {

constexpr const char* url = "ws://127.0.0.1:9000/";

// Answers each request with the same bytes, whatever was asked, and notes the last request.
struct Scripted {
  std::string answer;
  std::string request;
};

Task<> answer_always(Stream peer, Scripted& scripted) {
  auto bytes = co_await peer.receive();
  if (!bytes) co_return;
  scripted.request = as_text(*bytes);
  co_await peer.send(scripted.answer);
  peer.shutdown();
  while (co_await peer.receive()) continue;
}

Task<> serve_script(Loop& loop, Scripted& scripted, Result<void>& served) {
  served = co_await parley::serve(loop, "tcp://127.0.0.1:9000", parley::Handler(answer_always, scripted));
}

struct Outcome {
  Error error;
  Refusal refusal;
};

Task<> ask(Loop& loop, Scripted& scripted, ConnectOptions options, Outcome& outcome) {
  TaskGroup server(loop);
  Result<void> served;
  server.spawn(serve_script(loop, scripted, served));
  co_await yield();
  auto session = co_await ws::connect(loop, url, options, &outcome.refusal);
  outcome.error = session ? Error{} : session.error();
  if (session) *session = {};
  server.stop();
  co_await server.join();
}

Outcome connect_to(Scripted& scripted, const ConnectOptions& options = {}) {
  Simulation simulation;
  Outcome outcome;
  {
    Loop loop(simulation);
    loop.run(ask(loop, scripted, options, outcome));
  }
  return outcome;
}

Outcome connect_to(const char* answer, const ConnectOptions& options = {}) {
  Scripted scripted{answer, {}};
  return connect_to(scripted, options);
}

TEST(Client, WhatItAsksFor) {
  Scripted scripted{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", {}};
  const Outcome outcome = connect_to(scripted, {.subprotocols = "b, a",
                                                .origin = "http://here",
                                                .user = "Aladdin",
                                                .password = "open sesame",
                                                .headers = "X-One: 1"});
  EXPECT_EQ(outcome.error, Errc::refused);
  EXPECT_EQ(outcome.refusal.status, 401u);
  for (const char* line : {"GET / HTTP/1.1\r\n", "\r\nHost: 127.0.0.1:9000\r\n", "\r\nSec-WebSocket-Version: 13\r\n",
                           "\r\nSec-WebSocket-Protocol: b, a\r\n", "\r\nOrigin: http://here\r\n", "\r\nX-One: 1\r\n",
                           "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"}) {
    EXPECT_NE(scripted.request.find(line), std::string::npos) << line << scripted.request;
  }
}

TEST(Client, EachConnectionHasAKeyOfItsOwn) {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    Scripted scripted{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", {}};
    connect_to(scripted);
    const std::size_t at = scripted.request.find("\r\nSec-WebSocket-Key: ");
    ASSERT_NE(at, std::string::npos);
    keys.insert(scripted.request.substr(at + 21, 24));
    EXPECT_TRUE(scripted.request.ends_with("\r\n\r\n"));  // and nothing behind it
  }
  EXPECT_EQ(keys.size(), 100u);
}

TEST(Client, AnswersThatAreNone) {
  EXPECT_EQ(connect_to("").error, Errc::end);
  EXPECT_EQ(connect_to("rubbish\r\n\r\n").error, Errc::protocol);
  EXPECT_EQ(connect_to("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
                .error,
            Errc::protocol);  // the accept key of another request
  const std::string large = "HTTP/1.1 101 x\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n";
  EXPECT_EQ(connect_to(large.c_str()).error, Errc::too_large);
}

TEST(Client, ARedirectIsFollowedOnlyWhenAsked) {
  const char* answer = "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9000/again\r\n\r\n";
  Outcome outcome = connect_to(answer);
  EXPECT_EQ(outcome.error, Errc::refused);
  EXPECT_EQ(outcome.refusal.status, 302u);
  EXPECT_EQ(outcome.refusal.location, "ws://127.0.0.1:9000/again");
  Scripted scripted{answer, {}};
  outcome = connect_to(scripted, {.redirects_max = 3});
  EXPECT_EQ(outcome.error, Errc::refused);  // it leads round and round
  EXPECT_TRUE(scripted.request.starts_with("GET /again "));
}

// What had redirected was taken for what refused.
TEST(Client, ARedirectThatWasFollowedIsNoRefusal) {
  const Outcome outcome =
      connect_to("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9999/\r\n\r\n", {.redirects_max = 1});
  EXPECT_EQ(outcome.error, Errc::refused);  // nothing listens there
  EXPECT_EQ(outcome.refusal.status, 0u);
  EXPECT_EQ(outcome.refusal.location, "");
}

Task<> serve_elsewhere(Loop& loop, Scripted& elsewhere) {
  (void)co_await parley::serve(loop, "tcp://127.0.0.1:9001", parley::Handler(answer_always, elsewhere));
}

Task<> ask_with_secrets(Loop& loop, Scripted& first, Scripted& elsewhere, ConnectOptions options, Outcome& outcome) {
  TaskGroup server(loop);
  server.spawn(serve_elsewhere(loop, elsewhere));
  Task<> asking = ask(loop, first, options, outcome);
  co_await asking;
  server.stop();
  co_await server.join();
}

// They were sent to wherever a redirect led.
TEST(Client, SecretsAreNotForOthers) {
  for (const ConnectOptions& options :
       {ConnectOptions{.user = "me", .password = "secret", .headers = "X-Key: secret", .redirects_max = 1},
        ConnectOptions{.bearer = "secret", .headers = "X-Key: secret", .redirects_max = 1}}) {
    Scripted first{"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9001/\r\n\r\n", {}};
    Scripted elsewhere{"HTTP/1.1 404 Not Found\r\n\r\n", {}};
    Outcome outcome;
    Simulation simulation;
    Loop loop(simulation);
    loop.run(ask_with_secrets(loop, first, elsewhere, options, outcome));
    EXPECT_EQ(outcome.refusal.status, 404u);
    EXPECT_NE(first.request.find("\r\nAuthorization: "), std::string::npos);
    EXPECT_TRUE(elsewhere.request.starts_with("GET / "));
    EXPECT_EQ(elsewhere.request.find("Authorization"), std::string::npos) << elsewhere.request;
    EXPECT_EQ(elsewhere.request.find("X-Key"), std::string::npos) << elsewhere.request;
  }
  Scripted again{"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9000/again\r\n\r\n", {}};
  (void)connect_to(again, {.bearer = "mine", .redirects_max = 1});
  EXPECT_TRUE(again.request.starts_with("GET /again "));
  EXPECT_NE(again.request.find("\r\nAuthorization: Bearer mine\r\n"), std::string::npos);
}

// A server elsewhere could choose among the sockets of this machine.
TEST(Client, NoRedirectLeadsToAUnixDomainSocket) {
  for (const std::string location : {"ws+unix:/run/x.sock:/", "unix:/run/x.sock"}) {
    Scripted scripted{"HTTP/1.1 302 Found\r\nLocation: " + location + "\r\n\r\n", {}};
    const Outcome outcome = connect_to(scripted, {.redirects_max = 1});
    EXPECT_EQ(outcome.error, Errc::refused);
    EXPECT_EQ(outcome.refusal.location, location);
  }
}

TEST(Client, OptionsThatCanNotBeWrittenDown) {
  EXPECT_EQ(connect_to("", {.subprotocols = "not a token"}).error, Errc::invalid_argument);
  EXPECT_EQ(connect_to("", {.headers = "Host: elsewhere"}).error, Errc::invalid_argument);
  EXPECT_EQ(connect_to("", {.deflate_options = {.level = 10}}).error, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::ws
