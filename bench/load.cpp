// load: echo traffic over TCP or UDP on 127.0.0.1, every byte of it verified.
//
//   load PORT [--connections 64] [--in-flight 1] [--bytes 64] [--seconds 1] [--warm-up 0.2] [--server PID] [--udp]
//
// Each connection keeps --in-flight messages of --bytes under way, and sends as many as have come back. One line of
// JSON: messages a second, latencies, and, with --server, that process's CPU time a message, kernel included. Exit code
// 1 when a byte is wrong or nothing moves for five seconds. Over UDP no datagram is lost as long as all that are under
// way fit into the server's receive buffer: some 130 small ones with the usual settings of Linux.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <vector>

#include "arguments.h"
#include "client_socket.h"
#include "histogram.h"
#include "pattern.h"
#include "process.h"

namespace {

using namespace bench;

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr int silence_ms_max = 5000;

struct Options {
  std::uint16_t port;
  unsigned connections;
  std::size_t in_flight;
  std::size_t bytes;
  double seconds;
  double warm_up_seconds;
  pid_t server;
  bool udp;
};

Options read_options(int count, char** words) {
  Arguments arguments(count, words);
  Options options{};
  options.connections = arguments.number("--connections", 64u);
  options.in_flight = arguments.number("--in-flight", std::size_t{1});
  options.bytes = arguments.number("--bytes", std::size_t{64});
  options.seconds = arguments.number("--seconds", 1.0);
  options.warm_up_seconds = arguments.number("--warm-up", 0.2);
  options.server = arguments.number("--server", pid_t{0});
  options.udp = arguments.flag("--udp");
  options.port = arguments.word<std::uint16_t>("PORT");
  arguments.end();
  if (options.connections == 0 || options.in_flight == 0 || options.bytes == 0) die("load", "nothing to send");
  return options;
}

struct Peer {
  ClientSocket socket;
  std::uint64_t place;                  // of the pattern, where its stream begins
  std::uint64_t to_send = 0;            // of its stream, may be sent
  std::uint64_t sent = 0;               // and was
  std::uint64_t received = 0;           // and came back
  std::vector<std::int64_t> when = {};  // each message under way was given out, a ring
  bool stuck = false;                   // the kernel has no room: waits to be writable
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        pattern_(std::max(receive_bytes, options.in_flight * options.bytes)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        buffer_(receive_bytes) {
    peers_.reserve(options.connections);
    for (unsigned i = 0; i < options.connections; ++i) {
      peers_.push_back({ClientSocket(options.port, options.udp), i * std::uint64_t{1009}});
      peers_.back().when.resize(options.in_flight);
      watch(peers_.back(), EPOLL_CTL_ADD);
    }
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Traffic for so long, until the last message is back: nothing is under way before or after.
  void run(double seconds) {
    latencies_.clear();
    const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    sending_ = true;
    under_way_ = 0;
    for (Peer& peer : peers_) give_out(peer, options_.in_flight, now_ns());
    while (under_way_ > 0) turn(end);
  }

  const Histogram& latencies() const { return latencies_; }

 private:
  void turn(std::int64_t end) {
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll_, events.data(), events.size(), silence_ms_max);
    if (count == 0) fail("nothing came back for five seconds");
    const std::int64_t now = now_ns();
    if (now >= end) sending_ = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      Peer& peer = peers_[event.data.u32];
      if (event.events & EPOLLOUT) push(peer);
      if (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) receive(peer);
    }
  }

  void receive(Peer& peer) {
    const std::uint64_t before = peer.received / options_.bytes;
    for (std::size_t i = 0; i < (options_.udp ? options_.in_flight : 1); ++i) {
      const std::size_t size = peer.socket.receive(buffer_.data(), buffer_.size());
      if (size == 0) break;
      if (options_.udp && size != options_.bytes) fail("a datagram came back with another size");
      if (peer.received + size > peer.sent) fail("more came back than was sent");
      if (!pattern_.matches(peer.place + peer.received, buffer_.data(), size)) {
        fail(options_.udp ? "other bytes came back, or a datagram was lost" : "other bytes came back");
      }
      peer.received += size;
    }
    const std::uint64_t after = peer.received / options_.bytes;
    const std::int64_t now = now_ns();
    for (std::uint64_t i = before; i < after; ++i) latencies_.add(now - peer.when[i % options_.in_flight]);
    under_way_ -= after - before;
    if (sending_ && after > before) give_out(peer, after - before, now);
  }

  void give_out(Peer& peer, std::uint64_t messages, std::int64_t now) {
    const std::uint64_t first = peer.to_send / options_.bytes;
    for (std::uint64_t i = first; i < first + messages; ++i) peer.when[i % options_.in_flight] = now;
    under_way_ += messages;
    peer.to_send += messages * options_.bytes;
    push(peer);
  }

  void push(Peer& peer) {
    while (peer.sent < peer.to_send) {
      const std::size_t rest = peer.to_send - peer.sent;
      const std::size_t size =
          peer.socket.send(pattern_.at(peer.place + peer.sent), options_.udp ? options_.bytes : rest);
      if (size == 0) break;
      peer.sent += size;
    }
    const bool stuck = peer.sent < peer.to_send;
    if (stuck == peer.stuck) return;
    peer.stuck = stuck;
    watch(peer, EPOLL_CTL_MOD);
  }

  void watch(Peer& peer, int operation) {
    epoll_event event{};
    event.events = peer.stuck ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(&peer - peers_.data());
    if (epoll_ctl(epoll_, operation, peer.socket.descriptor(), &event) != 0) die("epoll_ctl", std::strerror(errno));
  }

  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "load: %s\n", why);
    std::exit(1);
  }

  const Options& options_;
  Pattern pattern_;
  int epoll_;
  std::vector<char> buffer_;
  std::vector<Peer> peers_;
  Histogram latencies_;
  std::uint64_t under_way_ = 0;
  bool sending_ = false;
};

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  Load load(options);
  load.run(options.warm_up_seconds);
  const Cost cost = cost_of(load, options.seconds, options.server);

  const auto messages = static_cast<double>(load.latencies().total());
  std::printf(
      "{\"messages\": %.0f, \"messages_per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
      "\"own_cpu_us\": %.3f",
      messages, messages * 1e9 / static_cast<double>(cost.wall_ns), load.latencies().quantile_us(0.5),
      load.latencies().quantile_us(0.99), load.latencies().quantile_us(0.999),
      static_cast<double>(cost.own_cpu_ns) / 1000 / messages);
  if (options.server) {
    std::printf(", \"server_cpu_us\": %.4f", static_cast<double>(cost.server_cpu_ns) / 1000 / messages);
  }
  std::printf("}\n");
}
