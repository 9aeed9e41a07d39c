// echo: a TCP echo server as users of the library write it, to be measured.
//
//   echo [--buffer BYTES]
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed.
#include <parley/parley.h>

#include <cstdio>

#include "arguments.h"

namespace {

parley::Task<> echo(parley::Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    co_await peer.send(*bytes);
  }
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  parley::LoopOptions options;
  options.receive_buffer_bytes = arguments.number("--buffer", options.receive_buffer_bytes);
  arguments.end();

  parley::Loop loop(options);
  auto listener = parley::listen(loop, "tcp://127.0.0.1:0");
  if (!listener) bench::die("listen", listener.error().message());
  std::printf("%u\n", unsigned{listener->local_address().port()});
  std::fflush(stdout);
  auto served = loop.run(parley::serve(loop, std::move(*listener), echo));
  if (!served) bench::die("serve", served.error().message());
}
