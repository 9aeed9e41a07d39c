// The library's side of tests/interop: an echo server that does what a message asks of it.
//   echo_server [deflate] [fragments], over TLS if the environment has TLS_CERTIFICATE and TLS_KEY, two PEM files
// "close 4000 why" closes, "ping" pings and answers "ponged", all else comes back: with `fragments` in small parts.
// Prints "Bound to 127.0.0.1:PORT", and "Closed CODE REASON" when a client began to close.
#include <parley/parley.h>
#include <parley/ws.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "script.h"

namespace {

constexpr std::size_t fragment_bytes = 1000;

struct Mode {
  bool deflate = false;
  bool fragments = false;
};

parley::Task<bool> in_parts(parley::ws::Session& peer, parley::ws::Message message) {
  bool sent = true;
  for (parley::Bytes rest = message.bytes(); sent;) {
    const parley::Bytes part = rest.first(std::min(rest.size(), fragment_bytes));
    rest = rest.subspan(part.size());
    auto done = co_await peer.send_some({part, message.kind()}, rest.empty());
    sent = done.has_value();
    if (rest.empty()) break;
  }
  co_return sent;
}

parley::Task<> answer(parley::ws::Session peer, Mode& mode) {
  if (peer.compresses() != mode.deflate) std::cout << "Compresses: " << peer.compresses() << '\n' << std::flush;
  while (auto message = co_await peer.receive()) {
    std::uint16_t code = 0;
    std::string_view reason;
    if (message->is_text() && script::is_close_order(message->text(), code, reason)) {
      if (!peer.close(code, reason)) peer.close(1008, "no such code");
    } else if (message->is_text() && message->text() == "ping") {
      auto pong = co_await peer.ping();
      auto sent = co_await peer.send(pong ? "ponged" : "no pong");
      if (!sent) break;
    } else if (mode.fragments) {
      auto parts = in_parts(peer, *message);
      auto sent = co_await parts;
      if (!sent) break;
    } else {
      auto sent = co_await peer.send(*message);
      if (!sent) break;
    }
  }
  const parley::ws::Closed closed = peer.closed();
  if (closed.by_peer || closed.code == parley::ws::Closed::abnormal)
    std::cout << "Closed " << closed.code << ' ' << closed.reason << '\n' << std::flush;
}

}  // namespace

int main(int argc, char** argv) {
  Mode mode;
  for (const std::string_view word : std::span(argv + 1, static_cast<std::size_t>(argc - 1))) {
    if (word == "deflate") mode.deflate = true;
    if (word == "fragments") mode.fragments = true;
  }
  parley::Loop loop;
  auto listener = parley::listen(loop, "tcp://127.0.0.1:0");
  if (!listener) return 1;
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  parley::ws::ServeOptions options;
  if (const char* certificate = std::getenv("TLS_CERTIFICATE")) {
    auto tls = parley::tls::Server::make({.certificates = {{certificate, std::getenv("TLS_KEY")}}, .alpn = "http/1.1"});
    if (!tls) return 1;
    options.tls = *tls;
  }
  options.deflate = mode.deflate;
  options.origins = parley::ws::Origins::any;
  auto served = loop.run(parley::ws::serve(loop, std::move(*listener), {answer, mode}, options));
  return served ? 0 : 1;
}
