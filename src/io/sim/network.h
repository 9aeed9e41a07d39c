// The simulated kernel: a clock with events, descriptors, and who is bound where. What a socket does is in stream.h and
// datagram.h. Everything here happens in an order that follows from the seed alone, so nothing is sorted by pointers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <parley/simulation.h>
#include "base/random.h"
#include "io/driver.h"

namespace parley::detail {

class SimNetwork;

enum class SimKind : std::uint8_t { listener, connection, datagram };

// What a descriptor stands for. Calls that make no sense for its kind fail as the kernel's do. Results below zero are
// -errno.
class SimSocket {
 public:
  SimSocket(SimNetwork& network, SimKind what, const Address& bound, ReusePort sharing)
      : kind(what), local(bound), reuse_port(sharing), network_(network) {}
  virtual ~SimSocket() = default;
  SimSocket(const SimSocket&) = delete;
  SimSocket& operator=(const SimSocket&) = delete;

  // Source::in_bit if a receive or accept would not block, out_bit if a send would not.
  virtual std::uint8_t ready() const = 0;
  virtual void close(bool reset) = 0;
  virtual Address peer() const = 0;
  virtual std::string describe() const = 0;

  virtual int accept(Address& peer);
  virtual std::ptrdiff_t send(std::span<const Bytes> parts);
  virtual std::ptrdiff_t receive(std::span<std::byte> buffer);
  virtual std::ptrdiff_t send_datagram(const Datagram& datagram);
  virtual std::ptrdiff_t receive_datagram(Datagram& datagram);
  virtual int shutdown();
  virtual int take_error();  // SO_ERROR

  const SimKind kind;
  const Address local;
  const ReusePort reuse_port;

 protected:
  SimNetwork& network_;
};

struct SimRoute {
  Route route = Route::open;
  Duration delay{};
};

class SimNetwork {
 public:
  explicit SimNetwork(const SimulationOptions& chosen) : options(chosen), chance(chosen.seed) {}

  // The clock. Events of one time run in the order in which they were made.
  Time now() const noexcept { return now_; }
  Time next_event() const noexcept { return events_.empty() ? never : events_.begin()->first.first; }
  void at(Time time, std::move_only_function<void()> event);
  // Moves the clock to `time` and runs what is due on the way.
  void advance(Time time);
  // How long something that is sent now is under way, faults and all.
  Duration delay();

  // True if this operation is to suffer a fault.
  bool fault(double probability);

  // Descriptors: the lowest free number, as the kernel does, so that a use after close meets somebody else's socket.
  // May one more be opened: 0, or -EMFILE.
  int may_open();
  int place(std::shared_ptr<SimSocket> socket);
  Result<int> open(std::shared_ptr<SimSocket> socket);  // both
  SimSocket& socket(int descriptor) const;
  std::size_t descriptor_end() const noexcept { return sockets_.size(); }
  void close(int descriptor, bool reset);

  // The address that a new socket gets: `wanted` with a port, if it had none; or EADDRINUSE.
  Result<Address> free_address(const Address& wanted, SimKind kind, ReusePort reuse_port);
  // A name that nobody has, as Linux gives it to a Unix-domain datagram socket that was never bound: "@00001".
  Address autobind();
  // Whoever is bound for `to`; one of them by chance if several share it. Null: nobody.
  SimSocket* find(const Address& to, SimKind kind, const Address& from = {});

  void set_route(const Address& host, const SimRoute& route) { routes_[host.with_port(0)] = route; }
  SimRoute route(const Address& host) const;

  SimulationReport report() const;

  const SimulationOptions options;
  Random chance;

  // For the report.
  std::uint64_t turns = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_cut = 0;
  std::size_t buffer_bytes_leaked = 0;

 private:
  static constexpr int descriptor_first = 3;

  bool taken(const Address& address, SimKind kind, ReusePort reuse_port) const;

  Time now_ = 0;
  std::uint64_t event_number_ = 0;
  unsigned names_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::move_only_function<void()>> events_;
  std::vector<std::shared_ptr<SimSocket>> sockets_ = std::vector<std::shared_ptr<SimSocket>>(descriptor_first);
  std::map<Address, SimRoute> routes_;
  std::uint64_t faults_ = 0;
};

// "Every address" of a machine takes what is sent to any of them; "[::]" IPv4 too.
bool sim_covers(const Address& bound, const Address& to);
// How a socket bound at `bound` sees an IPv4 address: "::ffff:10.0.0.1" if it is an IPv6 one.
Address sim_seen_from(const Address& bound, const Address& address);
// Where packets to `to` really go: 0.0.0.0 is this machine, ::ffff:10.0.0.1 is 10.0.0.1.
Address sim_target(const Address& to);
Address sim_unnamed();  // of a Unix-domain socket that was never bound

}  // namespace parley::detail
