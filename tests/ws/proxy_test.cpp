#include "ws/proxy.h"

#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <string>

#include "codec/key.h"

namespace parley::ws {
namespace {

TEST(Proxy, urls) {
  EXPECT_EQ(parse_proxy("")->kind, Proxy::Kind::none);
  const Proxy http = *parse_proxy("http://me:it%40s%3A@proxy.example:3128/");
  EXPECT_EQ(http.kind, Proxy::Kind::http);
  EXPECT_EQ(http.endpoint.to_string(), "tcp://proxy.example:3128");
  EXPECT_EQ(http.user, "me");
  EXPECT_EQ(http.password, "it@s:");
  EXPECT_EQ(parse_proxy("HTTP://127.0.0.1")->endpoint.to_string(), "tcp://127.0.0.1:80");
  const Proxy socks = *parse_proxy("socks5://only@[::1]");
  EXPECT_EQ(socks.kind, Proxy::Kind::socks5);
  EXPECT_EQ(socks.endpoint.to_string(), "tcp://[::1]:1080");
  EXPECT_EQ(socks.user, "only");
  EXPECT_EQ(socks.password, "");
  EXPECT_EQ(parse_proxy("socks5h://a:9050")->endpoint.to_string(), "tcp://a:9050");
}

TEST(Proxy, what_is_no_url_of_a_proxy) {
  for (const char* text :
       {"proxy.example:3128", "ftp://a", "http://", "http://:80", "http://a/path", "http://a:b", "http://a:80-90",
        "http://u%4@a", "http://u%zz@a", "http://%4:b@a", "socks4://a", "http://a:0x50", "http://a?b"}) {
    const Result<Proxy> proxy = parse_proxy(text);
    EXPECT_TRUE(!proxy && proxy.error() == Errc::invalid_address) << text;
  }
}

// A proxy that knows one way only, to the server of the tests, whatever it is asked for.
struct OneWay {
  Loop& loop;
  std::string asked = {};     // all that was said to it before the tunnel
  std::string answers = {};   // instead of a way: what it says to the first bytes
  std::string greeting = {};  // comes with the tunnel's opening
};

Task<> pass_on(Stream& from, Stream& to) {
  for (;;) {
    auto bytes = co_await from.receive();
    if (!bytes) break;
    const Bytes view = *bytes;
    auto sent = co_await to.send(view);
    if (!sent) break;
  }
  (void)to.shutdown();
}

// Until it has said `bytes` more.
Task<bool> hear(Stream& client, std::string& unread, std::string& heard, std::size_t bytes) {
  while (unread.size() < bytes) {
    auto more = co_await client.receive();
    if (!more) co_return false;
    unread += as_text(*more);
  }
  heard += unread.substr(0, bytes);
  unread.erase(0, bytes);
  co_return true;
}

// As RFC 1928 and RFC 1929 say it, step by step.
Task<bool> greet_socks(Stream& client, std::string& unread, std::string& heard) {
  Task<bool> hearing = hear(client, unread, heard, 2);
  bool good = co_await hearing;
  if (!good) co_return false;
  const bool knows_names = heard[1] == 2;
  hearing = hear(client, unread, heard, knows_names ? 2 : 1);
  good = co_await hearing;
  (void)co_await client.send(knows_names ? std::string_view("\5\2", 2) : std::string_view("\5\0", 2));
  if (knows_names) {
    for (const std::size_t header : {2UZ, 1UZ}) {  // version and user, then password
      hearing = hear(client, unread, heard, header);
      good = co_await hearing;
      hearing = hear(client, unread, heard, static_cast<unsigned char>(heard.back()));
      good = co_await hearing;
    }
    (void)co_await client.send(std::string_view("\1\0", 2));
  }
  hearing = hear(client, unread, heard, 5);
  good = co_await hearing;
  if (!good) co_return false;
  const std::size_t kind = static_cast<unsigned char>(heard[heard.size() - 2]);
  const std::size_t left = kind == 1 ? 3UZ : kind == 4 ? 15UZ : static_cast<unsigned char>(heard.back());
  hearing = hear(client, unread, heard, left + 2);
  good = co_await hearing;
  co_return good;
}

Task<> be_proxy(Stream client, OneWay& way) {
  std::string unread;
  way.asked.clear();
  auto first = co_await client.receive();
  if (!first) co_return;
  unread = as_text(*first);
  if (!way.answers.empty()) {
    way.asked = unread;
    (void)co_await client.send(way.answers);
    (void)co_await client.receive();
    co_return;
  }
  std::string opens;
  if (unread.front() == '\5') {
    Task<bool> greeting = greet_socks(client, unread, way.asked);
    const bool asked = co_await greeting;
    if (!asked) co_return;
    opens = std::string("\5\0\0\1\0\0\0\0\0\0", 10);
  } else {
    while (!unread.ends_with("\r\n\r\n")) {
      auto more = co_await client.receive();
      if (!more) co_return;
      unread += as_text(*more);
    }
    way.asked = unread;
    opens = "HTTP/1.1 200 OK\r\n\r\n";
  }
  opens += way.greeting;
  auto server = co_await parley::connect(way.loop, "tcp://127.0.0.1:9001");
  if (!server) co_return;
  (void)co_await client.send(opens);
  TaskGroup group(way.loop);
  group.spawn(pass_on(client, *server));
  group.spawn(pass_on(*server, client));
  co_await group.join();
}

Task<> serve_proxy(Loop& loop, OneWay& way) {
  (void)co_await parley::serve(loop, "tcp://127.0.0.1:9000", parley::Handler(be_proxy, way));
}

Task<> echo(Session peer) {
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) break;
    (void)co_await peer.send(*message);
  }
}

