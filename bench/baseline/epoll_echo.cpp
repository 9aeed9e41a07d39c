// epoll_echo: the floor. The least that a single-threaded TCP echo server on epoll can do: level-triggered, one receive
// and one send an event, one buffer for all, nothing else. A peer that does not read is not read from, until the rest
// of its bytes has left.
//
//   epoll_echo [--buffer BYTES] [--edge]
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed. --edge is edge-triggered: it
// receives again after a full buffer.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "../arguments.h"
#include "listening.h"

namespace {

struct Connection {
  int descriptor;
  std::size_t unsent = 0;       // where the unsent part of `rest` begins
  std::vector<char> rest = {};  // what the kernel had no room for
};

class Server {
 public:
  Server(std::size_t buffer_bytes, bool edge)
      : events_(edge ? EPOLLIN | EPOLLET : EPOLLIN),
        edge_(edge),
        buffer_bytes_(buffer_bytes),
        buffer_(static_cast<char*>(std::aligned_alloc(4096, (buffer_bytes + 4095) / 4096 * 4096)), &std::free),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_anywhere()) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!connection) {
          accept_all();
        } else if (!(connection->rest.empty() ? echo(*connection) : send_rest(*connection))) {
          close(connection->descriptor);
          delete connection;  // owned: by the epoll set, which has just lost it
        }
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) return;
      auto* connection = new Connection{descriptor};  // owned: by the epoll set
      epoll_event event{.events = events_, .data = {.ptr = connection}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }
  }

  // False: the connection is over.
  bool echo(Connection& connection) {
    for (;;) {
      const ssize_t received = recv(connection.descriptor, buffer_.get(), buffer_bytes_, 0);
      if (received <= 0) return received < 0 && errno == EAGAIN;
      const auto size = static_cast<std::size_t>(received);
      const ssize_t sent = send(connection.descriptor, buffer_.get(), size, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent < received) [[unlikely]] {
        connection.rest.assign(buffer_.get() + (sent > 0 ? sent : 0), buffer_.get() + size);
        watch(connection, EPOLLOUT);
        return true;
      }
      if (!edge_ || size < buffer_bytes_) return true;
    }
  }

  bool send_rest(Connection& connection) {
    const std::size_t left = connection.rest.size() - connection.unsent;
    const ssize_t sent = send(connection.descriptor, connection.rest.data() + connection.unsent, left, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    connection.unsent += static_cast<std::size_t>(sent);
    if (connection.unsent < connection.rest.size()) return true;
    connection.rest = {};
    connection.unsent = 0;
    watch(connection, events_);
    return true;
  }

  void watch(Connection& connection, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &event);
  }

  const std::uint32_t events_;
  const bool edge_;
  const std::size_t buffer_bytes_;
  std::unique_ptr<char, void (*)(void*)> buffer_;
  const int epoll_;
  const int listener_;
};

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  const auto buffer_bytes = arguments.number("--buffer", std::size_t{512 * 1024});
  const bool edge = arguments.flag("--edge");
  arguments.end();
  Server(buffer_bytes, edge).run();
}
