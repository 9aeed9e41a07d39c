// recvfrom_echo: the floor for UDP. One blocking socket, one recvfrom and one sendto for each datagram, no batches and
// no epoll.
//
//   recvfrom_echo
//
// Takes a free port of 127.0.0.1, prints its number, and serves until it is killed.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "../arguments.h"

int main(int count, char** words) {
  bench::Arguments(count, words).end();
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    bench::die("bind", std::strerror(errno));
  }
  std::printf("%u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  for (std::array<char, 65536> buffer;;) {
    sockaddr_in peer;
    size = sizeof peer;
    const ssize_t received =
        recvfrom(descriptor, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (received < 0) continue;
    sendto(descriptor, buffer.data(), static_cast<std::size_t>(received), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }
}
