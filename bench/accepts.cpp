// accepts: short TCP connections to an echo server: connect, one message there and back, close.
//
//   accepts PORT [--at-once 64] [--exchanges 1] [--seconds 1] [--warm-up 0.2] [--server PID]
//
// --exchanges: so many messages, one after the other. Three are as many as a WebSocket has that is opened, sends one
// message, and is closed in order.
//
// One line of JSON: connections a second and, with --server, that process's CPU time for each, kernel included.
#include <sys/epoll.h>

#include <array>
#include <vector>

#include "arguments.h"
#include "client_socket.h"
#include "process.h"

namespace {

using namespace bench;

constexpr std::array<char, 64> message{'p', 'a', 'r', 'l', 'e', 'y'};

class Accepts {
 public:
  Accepts(std::uint16_t port, unsigned at_once, unsigned exchanges)
      : port_(port), at_once_(at_once), exchanges_(exchanges), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Accepts() { close(epoll_); }
  Accepts(const Accepts&) = delete;
  Accepts& operator=(const Accepts&) = delete;

  // How many connections were opened and closed in that time; none is open before or after.
  std::uint64_t run(double seconds) {
    const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    std::vector<ClientSocket> sockets;
    std::vector<unsigned> left(at_once_, exchanges_);
    sockets.reserve(at_once_);
    for (unsigned i = 0; i < at_once_; ++i) {
      sockets.push_back(open());
      watch(sockets[i], i);
    }
    std::uint64_t closed = 0;
    for (unsigned open_now = at_once_; open_now > 0;) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_, events.data(), events.size(), 5000);
      if (count == 0) die("accepts", "no answer for five seconds");
      const bool more = now_ns() < end;
      for (int i = 0; i < count; ++i) {
        const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
        receive(sockets[index]);
        if (--left[index] != 0) {
          send(sockets[index]);
          continue;
        }
        left[index] = exchanges_;
        {
          const ClientSocket over = std::move(sockets[index]);
        }
        closed += 1;
        if (more) {
          sockets[index] = open();
          watch(sockets[index], index);
        } else {
          open_now -= 1;
        }
      }
    }
    return closed;
  }

 private:
  ClientSocket open() {
    ClientSocket socket(port_, false, ++opened_);
    send(socket);
    return socket;
  }
  void watch(const ClientSocket& socket, std::uint32_t index) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = index;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.descriptor(), &event) != 0) die("epoll_ctl", std::strerror(errno));
  }
  static void send(const ClientSocket& socket) {
    if (socket.send(message.data(), message.size()) != message.size())
      die("accepts", "a message did not leave at once");
  }
  static void receive(const ClientSocket& socket) {
    std::array<char, message.size()> answer{};
    if (socket.receive(answer.data(), answer.size()) != answer.size() || answer != message) {
      die("accepts", "another answer came back");
    }
  }

  std::uint16_t port_;
  unsigned at_once_;
  unsigned exchanges_;
  int epoll_;
  unsigned opened_ = 0;
};

}  // namespace

int main(int count, char** words) {
  Arguments arguments(count, words);
  const auto at_once = arguments.number("--at-once", 64u);
  const auto exchanges = arguments.number("--exchanges", 1u);
  const auto seconds = arguments.number("--seconds", 1.0);
  const auto warm_up_seconds = arguments.number("--warm-up", 0.2);
  const auto server = arguments.number("--server", pid_t{0});
  const auto port = arguments.word<std::uint16_t>("PORT");
  arguments.end();
  if (at_once == 0 || exchanges == 0) die("accepts", "at least one");

  Accepts accepts(port, at_once, exchanges);
  accepts.run(warm_up_seconds);
  const std::int64_t server_began = server ? cpu_ns(server) : 0;
  const std::int64_t began = now_ns();
  const auto connections = static_cast<double>(accepts.run(seconds));
  const std::int64_t ended = now_ns();
  std::printf("{\"connections\": %.0f, \"connections_per_second\": %.0f", connections,
              connections * 1e9 / static_cast<double>(ended - began));
  if (server)
    std::printf(", \"server_cpu_us\": %.4f", static_cast<double>(cpu_ns(server) - server_began) / 1000 / connections);
  std::printf("}\n");
}
