// ws_echo: a WebSocket echo server as users of the library write it, to be measured.
//
//   ws_echo [--parts] [--deflate] [--window-bits 12] [--level 1] [--no-context] [--threads 1] [--io-uring]
//           [--certificate FILE --key FILE]: TLS
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed. --parts: each part of a
// message is sent back as it comes. The next four are of permessage-deflate, in both directions.
#include <parley/parley.h>
#include <parley/ws.h>

#include <cstdio>
#include <vector>

#include "arguments.h"

namespace {

parley::Task<> echo(parley::ws::Session peer) {
  while (auto message = co_await peer.receive()) {
    co_await peer.send(*message);
  }
}

parley::Task<> echo_parts(parley::ws::Session peer) {
  while (auto part = co_await peer.receive_some()) {
    co_await peer.send_some(parley::ws::Message(part->bytes, part->kind), part->last);
  }
}

struct Service {
  std::vector<parley::Listener> listeners;  // one a loop
  parley::ws::ServeOptions options;
  bool parts = false;
};

parley::Task<parley::Result<void>> work(parley::Loop& loop, unsigned index, Service& service) {
  return parley::ws::serve(loop, std::move(service.listeners[index]), service.parts ? echo_parts : echo,
                           service.options);
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  Service service;
  service.parts = arguments.flag("--parts");
  service.options.deflate = arguments.flag("--deflate");
  parley::ws::DeflateOptions& deflate = service.options.deflate_options;
  deflate.server_no_context_takeover = deflate.client_no_context_takeover = arguments.flag("--no-context");
  deflate.server_max_window_bits = deflate.client_max_window_bits =
      static_cast<std::uint8_t>(arguments.number("--window-bits", 12u));
  deflate.level = static_cast<std::uint8_t>(arguments.number("--level", 1u));
  const auto loops = arguments.number("--threads", 1u);
  parley::LoopOptions options;
  options.io_uring = arguments.flag("--io-uring");
  const std::string certificate(arguments.text("--certificate", ""));
  const std::string key(arguments.text("--key", ""));
  arguments.end();
  if (!certificate.empty()) {
    auto tls = parley::tls::Server::make({.certificates = {{certificate, key}}});
    if (!tls) bench::die("ws_echo", tls.error().message());
    service.options.tls = *tls;
  }

  parley::Threads threads(loops, options);
  if (options.io_uring && threads.loop(0).driver() != "io_uring") bench::die("ws_echo", "io_uring is refused here");
  auto listeners = parley::listen(threads, "tcp://127.0.0.1:0");
  if (!listeners) bench::die("ws_echo", listeners.error().message());
  std::printf("%u\n", unsigned{listeners->front().local_address().port()});
  std::fflush(stdout);
  service.listeners = std::move(*listeners);
  return threads.run(work, service) ? 0 : 1;
}
