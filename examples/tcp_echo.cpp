// An echo server for any number of clients at once, on one thread: tcp_echo [URL]
#include <parley/parley.h>

#include <iostream>

// Runs for each client. It reads like a program for one client, and waits where it says co_await.
parley::Task<> echo(parley::Stream peer) {
  while (auto bytes = co_await peer.receive()) {  // a view until the next receive(); empty: finished, or failed
    auto sent = co_await peer.send(*bytes);       // waits while the peer does not read
    if (!sent) break;
  }
}

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
  parley::Loop loop;
  auto listener = parley::listen(loop, url);
  if (!listener) {
    std::cerr << "tcp_echo: " << url << ": " << listener.error().message() << '\n';
    return 1;
  }
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  auto served = loop.run(parley::serve(loop, std::move(*listener), echo));
  if (!served) std::cerr << "tcp_echo: " << served.error().message() << '\n';
  return served ? 0 : 1;
}
