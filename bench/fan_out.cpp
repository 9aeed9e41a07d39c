// fan_out: what one connection says, all others get, over WebSocket or TCP on 127.0.0.1, every byte of it verified.
//
//   fan_out PORT [--connections 64] [--speakers 1] [--in-flight 1] [--bytes 64] [--seconds 1] [--warm-up 0.3]
//           [--server PID] [--tcp]
//
// Each of the first --speakers connections keeps --in-flight messages of --bytes under way. Its listener is the
// connection after it: what has arrived there is followed by as many more. --tcp: without handshakes and masks; the
// messages are bare bytes, those of the frames that a WebSocket server would send.
//
// One line of JSON: deliveries a second (a message has as many as there are others), latencies from speaker to
// listener, and, with --server, that process's CPU time a delivery, kernel included. Exit code 1 when a byte is wrong,
// a message is missing at anybody, or nothing moves for five seconds.
#include <sys/epoll.h>
#include <sys/poll.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "arguments.h"
#include "client_socket.h"
#include "histogram.h"
#include "pattern.h"
#include "process.h"

namespace {

using namespace bench;
using namespace std::string_view_literals;

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr int silence_ms_max = 5000;

struct Options {
  std::uint16_t port;
  unsigned connections;
  unsigned speakers;
  std::size_t in_flight;
  std::size_t bytes;
  double seconds;
  double warm_up_seconds;
  pid_t server;
  bool tcp;
};

// What a payload begins with.
struct Label {
  std::uint32_t speaker;
  std::uint32_t sequence;
};

Options read_options(int count, char** words) {
  Arguments arguments(count, words);
  Options options{};
  options.connections = arguments.number("--connections", 64u);
  options.speakers = arguments.number("--speakers", 1u);
  options.in_flight = arguments.number("--in-flight", std::size_t{1});
  options.bytes = arguments.number("--bytes", std::size_t{64});
  options.seconds = arguments.number("--seconds", 1.0);
  options.warm_up_seconds = arguments.number("--warm-up", 0.3);
  options.server = arguments.number("--server", pid_t{0});
  options.tcp = arguments.flag("--tcp");
  options.port = arguments.word<std::uint16_t>("PORT");
  arguments.end();
  if (options.connections < 2 || options.speakers == 0 || options.in_flight == 0) die("fan_out", "nothing to send");
  if (options.speakers > options.connections) die("fan_out", "more speakers than connections");
  if (options.bytes < sizeof(Label)) die("--bytes", "a message has at least 8");
  return options;
}

// All messages have one size, so all frames have one header. After the label comes a part of the pattern, another one
// for each message.
class Frames {
 public:
  explicit Frames(std::size_t payload_bytes) : payload_bytes_(payload_bytes), pattern_(payload_bytes) {
    const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes < 65536 ? 2 : 8;
    header_ = {'\x82', static_cast<char>(length_bytes == 0 ? payload_bytes : length_bytes == 2 ? 126 : 127)};
    for (std::size_t i = length_bytes; i > 0; --i) header_ += static_cast<char>(payload_bytes >> 8 * (i - 1));
  }

  // A server's.
  std::size_t size() const { return header_.size() + payload_bytes_; }
  std::size_t head_size() const { return header_.size() + sizeof(Label); }
  bool begins(const char* head) const { return std::memcmp(head, header_.data(), header_.size()) == 0; }
  Label label(const char* head) const {
    Label label{};
    std::memcpy(&label, head + header_.size(), sizeof label);
    return label;
  }
  // Whether `bytes` are those that stand `after` so many of the frame.
  bool matches(Label label, std::size_t after, const char* bytes, std::size_t size) const {
    return pattern_.matches(place(label) + (after - head_size()), bytes, size);
  }

  // As a client's frame if `masked`, else as a server's.
  void append(std::string& out, Label label, bool masked) const {
    const std::size_t begin = out.size();
    out += header_;
    if (masked) {
      out[begin + 1] |= '\x80';
      out.append(key.data(), key.size());
    }
    const std::size_t payload_begin = out.size();
    out.append(reinterpret_cast<const char*>(&label), sizeof label);
    out.append(pattern_.at(place(label)), payload_bytes_ - sizeof label);
    if (!masked) return;
    char* payload = out.data() + payload_begin;
    for (std::size_t i = 0; i < payload_bytes_; ++i) payload[i] ^= key[i % key.size()];
  }