Task<> serve_echo(Loop& loop) { (void)co_await ws::serve(loop, "ws://127.0.0.1:9001", echo); }

struct Asked {
  const char* url = "ws://server.example:81/chat";
  const char* proxy = "http://127.0.0.1:9000";
  Error error = {};
  Refusal refusal = {};
  std::string heard = {};
};

Task<> ask(Loop& loop, OneWay& way, Asked& asked) {
  TaskGroup servers(loop);
  servers.spawn(serve_proxy(loop, way));
  servers.spawn(serve_echo(loop));
  co_await yield();
  const ConnectOptions options{.proxy = asked.proxy, .handshake_seconds = 1000};
  auto session = co_await ws::connect(loop, asked.url, options, &asked.refusal);
  asked.error = session ? Error{} : session.error();
  if (session) {
    (void)co_await session->send("hello");
    auto message = co_await session->receive();
    if (message) asked.heard = message->text();
    *session = {};
  }
  servers.stop();
  co_await servers.join();
}

Asked ask_through(Asked asked, OneWay (*make)(Loop&), std::string* said = nullptr,
                  const SimulationOptions& options = {}) {
  Simulation simulation(options);
  Loop loop(simulation, {.linger_seconds = 100'000});
  OneWay way = make(loop);
  loop.run(ask(loop, way, asked));
  if (said) *said = way.asked;
  return asked;
}

OneWay plain(Loop& loop) { return {loop}; }

TEST(Proxy, a_conversation_through_http) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::string said;
    const Asked asked =
        ask_through({.proxy = "http://me:it@127.0.0.1:9000"}, plain, &said, SimulationOptions::harmless(seed));
    ASSERT_EQ(asked.heard, "hello") << seed << ": " << asked.error.message();
    ASSERT_EQ(said, "CONNECT server.example:81 HTTP/1.1\r\nHost: server.example:81\r\nProxy-Authorization: Basic " +
                        codec::base64(as_bytes("me:it")) + "\r\n\r\n");
  }
}

TEST(Proxy, a_conversation_through_socks5) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::string said;
    Asked asked = ask_through({.proxy = "socks5://127.0.0.1:9000"}, plain, &said, SimulationOptions::harmless(seed));
    ASSERT_EQ(asked.heard, "hello") << seed << ": " << asked.error.message();
    ASSERT_EQ(said, std::string("\5\1\0\5\1\0\3\x0Eserver.example\0\x51", 24));
    asked = ask_through({.proxy = "socks5://me:it@127.0.0.1:9000"}, plain, &said, SimulationOptions::harmless(seed));
    ASSERT_EQ(asked.heard, "hello") << seed << ": " << asked.error.message();
    ASSERT_EQ(said, std::string("\5\2\0\2\1\2me\2it\5\1\0\3\x0Eserver.example\0\x51", 32));
  }
}

