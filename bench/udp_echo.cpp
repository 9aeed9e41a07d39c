// udp_echo: a UDP echo server as users of the library write it, to be measured.
//
//   udp_echo
//
// Takes a free port of 127.0.0.1, prints its number, and serves until it is killed.
#include <parley/parley.h>

#include <cstdio>

#include "arguments.h"

namespace {

parley::Task<> echo(parley::UdpSocket socket) {
  while (auto datagram = co_await socket.receive()) {
    co_await socket.send(datagram->bytes, datagram->from);
  }
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments(count, words).end();
  parley::Loop loop;
  auto socket = parley::UdpSocket::bind(loop, "udp://127.0.0.1:0");
  if (!socket) bench::die("bind", socket.error().message());
  std::printf("%u\n", unsigned{socket->local_address().port()});
  std::fflush(stdout);
  auto served = loop.run(echo(std::move(*socket)));
  if (!served) bench::die("echo", served.error().message());
}
