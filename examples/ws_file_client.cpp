// Writes the message that a server sends to standard output as it comes, however large: ws_file_client [URL] > FILE
#include <parley/parley.h>
#include <parley/ws.h>

#include <iostream>
#include <string>

parley::Task<parley::Result<void>> fetch(parley::Loop& loop, std::string url) {
  auto server = co_await parley::ws::connect(loop, url);
  if (!server) co_return std::unexpected(server.error());

  for (bool last = false; !last;) {
    auto part = co_await server->receive_some();  // a view until the next one
    if (!part) co_return std::unexpected(part.error());
    const std::string_view bytes = parley::as_text(part->bytes);
    std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    last = part->last;
  }
  while (co_await server->receive()) continue;  // until it has closed
  co_return {};
}

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "ws://127.0.0.1:9000/";
  parley::Loop loop;
  auto outcome = loop.run(fetch(loop, url));
  if (!outcome) std::cerr << "ws_file_client: " << url << ": " << outcome.error().message() << '\n';
  return outcome && std::cout.flush() ? 0 : 1;
}
