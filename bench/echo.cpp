// echo: a TCP echo server as users of the library write it, to be measured.
//
//   echo [--buffer BYTES] [--each BYTES]
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed. --buffer is the size of the
// loop's receive buffers. With --each every so many bytes that came together are sent by a send() of their own, as the
// answers to several small messages are.
#include <parley/parley.h>

#include <algorithm>
#include <cstdio>

#include "arguments.h"

namespace {

parley::Task<> echo(parley::Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    co_await peer.send(*bytes);
  }
}

parley::Task<> echo_each(parley::Stream peer, std::size_t& each) {
  while (auto bytes = co_await peer.receive()) {
    for (parley::Bytes rest = *bytes; !rest.empty();) {
      const parley::Bytes answer = rest.first(std::min(each, rest.size()));
      co_await peer.send(answer);
      rest = rest.subspan(answer.size());
    }
  }
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  parley::LoopOptions options;
  options.receive_buffer_bytes = arguments.number("--buffer", options.receive_buffer_bytes);
  auto each = arguments.number("--each", std::size_t{0});
  arguments.end();

  parley::Loop loop(options);
  auto listener = parley::listen(loop, "tcp://127.0.0.1:0");
  if (!listener) bench::die("listen", listener.error().message());
  std::printf("%u\n", unsigned{listener->local_address().port()});
  std::fflush(stdout);
  const parley::Handler handler = each != 0 ? parley::Handler(echo_each, each) : parley::Handler(echo);
  auto served = loop.run(parley::serve(loop, std::move(*listener), handler));
  if (!served) bench::die("serve", served.error().message());
}
