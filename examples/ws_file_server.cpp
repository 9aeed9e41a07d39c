// Sends a file of any size to whoever connects, as one binary message in parts: ws_file_server FILE [URL]
#include <parley/parley.h>
#include <parley/ws.h>

#include <fstream>
#include <iostream>
#include <vector>

parley::Task<> send_file(parley::ws::Session peer, std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> part(64 * 1024);  // all that is held of the file, and it is reused
  while (file) {
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    const auto size = static_cast<std::size_t>(file.gcount());
    const parley::Bytes bytes = std::as_bytes(std::span(part)).first(size);
    auto sent = co_await peer.send_some(bytes, !file);  // waits while the peer does not read
    if (!sent) co_return;                               // it has gone
  }
  peer.close(1000, "that was all");
  while (co_await peer.receive()) continue;
}

int main(int argc, char** argv) {
  std::string path = argc > 1 ? argv[1] : "";
  const char* url = argc > 2 ? argv[2] : "tcp://127.0.0.1:9000";
  if (!std::ifstream(path)) {
    std::cerr << "ws_file_server: " << path << ": it can't be read\n";
    return 1;
  }
  parley::Loop loop;
  auto listener = parley::listen(loop, url);
  if (!listener) {
    std::cerr << "ws_file_server: " << url << ": " << listener.error().message() << '\n';
    return 1;
  }
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  auto served = loop.run(parley::ws::serve(loop, std::move(*listener), {send_file, path}));
  if (!served) std::cerr << "ws_file_server: " << served.error().message() << '\n';
  return served ? 0 : 1;
}
