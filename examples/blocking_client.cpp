// Sends one line to a server and prints the answer: blocking_client [ADDRESS]
#include <parley/socket.h>

#include <iostream>
#include <string>

int failed(const char* what, parley::Error error) {
  std::cerr << "blocking_client: " << what << ": " << error.message() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const auto address = parley::Address::parse(argc > 1 ? argv[1] : "127.0.0.1:9000");
  if (!address) return failed("address", address.error());

  auto server = parley::Socket::open(parley::Kind::tcp, address->family());  // socket: one end of a connection
  if (!server) return failed("socket", server.error());
  if (auto done = server->connect(*address); !done) return failed("connect", done.error());  // connect: to the other

  std::string line;
  std::getline(std::cin, line);
  if (auto done = server->send_all(line); !done) return failed("send", done.error());  // send: our bytes
  // shutdown: nothing more will come from here. TCP has no messages: only its end tells the server that this was all.
  if (auto done = server->shutdown(parley::Direction::send); !done) return failed("shutdown", done.error());

  std::byte buffer[4096];
  while (true) {
    auto bytes = server->receive(buffer);  // receive: wait for some of the answer, perhaps not all
    if (!bytes && bytes.error() == parley::Errc::end) break;
    if (!bytes) return failed("receive", bytes.error());
    std::cout << parley::as_text(*bytes);
  }
  std::cout << std::endl;
  server->close();  // close: done (a Socket that goes out of scope closes itself)
}
