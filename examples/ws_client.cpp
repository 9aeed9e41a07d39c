// Sends a line as a text message and prints the answer: ws_client [URL]
#include <parley/parley.h>
#include <parley/ws.h>

#include <iostream>
#include <string>

parley::Task<parley::Result<void>> talk(parley::Loop& loop, std::string url, std::string line) {
  auto server = co_await parley::ws::connect(loop, url);  // connects, and does the opening handshake
  if (!server) co_return std::unexpected(server.error());

  auto sent = co_await server->send(line);
  if (!sent) co_return sent;
  auto answer = co_await server->receive();
  if (!answer) co_return std::unexpected(answer.error());
  std::cout << answer->text() << std::endl;

  server->close(1000, "done");            // starts the closing handshake
  auto end = co_await server->receive();  // and waits for the server's part of it
  if (end || end.error() != parley::Errc::end) co_return std::unexpected(parley::Error{parley::Errc::reset, 0});
  co_return {};
}

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "ws://127.0.0.1:9000/";
  std::string line;
  std::getline(std::cin, line);
  parley::Loop loop;
  auto outcome = loop.run(talk(loop, url, line));
  if (!outcome) std::cerr << "ws_client: " << url << ": " << outcome.error().message() << '\n';
  return outcome ? 0 : 1;
}