TEST(Proxy, refuses) {
  Asked asked = ask_through(
      {}, [](Loop& loop) { return OneWay{loop, {}, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"}; });
  EXPECT_EQ(asked.error, Errc::refused);
  EXPECT_EQ(asked.refusal.status, 407u);
  EXPECT_TRUE(asked.refusal.by_proxy);
  asked = ask_through({.proxy = "socks5://127.0.0.1:9000"}, [](Loop& loop) { return OneWay{loop, {}, "\5\xFF"}; });
  EXPECT_EQ(asked.error, Errc::permission_denied);
  EXPECT_TRUE(asked.refusal.by_proxy);
}

TEST(Proxy, is_not_there) {
  const Asked asked = ask_through({.proxy = "http://127.0.0.1:9009"}, plain);
  EXPECT_EQ(asked.error, Errc::refused);
  EXPECT_EQ(asked.refusal.status, 0u);
  EXPECT_TRUE(asked.refusal.by_proxy);
}

// handshake_seconds are for the proxy too.
TEST(Proxy, falls_silent) {
  Asked asked = ask_through({}, [](Loop& loop) { return OneWay{loop, {}, "HTTP/1.1 200 OK\r\n"}; });
  EXPECT_EQ(asked.error, Errc::timed_out);
  EXPECT_TRUE(asked.refusal.by_proxy);
  asked = ask_through({.proxy = "socks5://127.0.0.1:9000"}, [](Loop& loop) { return OneWay{loop, {}, "\5"}; });
  EXPECT_EQ(asked.error, Errc::timed_out);
}

// As networks do it: in pieces, late, with connections that break; it ends, and if it didn't break, well.
TEST(Proxy, over_networks_that_break) {
  std::size_t heard = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const char* proxy = seed % 2 == 0 ? "http://me:it@127.0.0.1:9000" : "socks5://me:it@127.0.0.1:9000";
    const Asked asked = ask_through({.proxy = proxy}, plain, nullptr, SimulationOptions::hostile(seed));
    EXPECT_TRUE(asked.heard.empty() || asked.heard == "hello") << seed;
    EXPECT_TRUE(asked.error.code != Errc::protocol && asked.error.code != Errc::permission_denied) << seed;
    if (!asked.heard.empty()) ++heard;
  }
  EXPECT_GT(heard, 0u);
  EXPECT_LT(heard, 100u);
}

TEST(Proxy, says_something_before_the_server_may) {
  for (const char* proxy : {"http://127.0.0.1:9000", "socks5://127.0.0.1:9000"}) {
    const Asked asked =
        ask_through({.proxy = proxy}, [](Loop& loop) { return OneWay{loop, {}, {}, "HTTP/1.1 101 x\r\n"}; });
    EXPECT_EQ(asked.error, Errc::protocol);
  }
}

TEST(Proxy, what_can_not_be_asked_for) {
  const auto error = [](const char* url, const char* proxy) {
    return ask_through({.url = url, .proxy = proxy}, plain).error;
  };
  EXPECT_EQ(error("ws://a:80-90", "http://127.0.0.1:9000"), Errc::invalid_argument);
  EXPECT_EQ(error("ws+unix:/run/a", "http://127.0.0.1:9000"), Errc::invalid_argument);
  EXPECT_EQ(error("ws://a", "socks5://only@127.0.0.1:9000"), Errc::invalid_argument);
  EXPECT_EQ(error("ws://a", "http://a%3Ab:c@127.0.0.1:9000"), Errc::invalid_argument);
  EXPECT_EQ(error("ws://a", "127.0.0.1:9000"), Errc::invalid_address);
}

TEST(Proxy, addresses_are_asked_for_as_such) {
  std::string said;
  Asked asked = ask_through({.url = "ws://[2001:db8::1]:81/"}, plain, &said);
  EXPECT_EQ(asked.heard, "hello");
  EXPECT_TRUE(said.starts_with("CONNECT [2001:db8::1]:81 HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n")) << said;
  const char* socks = "socks5://127.0.0.1:9000";
  asked = ask_through({.url = "ws://[2001:db8::1]:81/", .proxy = socks}, plain, &said);
  EXPECT_EQ(asked.heard, "hello");
  EXPECT_EQ(said.substr(3), std::string("\5\1\0\4\x20\1\xD\xB8\0\0\0\0\0\0\0\0\0\0\0\1\0\x51", 22));
  asked = ask_through({.url = "ws://192.0.2.7:81/", .proxy = socks}, plain, &said);
  EXPECT_EQ(asked.heard, "hello");
  EXPECT_EQ(said.substr(3), std::string("\5\1\0\1\xC0\0\2\7\0\x51", 10));
}

}  // namespace
}  // namespace parley::ws
