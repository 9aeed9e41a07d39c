// ws_echo: a WebSocket echo server as users of the library write it, to be measured.
//
//   ws_echo [--deflate] [--window-bits 12] [--level 1] [--no-context]
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed. The rest is of
// permessage-deflate, of both directions.
#include <parley/parley.h>
#include <parley/ws.h>

#include <cstdio>

#include "arguments.h"

namespace {

parley::Task<> echo(parley::ws::Session peer) {
  while (auto message = co_await peer.receive()) {
    co_await peer.send(*message);
  }
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  parley::ws::ServeOptions options;
  options.deflate = arguments.flag("--deflate");
  parley::ws::DeflateOptions& deflate = options.deflate_options;
  deflate.server_no_context_takeover = deflate.client_no_context_takeover = arguments.flag("--no-context");
  deflate.server_max_window_bits = deflate.client_max_window_bits =
      static_cast<std::uint8_t>(arguments.number("--window-bits", 12u));
  deflate.level = static_cast<std::uint8_t>(arguments.number("--level", 1u));
  arguments.end();

  parley::Loop loop;
  auto listener = parley::listen(loop, "tcp://127.0.0.1:0");
  if (!listener) bench::die("ws_echo", listener.error().message());
  std::printf("%u\n", unsigned{listener->local_address().port()});
  std::fflush(stdout);
  return loop.run(parley::ws::serve(loop, std::move(*listener), echo, options)) ? 0 : 1;
}
