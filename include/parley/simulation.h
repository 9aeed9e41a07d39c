// Simulation: a whole network that is not there, with a clock of its own and faults by a seed. For testing handlers:
// servers and clients run as tasks of one Loop, hours pass in milliseconds, and what went wrong once goes wrong again.
//
//   parley::Task<> test(parley::Loop& loop);               // starts a server, talks to it, checks what comes back
//
//   for (std::uint64_t seed = 0; seed < 1000; ++seed) {
//     parley::Simulation simulation(parley::SimulationOptions::harmless(seed));
//     {
//       parley::Loop loop(simulation);
//       loop.run(test(loop));
//     }
//     if (auto report = simulation.finish(); !report.clean()) fail(report.to_string());   // it names the seed
//   }
//
// Everything follows from the seed: the order in which sockets become ready, which operations suffer a fault, ports,
// and times. The same program with the same options does the same again, on any machine and with any compiler.
//
// The network: TCP, UDP and Unix-domain sockets behave as Linux's do, errno by errno: a full buffer stops the sender, a
// FIN closes one direction, closing with unread bytes is a reset, a second bind is address_in_use. Every IP address is
// an address of the one simulated machine; there is no lookup of names, no file system (the path of a Unix-domain
// socket is free again when it is closed) and there are no signals.
//
// The clock starts at zero and jumps to the next event or timer when nothing can be done now. A turn of the loop takes
// one microsecond.
//
// A program that hangs: when tasks wait, and nothing is ready, under way or timed, then nothing can ever happen. The
// program is aborted, with a line that says so and names the seed. So is one that makes turns_max turns.
//
// Lifetime: a Simulation outlives its Loop. One Loop at a time.
// Threads: one thread. A thread that post()s to a simulated loop does so at no defined time; and the loop does not wait
// for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <parley/address.h>

namespace parley {

namespace detail {
class SimNetwork;
}

// A chance is a probability from 0 (never) to 1 (always), drawn anew for each operation that could suffer the fault.
struct SimulationOptions {
  std::uint64_t seed = 0;

  // Faults that a correct program never notices.
  double receive_partial_chance = 0;  // a receive gives only the first of the bytes that are there
  double send_partial_chance = 0;     // a send takes only the first of the bytes that fit
  double send_blocked_chance = 0;     // a send takes nothing; the socket can be written again at once
  double delay_chance = 0;            // what is sent (a handshake, bytes, a FIN, a datagram) arrives later, in order
  std::chrono::nanoseconds delay_max = std::chrono::milliseconds(100);

  // Faults that it has to survive. They hit IP sockets only, except the last.
  double reset_chance = 0;                  // at a send or a receive the connection breaks: both ends see a reset
  double connect_refused_chance = 0;        // a connect is refused though somebody listens
  double accept_aborted_chance = 0;         // a connection is reset while it is accepted (ECONNABORTED)
  double datagram_lost_chance = 0;          // never arrives
  double datagram_duplicated_chance = 0;    // arrives twice
  double datagram_reordered_chance = 0;     // arrives up to delay_max later, after datagrams sent after it
  double descriptors_exhausted_chance = 0;  // a new descriptor is refused though there are some (EMFILE)

  // Limits.
  std::size_t socket_buffer_bytes = 64 * 1024;  // sent and not yet received: a direction of a connection, or the
                                                // datagrams that wait in one socket; at least 1
  std::size_t descriptors_max = 1024;           // open at once; more is EMFILE
  std::uint64_t turns_max = 10'000'000;         // of the loop, before the program is taken to hang

  // Chances and limits that are themselves drawn from the seed, so that a range of seeds tries many mixtures, each
  // fault at times absent. harmless: only what a correct program never notices. hostile: all faults.
  static SimulationOptions harmless(std::uint64_t seed) noexcept;
  static SimulationOptions hostile(std::uint64_t seed) noexcept;
};

// What is left when everything should be closed.
struct SimulationReport {
  std::uint64_t seed = 0;
  std::uint64_t turns = 0;             // of the loop
  std::chrono::nanoseconds time{};     // on the simulated clock
  std::uint64_t faults = 0;            // how many were injected
  std::uint64_t bytes_sent = 0;        // taken by sends on connections
  std::uint64_t bytes_received = 0;    // given to receives
  std::uint64_t bytes_cut = 0;         // gone in a reset, or because the receiver had closed: no fault of the program's
  std::uint64_t bytes_lost = 0;        // all others: still under way, or unread in a socket that nobody closed
  std::size_t descriptors_leaked = 0;  // still open
  std::size_t buffer_bytes_leaked = 0;  // receive buffers that were lent by the loop and not given back

  // Nothing leaked and nothing lost.
  bool clean() const noexcept { return bytes_lost == 0 && descriptors_leaked == 0 && buffer_bytes_leaked == 0; }
  // One line. "seed 42: leaked 1 descriptor (3: connection 127.0.0.1:40000 to 127.0.0.1:9000), ..."
  std::string to_string() const;

  std::string leaks;  // what each open descriptor is
};

// How packets to a host travel.
enum class Route : std::uint8_t {
  open,         // they arrive
  unreachable,  // to connect fails with Errc::unreachable
  silent,       // they vanish: a connect gets no answer and fails with Errc::timed_out after 127 s; datagrams are lost
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options = {});
  // Aborts, with the report, if that is not clean and finish() was never called.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  const SimulationOptions& options() const noexcept;

  // From now on connects and datagrams to that host (its port does not matter) fare so, and arrive `delay` later than
  // they would. Connections that exist are left alone.
  void set_route(const Address& host, Route route, std::chrono::nanoseconds delay = {});

  // Call it when the Loop is gone, or everything is closed.
  SimulationReport finish();

  detail::SimNetwork& network() const noexcept { return *network_; }  // not for users

 private:
  std::unique_ptr<detail::SimNetwork> network_;
  bool finished_ = false;
};

}  // namespace parley
