// idle: what an idle connection costs an echo server in user memory.
//
//   idle PORT --server PID [--connections 10000] [--first 1000] [--websocket] [--deflate]
//
// TCP, or with --websocket a WebSocket; with --deflate one that compresses, and has done so once in each direction.
//
// Opens --first connections, with one echo on each, so that the server has what it makes only once; then --connections
// more, and tells how much the server's private anonymous memory has grown for each. One line of JSON.
#include <sys/poll.h>
#include <zlib.h>

#include <array>
#include <string>
#include <vector>

#include "arguments.h"
#include "client_socket.h"
#include "process.h"

namespace {

using namespace bench;

// The client's side of a WebSocket, as far as this needs it.
class Speaker {
 public:
  Speaker(bool websocket, bool deflate) : websocket_(websocket) {
    std::array<char, 64> text{'p', 'a', 'r', 'l', 'e', 'y'};
    std::string payload(text.data(), text.size());
    if (deflate) payload = deflated(payload);
    if (!websocket) {
      message_ = payload;
      return;
    }
    request_ =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (deflate) request_ += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    request_ += "\r\n";
    // A masking key of zeros: what is measured is not this end.
    message_ = std::string{static_cast<char>(deflate ? 0xC2 : 0x82), static_cast<char>(0x80 | payload.size())} +
               std::string(4, '\0') + payload;
  }

  void shake_hands(const ClientSocket& socket) const {
    if (!websocket_) return;
    send(socket, request_);
    std::string head;
    while (!head.ends_with("\r\n\r\n")) head += receive(socket, 1);
    if (!head.starts_with("HTTP/1.1 101")) die("idle", "the server did not accept");
  }

  void echo(const ClientSocket& socket) const {
    send(socket, message_);
    if (!websocket_) {
      if (receive(socket, message_.size()) != message_) die("idle", "another answer came back");
      return;
    }
    const std::string head = receive(socket, 2);
    const auto size = static_cast<std::size_t>(head[1]);
    if (head[0] != message_[0] || size > 125) die("idle", "another answer came back");
    (void)receive(socket, size);
  }

 private:
  static std::string deflated(std::string text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, -9, 8, Z_DEFAULT_STRATEGY);
    std::string out(256, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out - 4);
    deflateEnd(&stream);
    return out;
  }
  static void send(const ClientSocket& socket, const std::string& bytes) {
    if (socket.send(bytes.data(), bytes.size()) != bytes.size()) die("idle", "a message did not leave at once");
  }
  static std::string receive(const ClientSocket& socket, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size;) {
      pollfd wait{.fd = socket.descriptor(), .events = POLLIN, .revents = 0};
      if (poll(&wait, 1, 5000) == 0) die("idle", "no answer for five seconds");
      at += socket.receive(bytes.data() + at, size - at);
    }
    return bytes;
  }

  bool websocket_;
  std::string request_;
  std::string message_;
};

}  // namespace

int main(int count, char** words) {
  Arguments arguments(count, words);
  const auto connections = arguments.number("--connections", 10'000u);
  const auto first = arguments.number("--first", 1'000u);
  const auto server = arguments.number("--server", pid_t{0});
  const auto port = arguments.word<std::uint16_t>("PORT");
  const bool deflate = arguments.flag("--deflate");
  const Speaker speaker(arguments.flag("--websocket"), deflate);
  arguments.end();
  if (server == 0 || connections == 0) die("idle", "give --server PID and at least one connection");

  std::vector<ClientSocket> sockets;
  sockets.reserve(first + connections);
  std::int64_t before = 0;
  for (unsigned i = 0; i < first + connections; ++i) {
    if (i == first) before = anonymous_bytes(server);
    sockets.emplace_back(port);
    speaker.shake_hands(sockets.back());
    speaker.echo(sockets.back());  // the server has accepted it and waits for more
  }
  const std::int64_t grown = anonymous_bytes(server) - before;
  std::printf("{\"connections\": %u, \"bytes_per_connection\": %.1f}\n", connections,
              static_cast<double>(grown) / connections);
}
