// The drivers that this machine has: a kernel or a sandbox may refuse io_uring.
#pragma once

#include <memory>
#include <vector>

#include "io/driver.h"
#include "io/epoll.h"
#include "io/sim.h"
#include "io/uring.h"

namespace parley::detail {

inline std::vector<Result<std::unique_ptr<Driver>> (*)()> io_uring_if_allowed() {
  if (make_uring()) return {&make_uring};
  return {};
}

enum class Network { epoll, io_uring, simulated };

inline std::vector<Network> networks() {
  std::vector<Network> all{Network::epoll, Network::simulated};
  if (!io_uring_if_allowed().empty()) all.push_back(Network::io_uring);
  return all;
}

inline const char* name(Network network) {
  return network == Network::epoll ? "Kernel" : network == Network::io_uring ? "IoUring" : "Simulated";
}

inline std::unique_ptr<Driver> make_driver(Network network, Simulation& simulation) {
  if (network == Network::simulated) return make_sim_driver(simulation);
  return network == Network::epoll ? *make_epoll() : *make_uring();
}

}  // namespace parley::detail
