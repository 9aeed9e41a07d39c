// epoll_relay: the floor of a hub. The least that a single-threaded TCP server on epoll can do to pass on what one
// connection sends to all others: level-triggered, one receive an event and one send for each of the others, one buffer
// for all, nothing else. What a peer has not taken is kept until it does.
//
//   epoll_relay [--buffer BYTES]
//
// It knows nothing of messages: when several speak, each of theirs must come in one receive, or another comes between
// its parts. Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed.
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
  explicit Server(std::size_t buffer_bytes)
      : buffer_(buffer_bytes), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listen_anywhere()) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* connection = static_cast<Connection*>(event.data.ptr);
        if (!connection) {
          accept_all();
          continue;
        }
        if (event.events & EPOLLOUT) send_rest(*connection);
        if ((event.events & ~EPOLLOUT) && !relay(*connection)) remove(*connection);
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) return;
      connections_.push_back(std::make_unique<Connection>(descriptor));
      epoll_event event{.events = EPOLLIN, .data = {.ptr = connections_.back().get()}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }
  }

  void remove(const Connection& connection) {
    close(connection.descriptor);
    std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
  }

  // False: the connection is over.
  bool relay(const Connection& from) {
    const ssize_t received = recv(from.descriptor, buffer_.data(), buffer_.size(), 0);
    if (received <= 0) return received < 0 && errno == EAGAIN;
    for (const auto& to : connections_) {
      if (to.get() != &from) send_to(*to, static_cast<std::size_t>(received));
    }
    return true;
  }

  void send_to(Connection& to, std::size_t size) const {
    std::size_t sent = 0;
    if (to.rest.empty()) [[likely]] {
      const ssize_t result = send(to.descriptor, buffer_.data(), size, MSG_NOSIGNAL);
      if (result < 0 && errno != EAGAIN) return;  // it is over: so will its own event say
      sent = result > 0 ? static_cast<std::size_t>(result) : 0;
      if (sent == size) return;
      watch(to, EPOLLIN | EPOLLOUT);
    }
    to.rest.insert(to.rest.end(), buffer_.data() + sent, buffer_.data() + size);
  }

  void send_rest(Connection& to) const {
    const ssize_t sent = send(to.descriptor, to.rest.data() + to.unsent, to.rest.size() - to.unsent, MSG_NOSIGNAL);
    if (sent < 0) return;
    to.unsent += static_cast<std::size_t>(sent);
    if (to.unsent < to.rest.size()) return;
    to.rest = {};
    to.unsent = 0;
    watch(to, EPOLLIN);
  }

  void watch(Connection& connection, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &event);
  }

  std::vector<char> buffer_;
  const int epoll_;
  const int listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words);
  const auto buffer_bytes = arguments.number("--buffer", std::size_t{512 * 1024});
  arguments.end();
  Server(buffer_bytes).run();
}
