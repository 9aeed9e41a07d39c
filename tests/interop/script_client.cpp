// The library's side of tests/interop: a client that runs a script against an echo server, and prints what went wrong.
//   script_client URL plain|deflate CODES ASKED [LEAST]
// CODES, "1000,4999": closes with each. ASKED: lets the server close with each ("close 4000 why"). LEAST: bytes of its
// smallest message. wss: trusts the environment's TLS_CA, a PEM file.
#include <parley/parley.h>
#include <parley/ws.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "script.h"

namespace {

using parley::ws::Kind;
using parley::ws::Message;
using parley::ws::Session;

using script::filling;
using script::four_bytes;
using script::small_messages;

struct Script : script::Failures {
  parley::Loop& loop;
  std::string url;
  bool deflate = false;
  std::vector<std::uint16_t> codes;
  std::vector<std::uint16_t> asked;
  std::size_t least = 0;
  parley::tls::Client tls = {};
};

parley::Task<bool> comes(Session& peer, Message wanted) {
  auto got = co_await peer.receive();
  co_return got.has_value() && got->kind() == wanted.kind() && std::ranges::equal(got->bytes(), wanted.bytes());
}

parley::Task<bool> returns(Session& peer, Message message) {
  auto sent = co_await peer.send(message);
  if (!sent) co_return false;
  auto answer = comes(peer, message);
  co_return co_await answer;
}

parley::Task<> messages(Session& peer, Script& script) {
  for (const std::size_t size : script::sizes) {
    if (size < script.least) continue;
    const std::string text = filling(size);
    for (const Kind kind : {Kind::text, Kind::binary}) {
      if (!script::is_sent(size, kind == Kind::text)) continue;
      auto exchange = returns(peer, {parley::as_bytes(text), kind});
      script.expect(co_await exchange, "a message of " + std::to_string(size));
    }
  }
  auto exchange = returns(peer, four_bytes);
  script.expect(co_await exchange, "characters of four bytes");
}

parley::Task<> fragments(Session& peer, Script& script) {
  for (const std::size_t size : {1UZ, 3UZ, four_bytes.size()}) {  // characters are cut
    for (std::string_view rest = four_bytes; !rest.empty();) {
      const std::string_view part = rest.substr(0, size);
      rest.remove_prefix(part.size());
      auto sent = co_await peer.send_some(part, false);
      script.expect(sent.has_value(), "sending a fragment");
    }
    auto pong = co_await peer.ping();  // between the fragments of a message
    script.expect(pong.has_value(), "a pong between fragments");
    auto sent = co_await peer.send_some("", true);
    auto answer = comes(peer, four_bytes);
    script.expect(sent.has_value() && co_await answer, "fragments of " + std::to_string(size));
  }
}

parley::Task<> many(Session& peer, Script& script) {
  for (int i = 0; i < small_messages; ++i) {
    const std::string text = std::to_string(i);
    auto sent = co_await peer.send(text);
    if (!sent) co_return script.expect(false, "sending many small messages");
  }
  for (int i = 0; i < small_messages; ++i) {
    const std::string text = std::to_string(i);
    auto answer = comes(peer, text);
    if (const bool came = co_await answer; !came) co_return script.expect(false, "small message " + text);
  }
}

parley::Task<> pings(Session& peer, Script& script) {
  auto pong = co_await peer.ping();
  script.expect(pong.has_value(), "a pong");
  auto sent = co_await peer.send("ping");
  auto answer = comes(peer, "ponged");
  script.expect(sent.has_value() && co_await answer, "the server's ping");
}

parley::Task<> ends(Session& peer, std::uint16_t code, bool asked, Script& script) {
  const std::string name = (asked ? "being closed with " : "closing with ") + std::to_string(code);
  if (asked) {
    const std::string order = "close " + std::to_string(code) + " why";
    auto sent = co_await peer.send(order);
    script.expect(sent.has_value(), name + ": sending");
  } else {
    script.expect(peer.close(code, "bye").has_value(), name);
  }
  auto got = co_await peer.receive();
  script.expect(!got && got.error() == parley::Errc::end, name + ": no closing handshake");
  const auto closed = peer.closed();
  if (asked) script.expect(closed.code == code && closed.reason == "why" && closed.by_peer, name + ": another code");
}

parley::Task<> run(Script& script) {
  parley::ws::ConnectOptions options;
  options.deflate = script.deflate;
  options.connect.tls = script.tls;
  auto peer = co_await parley::ws::connect(script.loop, script.url, options);
  if (!peer) co_return script.expect(false, "connecting: " + std::string(peer.error().message()));
  script.expect(peer->compresses() == script.deflate, "permessage-deflate: not what was agreed");
  for (auto part : {messages, fragments, many, pings}) {
    auto task = part(*peer, script);
    co_await task;
  }
  for (const bool asked : {false, true}) {
    for (const std::uint16_t code : asked ? script.asked : script.codes) {
      auto next = co_await parley::ws::connect(script.loop, script.url, options);
      if (!next) co_return script.expect(false, "connecting again");
      auto task = ends(*next, code, asked, script);
      co_await task;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) return 2;
  parley::Loop loop;
  Script script{
      {}, loop, argv[1], std::string_view(argv[2]) == "deflate", script::numbers(argv[3]), script::numbers(argv[4])};
  if (argc == 6) script.least = script::numbers(argv[5]).at(0);
  if (const char* authorities = std::getenv("TLS_CA")) {
    auto tls = parley::tls::Client::make({.authorities = authorities, .alpn = "http/1.1"});
    if (!tls) return 2;
    script.tls = *tls;
  }
  auto outcome = loop.run(run(script));
  return outcome && script.count == 0 ? 0 : 1;
}
