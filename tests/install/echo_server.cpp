// The echo server that Parley's API is measured by: how long a small user program takes to compile.
#include <parley/parley.h>

parley::Task<> echo(parley::Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    co_await peer.send(*bytes);
  }
}

int main() {
  parley::Loop loop;
  loop.run(parley::serve(loop, "tcp://127.0.0.1:9000", echo));
}
