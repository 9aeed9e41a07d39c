// idle: what an idle TCP connection costs an echo server in user memory.
//
//   idle PORT --server PID [--connections 10000] [--first 1000]
//
// Opens --first connections, with one echo on each, so that the server has what it makes only once; then --connections
// more, and tells how much the server's private anonymous memory has grown for each. One line of JSON.
#include <sys/poll.h>

#include <array>
#include <vector>

#include "arguments.h"
#include "client_socket.h"
#include "process.h"

namespace {

using namespace bench;

// One message there and back: the server has accepted it and waits for more.
void echo(const ClientSocket& socket) {
  static constexpr std::array<char, 64> message{'p', 'a', 'r', 'l', 'e', 'y'};
  std::array<char, message.size()> answer{};
  if (socket.send(message.data(), message.size()) != message.size()) die("idle", "a message did not leave at once");
  for (std::size_t at = 0; at < answer.size();) {
    pollfd wait{.fd = socket.descriptor(), .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, 5000) == 0) die("idle", "no answer for five seconds");
    at += socket.receive(answer.data() + at, answer.size() - at);
  }
  if (answer != message) die("idle", "another answer came back");
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments(count, words);
  const auto connections = arguments.number("--connections", 10'000u);
  const auto first = arguments.number("--first", 1'000u);
  const auto server = arguments.number("--server", pid_t{0});
  const auto port = arguments.word<std::uint16_t>("PORT");
  arguments.end();
  if (server == 0 || connections == 0) die("idle", "give --server PID and at least one connection");

  std::vector<ClientSocket> sockets;
  sockets.reserve(first + connections);
  std::int64_t before = 0;
  for (unsigned i = 0; i < first + connections; ++i) {
    if (i == first) before = anonymous_bytes(server);
    sockets.emplace_back(port);
    echo(sockets.back());
  }
  const std::int64_t grown = anonymous_bytes(server) - before;
  std::printf("{\"connections\": %u, \"bytes_per_connection\": %.1f}\n", connections,
              static_cast<double>(grown) / connections);
}
