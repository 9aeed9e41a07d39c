// The load's own sockets: plain system calls, since the library is what is measured.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "arguments.h"

namespace bench {

class ClientSocket {
 public:
  // Connected to 127.0.0.1. `spread` counts through the addresses 127.0.0.2 ... 127.0.0.201 as the own one, so that
  // many short connections don't use up the ports.
  explicit ClientSocket(std::uint16_t port, bool udp = false, unsigned spread = 0)
      : descriptor_(socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)) {
    if (descriptor_ < 0) die("socket", std::strerror(errno));
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (!udp) setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (spread != 0) {
      setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + spread % 200);
      if (bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        die("bind", std::strerror(errno));
      }
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die("connect", std::strerror(errno));
    }
  }
  ~ClientSocket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  ClientSocket(ClientSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ClientSocket& operator=(ClientSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  int descriptor() const noexcept { return descriptor_; }

  // How many bytes went or came; 0: none can now. Anything else ends the program: a benchmark of a server that drops
  // connections measures nothing.
  std::size_t send(const char* bytes, std::size_t size) const {
    return moved("send", ::send(descriptor_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  std::size_t receive(char* bytes, std::size_t size) const {
    const ssize_t received = recv(descriptor_, bytes, size, MSG_DONTWAIT);
    if (received == 0) die("receive", "the server closed a connection");
    return moved("receive", received);
  }

 private:
  static std::size_t moved(std::string_view what, ssize_t result) {
    if (result >= 0) return static_cast<std::size_t>(result);
    if (errno != EAGAIN && errno != EINTR) die(what, std::strerror(errno));
    return 0;
  }

  int descriptor_;
};

}  // namespace bench
