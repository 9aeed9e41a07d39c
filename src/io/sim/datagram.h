// Simulated datagram sockets, UDP and Unix-domain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "io/sim/network.h"

namespace parley::detail {

class SimDatagram final : public SimSocket, public std::enable_shared_from_this<SimDatagram> {
 public:
  static constexpr std::size_t datagram_bytes_max = 65507;  // what UDP over IPv4 can carry; over IPv6, 20 more

  // `to` is Family::none for a socket that is not connected.
  SimDatagram(SimNetwork& network, const Address& bound, const Address& to, ReusePort sharing)
      : SimSocket(network, SimKind::datagram, bound, sharing), peer_(to) {}

  std::uint8_t ready() const override;
  void close(bool) override { waiting_.clear(); }
  Address peer() const override { return peer_; }
  std::string describe() const override;
  std::ptrdiff_t send_datagram(const Datagram& datagram) override;
  std::ptrdiff_t receive_datagram(Datagram& datagram) override;
  int take_error() override;

 private:
  struct Waiting {
    std::vector<std::byte> bytes;
    Address from;
  };

  std::ptrdiff_t send_local(const Datagram& datagram, const Address& to);
  bool has_room(std::size_t size) const;
  void arrive(Waiting datagram);

  Address peer_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  Time last_arrival_ = 0;  // of what this socket sent
  int error_ = 0;
};

Result<int> sim_bind_datagram(SimNetwork& network, const Address& address, ReusePort reuse_port);
Result<int> sim_connect_datagram(SimNetwork& network, const Address& address);

}  // namespace parley::detail
