// An echo server of plain blocking sockets, one client at a time: blocking_server [ADDRESS]
#include <parley/socket.h>

#include <iostream>

int failed(const char* what, parley::Error error) {
  std::cerr << "blocking_server: " << what << ": " << error.message() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const auto address = parley::Address::parse(argc > 1 ? argv[1] : "127.0.0.1:9000");
  if (!address) return failed("address", address.error());

  auto server = parley::Socket::open(parley::Kind::tcp, address->family());  // socket: one end of a connection
  if (!server) return failed("socket", server.error());
  if (auto done = server->bind(*address); !done) return failed("bind", done.error());  // bind: where clients find it
  if (auto done = server->listen(); !done) return failed("listen", done.error());      // listen: clients may come
  std::cout << "Bound to " << server->local_address()->to_string() << std::endl;

  for (;;) {
    auto accepted = server->accept();  // accept: wait for a client, who gets a socket of its own
    if (!accepted) return failed("accept", accepted.error());
    auto& [client, peer] = *accepted;
    std::cout << "Connected by " << peer.to_string() << std::endl;

    std::byte buffer[4096];
    while (auto bytes = client.receive(buffer)) {  // receive: wait for bytes; none when the client is done
      if (!client.send_all(*bytes)) break;         // send: the same bytes back
    }
    client.close();  // close: the next client's turn
    std::cout << peer.to_string() << " disconnected" << std::endl;
  }
}
