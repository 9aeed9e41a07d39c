// echo: a TCP echo server as users of the library write it, to be measured.
//
//   echo [--threads 1] [--buffer BYTES] [--each BYTES]
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed. --buffer is the size of the
// loop's receive buffers. With --each every so many bytes that came together are sent by a send() of their own, as the
// answers to several small messages are.
#include <parley/parley.h>

#include <algorithm>
#include <cstdio>
#include <vector>

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

struct Service {
  std::vector<parley::Listener> listeners;  // one a loop
  parley::Handler handler;
};

parley::Task<parley::Result<void>> work(parley::Loop& loop, unsigned index, Service& service) {
  return parley::serve(loop, std::move(service.listeners[index]), service.handler);
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  parley::LoopOptions options;
  options.receive_buffer_bytes = arguments.number("--buffer", options.receive_buffer_bytes);
  auto each = arguments.number("--each", std::size_t{0});
  const auto loops = arguments.number("--threads", 1u);
  arguments.end();

  parley::Threads threads(loops, options);
  auto listeners = parley::listen(threads, "tcp://127.0.0.1:0");
  if (!listeners) bench::die("listen", listeners.error().message());
  std::printf("%u\n", unsigned{listeners->front().local_address().port()});
  std::fflush(stdout);
  Service service{std::move(*listeners), each != 0 ? parley::Handler(echo_each, each) : parley::Handler(echo)};
  auto served = threads.run(work, service);
  if (!served) bench::die("serve", served.error().message());
}
