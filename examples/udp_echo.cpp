// Sends every datagram back. Try it: udp_echo 127.0.0.1:9000, and in another terminal: nc -u 127.0.0.1 9000
#include <parley/parley.h>

#include <cstdio>

namespace {

parley::Task<> echo(parley::UdpSocket socket) {
  while (auto datagram = co_await socket.receive()) {
    co_await socket.send(datagram->bytes, datagram->from);
  }
}

int failed(const char* where, parley::Error error) {
  std::fprintf(stderr, "udp_echo: %s: %.*s\n", where, static_cast<int>(error.message().size()), error.message().data());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  const char* where = count > 1 ? arguments[1] : "127.0.0.1:9000";
  const auto address = parley::Address::parse(where);
  if (!address) return failed(where, address.error());

  parley::Loop loop;
  auto socket = parley::UdpSocket::bind(loop, *address);
  if (!socket) return failed(where, socket.error());
  std::printf("Bound to %s\n", socket->local_address().to_string().c_str());
  std::fflush(stdout);
  if (auto ran = loop.run(echo(std::move(*socket))); !ran) return failed(where, ran.error());
}
