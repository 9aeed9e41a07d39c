// Sends a line and prints the answer, as it comes: tcp_client [URL]
#include <parley/parley.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

// An error is a value, handed up like any other.
parley::Task<parley::Result<void>> talk(parley::Loop& loop, std::string url, std::string line) {
  auto connected = co_await parley::within(5s, parley::connect(loop, url));  // by name too; an attempt has 5 s
  if (!connected) co_return std::unexpected(connected.error());
  parley::Stream server = std::move(*connected);

  auto sent = co_await server.send(line);
  if (!sent) co_return std::unexpected(sent.error());
  auto finished = server.shutdown();  // nothing more comes from here
  if (!finished) co_return finished;

  for (;;) {
    auto bytes = co_await parley::within(5s, server.receive());
    if (bytes) {
      std::cout << parley::as_text(*bytes) << std::flush;
    } else if (bytes.error() == parley::Errc::end) {
      std::cout << '\n';
      co_return parley::Result<void>();
    } else {
      co_return std::unexpected(bytes.error());
    }
  }
}

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
  std::string line;
  std::getline(std::cin, line);
  parley::Loop loop;
  auto outcome = loop.run(talk(loop, url, line));
  if (!outcome) std::cerr << "tcp_client: " << url << ": " << outcome.error().message() << '\n';
  return outcome ? 0 : 1;
}
