// A WebSocket echo server for any number of clients at once, on one thread: ws_echo [URL]
#include <parley/parley.h>
#include <parley/ws.h>

#include <iostream>

// Runs for each client. Pings are answered and the closing handshake is done while it waits, or works.
parley::Task<> echo(parley::ws::Session peer) {
  while (auto message = co_await peer.receive()) {  // a view until the next receive(); empty: closed
    auto sent = co_await peer.send(*message);       // same kind, text or binary
    if (!sent) break;
  }
}

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
  parley::Loop loop;
  auto listener = parley::listen(loop, url);
  if (!listener) {
    std::cerr << "ws_echo: " << url << ": " << listener.error().message() << '\n';
    return 1;
  }
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  auto served = loop.run(parley::ws::serve(loop, std::move(*listener), echo));
  if (!served) std::cerr << "ws_echo: " << served.error().message() << '\n';
  return served ? 0 : 1;
}
