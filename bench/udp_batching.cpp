// What batching datagrams is worth: docs/decisions/udp-batching.md. One thread plays client and server in turn, and
// only the server's part is timed: receive a burst, send each datagram back. The ways are interleaved, and of each the
// median of many rounds is told, in nanoseconds of CPU a datagram.
//
//   udp_batching [--rounds N]
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include <parley/socket.h>
#include "arguments.h"
#include "io/datagrams.h"

namespace {

using namespace parley;
using detail::Datagram;

constexpr std::size_t room_bytes = 64 * 1024 + 64;

enum Way : std::size_t { one_by_one, batched, segmented, joined, way_count };
constexpr std::array<const char*, way_count> names{"recvfrom, sendto", "recvmmsg, sendmmsg", "... and UDP_SEGMENT",
                                                   "... and UDP_GRO"};

double cpu_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

Socket bound() {
  Socket socket = *Socket::open(Kind::udp);
  (void)socket.bind(Address::loopback(Family::ipv4, 0));
  (void)socket.set_blocking(false);
  (void)socket.set_receive_buffer_bytes(1 << 20);
  return socket;
}

// Datagrams that lie `gap` bytes apart: 0 lets send_datagrams() join them.
class Outgoing {
 public:
  explicit Outgoing(std::size_t gap) : gap_(gap), memory_(256 * 1024) {}
  void add(const std::byte* bytes, std::size_t size, const Address& to) {
    std::memcpy(memory_.data() + end_, bytes, size);
    datagrams_.push_back({.data = memory_.data() + end_, .size = size, .peer = to});
    end_ += size + gap_;
  }
  void send(const Socket& from) {
    for (std::span<const Datagram> rest = datagrams_; !rest.empty();) {
      const std::ptrdiff_t sent = detail::send_datagrams(from.descriptor(), rest);
      if (sent <= 0) std::abort();
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    datagrams_.clear();
    end_ = 0;
  }

 private:
  const std::size_t gap_;
  std::vector<std::byte> memory_;
  std::vector<Datagram> datagrams_;
  std::size_t end_ = 0;
};

class Server {
 public:
  explicit Server(Way way) : way_(way), socket_(bound()), out_(way == batched ? 1 : 0), rooms_(15 * room_bytes) {
    if (way == joined) detail::allow_runs(socket_.descriptor());
  }
  Address address() const { return *socket_.local_address(); }

  // Receives `burst` datagrams, which have arrived, and sends them back.
  void serve(std::size_t burst) { way_ == one_by_one ? serve_singly(burst) : serve_batches(burst); }

 private:
  void serve_singly(std::size_t burst) {
    for (std::size_t count = 0; count < burst; ++count) {
      auto received = socket_.receive_from(rooms_);
      if (!received) std::abort();
      (void)socket_.send_to(received->bytes, received->address);
    }
  }

  void serve_batches(std::size_t burst) {
    for (std::size_t total = 0; total < burst;) {
      const std::span<Datagram> batch = std::span(batch_).first(rooms_wanted_);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        batch[i] = {.data = rooms_.data() + i * room_bytes, .size = room_bytes, .peer = {}};
      }
      const std::ptrdiff_t count = detail::receive_datagrams(socket_.descriptor(), batch);
      if (count < 0) std::abort();
      const auto got = static_cast<std::size_t>(count);
      rooms_wanted_ = got == rooms_wanted_ ? 15 : std::clamp<std::size_t>(2 * got, 2, 15);  // as UdpSocket does
      for (const Datagram& message : batch.first(got)) {
        const std::size_t step = message.segment_bytes ? message.segment_bytes : message.size;
        for (std::size_t at = 0; at < message.size; at += step, ++total) {
          out_.add(message.data + at, std::min(step, message.size - at), message.peer);
        }
      }
      out_.send(socket_);
    }
  }

  const Way way_;
  Socket socket_;
  Outgoing out_;
  std::vector<std::byte> rooms_;
  std::array<Datagram, 15> batch_;
  std::size_t rooms_wanted_ = 2;
};

double median(std::vector<double>& values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void measure(std::size_t size, std::size_t burst, bool client_segments, int rounds) {
  std::vector<Server> servers;
  for (std::size_t way = 0; way < way_count; ++way) servers.emplace_back(static_cast<Way>(way));
  const Socket client = bound();
  const std::vector<std::byte> bytes(size);
  std::vector<std::byte> sink(room_bytes);
  Outgoing out(client_segments ? 0 : 1);
  std::array<std::vector<double>, way_count> costs;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t way = 0; way < way_count; ++way) {
      for (std::size_t i = 0; i < burst; ++i) out.add(bytes.data(), size, servers[way].address());
      out.send(client);
      const double begun = cpu_nanoseconds();
      servers[way].serve(burst);
      const double spent = cpu_nanoseconds() - begun;
      costs[way].push_back(spent / static_cast<double>(burst));
      while (recv(client.descriptor(), sink.data(), sink.size(), 0) >= 0) continue;
    }
  }
  std::printf("%5zu B, bursts of %2zu%s:\n", size, burst, client_segments ? ", sent in runs" : "");
  for (std::size_t way = 0; way < way_count; ++way) std::printf("  %-22s %6.0f ns\n", names[way], median(costs[way]));
}

}  // namespace

int main(int count, char** arguments) {
  bench::Arguments options(count, arguments);
  const int rounds = options.number("--rounds", 2500);
  options.end();
  for (std::size_t size : {64u, 1200u}) {
    for (std::size_t burst : {1u, 15u, 60u}) measure(size, burst, false, rounds);
    measure(size, 15, true, rounds);
  }
}