 private:
  static constexpr std::array<char, 4> key{'\x37', '\xFA', '\x21', '\x3D'};  // that of RFC 6455, 5.7

  static std::uint64_t place(Label label) {
    return label.speaker * std::uint64_t{1009} + label.sequence * std::uint64_t{8191};
  }

  std::size_t payload_bytes_;
  Pattern pattern_;
  std::string header_;
};

// What came back for `sent`. Nobody speaks before all are in the room, so nothing comes after `end`.
std::string answer(const ClientSocket& socket, std::string_view sent, std::string_view end) {
  if (socket.send(sent.data(), sent.size()) != sent.size()) die("fan_out", "a handshake did not leave at once");
  std::string answer;
  while (!answer.ends_with(end)) {
    pollfd wait{.fd = socket.descriptor(), .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, silence_ms_max) == 0) die("fan_out", "no answer for five seconds");
    std::array<char, 4096> bytes;
    answer.append(bytes.data(), socket.receive(bytes.data(), bytes.size()));
  }
  return answer;
}

void enter_room(const ClientSocket& socket) {
  const std::string head = answer(socket,
                                  "GET /room HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                                  "\r\n\r\n");
  if (!head.starts_with("HTTP/1.1 101")) die("fan_out", "the server did not accept");
  // A server may subscribe a session after it has accepted; once it answers a ping it has.
  if (answer(socket, "\x89\x80\0\0\0\0"sv, "\x8A\0"sv) != "\x8A\0"sv) die("fan_out", "something else than a pong came");
}

struct Speaker {
  std::size_t may_send;            // messages
  std::vector<std::int64_t> when;  // each message under way was given out, a ring
  std::uint32_t sequence = 0;      // of the next one
  std::string frames = {};         // given out
  std::size_t sent = 0;            // of them
  bool stuck = false;              // the kernel has no room: waits to be writable
};

struct Peer {
  ClientSocket socket;
  std::vector<std::uint32_t> sequences;       // that are to come next, by speaker
  std::array<char, 10 + sizeof(Label)> head;  // of the frame that arrives
  std::size_t received = 0;                   // of that frame
  Label label = {};                           // once its head is there
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        frames_(options.bytes),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        buffer_(receive_bytes),
        speakers_(options.speakers, {options.in_flight, std::vector<std::int64_t>(options.in_flight)}) {
    peers_.reserve(options.connections);
    for (unsigned i = 0; i < options.connections; ++i) {
      peers_.push_back({ClientSocket(options.port), std::vector<std::uint32_t>(options.speakers), {}});
      if (!options.tcp) enter_room(peers_.back().socket);
      watch(i, EPOLLIN, EPOLL_CTL_ADD);
    }
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Traffic for so long, until all have the last message: nothing is under way before or after.
  void run(double seconds) {
    latencies_.clear();
    const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    sending_ = true;
    for (std::uint32_t i = 0; i < speakers_.size(); ++i) speak(i, now_ns());
    while (under_way_ > 0) turn(end);
  }

  const Histogram& latencies() const { return latencies_; }

 private:
  void turn(std::int64_t end) {
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll_, events.data(), events.size(), silence_ms_max);
    if (count == 0) fail("nothing came for five seconds");
    if (now_ns() >= end) sending_ = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.events & EPOLLOUT) push(event.data.u32);
      if (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) receive(event.data.u32);
    }
  }

  void receive(std::uint32_t index) {
    const std::size_t size = peers_[index].socket.receive(buffer_.data(), buffer_.size());
    const std::int64_t now = now_ns();
    for (std::size_t i = 0; i < size;) i += take(index, buffer_.data() + i, size - i, now);
    const std::uint32_t heard = speaker_of(index);
    if (sending_ && heard < speakers_.size()) speak(heard, now);
  }

  // Verifies some bytes of one frame; how many.
  std::size_t take(std::uint32_t index, const char* bytes, std::size_t size, std::int64_t now) {
    Peer& peer = peers_[index];
    const bool in_head = peer.received < frames_.head_size();
    size = std::min(size, (in_head ? frames_.head_size() : frames_.size()) - peer.received);
    if (in_head) {
      std::memcpy(peer.head.data() + peer.received, bytes, size);
    } else if (!frames_.matches(peer.label, peer.received, bytes, size)) {
      fail("other bytes came");
    }
    peer.received += size;
    if (in_head && peer.received == frames_.head_size()) check_head(index);
    if (peer.received == frames_.size()) delivered(index, now);
    return size;
  }

  void check_head(std::uint32_t index) {
    Peer& peer = peers_[index];
    if (!frames_.begins(peer.head.data())) fail("something else than such a message came");
    peer.label = frames_.label(peer.head.data());
    if (peer.label.speaker >= speakers_.size()) fail("other bytes came");
    if (peer.label.speaker == index) fail("a speaker heard itself");
    if (peer.label.sequence != peer.sequences[peer.label.speaker]) fail("a message was lost, or came twice");
  }

  void delivered(std::uint32_t index, std::int64_t now) {
    Peer& peer = peers_[index];
    peer.received = 0;
    peer.sequences[peer.label.speaker] += 1;
    under_way_ -= 1;
    if (peer.label.speaker != speaker_of(index)) return;
    Speaker& speaker = speakers_[peer.label.speaker];
    latencies_.add(now - speaker.when[peer.label.sequence % options_.in_flight]);
    speaker.may_send += 1;
  }

  // Whose listener this is; it may be one who does not speak.
  std::uint32_t speaker_of(std::uint32_t index) const { return (index == 0 ? options_.connections : index) - 1; }

  void speak(std::uint32_t index, std::int64_t now) {
    Speaker& speaker = speakers_[index];
    for (; speaker.may_send > 0; --speaker.may_send) {
      speaker.when[speaker.sequence % options_.in_flight] = now;
      frames_.append(speaker.frames, {index, speaker.sequence}, !options_.tcp);
      speaker.sequence += 1;
      under_way_ += options_.connections - 1;
    }
    push(index);
  }

  void push(std::uint32_t index) {
    Speaker& speaker = speakers_[index];
    while (speaker.sent < speaker.frames.size()) {
      const std::size_t rest = speaker.frames.size() - speaker.sent;
      const std::size_t size = peers_[index].socket.send(speaker.frames.data() + speaker.sent, rest);
      if (size == 0) break;
      speaker.sent += size;
    }
    const bool stuck = speaker.sent < speaker.frames.size();
    if (!stuck) {
      speaker.frames.clear();
      speaker.sent = 0;
    }
    if (stuck == speaker.stuck) return;
    speaker.stuck = stuck;
    watch(index, stuck ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }

  void watch(std::uint32_t index, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.u32 = index;
    if (epoll_ctl(epoll_, operation, peers_[index].socket.descriptor(), &event) != 0) {
      die("epoll_ctl", std::strerror(errno));
    }
  }

  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "fan_out: %s\n", why);
    std::exit(1);
  }

  const Options& options_;
  Frames frames_;
  int epoll_;
  std::vector<char> buffer_;
  std::vector<Speaker> speakers_;  // the first of the peers
  std::vector<Peer> peers_;
  Histogram latencies_;
  std::uint64_t under_way_ = 0;  // deliveries
  bool sending_ = false;
};

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  Load load(options);
  load.run(options.warm_up_seconds);
  const Cost cost = cost_of(load, options.seconds, options.server);

  const auto messages = static_cast<double>(load.latencies().total());
  const double deliveries = messages * (options.connections - 1);
  std::printf(
      "{\"messages\": %.0f, \"deliveries\": %.0f, \"deliveries_per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
      "\"own_cpu_us\": %.3f",
      messages, deliveries, deliveries * 1e9 / static_cast<double>(cost.wall_ns), load.latencies().quantile_us(0.5),
      load.latencies().quantile_us(0.99), static_cast<double>(cost.own_cpu_ns) / 1000 / deliveries);
  if (options.server) {
    std::printf(", \"server_cpu_us\": %.4f", static_cast<double>(cost.server_cpu_ns) / 1000 / deliveries);
  }
  std::printf("}\n");
}
