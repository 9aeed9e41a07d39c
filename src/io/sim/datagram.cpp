#include "io/sim/datagram.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace parley::detail {

std::uint8_t SimDatagram::ready() const {
  const bool in = !waiting_.empty() || error_ != 0;
  bool out = true;
  if (local.family() == Family::local && peer_.family() == Family::local) {
    const auto* receiver = static_cast<SimDatagram*>(network_.find(peer_, SimKind::datagram, local));
    out = !receiver || receiver->has_room(1);
  }
  return static_cast<std::uint8_t>((in ? Source::in_bit : 0) | (out ? Source::out_bit : 0));
}

std::string SimDatagram::describe() const {
  const std::string text = "datagram socket " + local.to_string();
  return peer_.family() == Family::none ? text : text + " to " + peer_.to_string();
}

bool SimDatagram::has_room(std::size_t size) const {
  return waiting_.empty() || waiting_bytes_ + size <= network_.options.socket_buffer_bytes;
}

void SimDatagram::arrive(Waiting datagram) {
  if (!has_room(datagram.bytes.size())) return;  // as UDP does: nobody is told
  waiting_bytes_ += datagram.bytes.size();
  waiting_.push_back(std::move(datagram));
}

std::ptrdiff_t SimDatagram::send_datagram(const Datagram& datagram) {
  const Address to = sim_target(datagram.peer.family() == Family::none ? peer_ : datagram.peer);
  if (to.family() == Family::none) return local.family() == Family::local ? -ENOTCONN : -EDESTADDRREQ;
  if (to.family() != local.family() && !(to.family() == Family::ipv4 && local.family() == Family::ipv6))
    return -EAFNOSUPPORT;
  if (error_ != 0) return -std::exchange(error_, 0);
  if (datagram.size > datagram_bytes_max + (to.family() == Family::ipv6 ? 20 : 0)) return -EMSGSIZE;
  if (network_.fault(network_.options.send_blocked_chance)) return -EAGAIN;
  if (to.family() == Family::local) return send_local(datagram, to);

  const SimRoute route = network_.route(to);
  if (route.route == Route::unreachable) return -EHOSTUNREACH;
  const auto sent = static_cast<std::ptrdiff_t>(datagram.size);
  if (route.route == Route::silent || network_.fault(network_.options.datagram_lost_chance)) return sent;

  // A socket bound to every address sends from the address that the packet leaves by: here, the receiver's own.
  const bool anywhere = local.with_port(0) == Address::any(local.family(), 0);
  const Address from = anywhere ? to.with_port(local.port()) : local;
  const int copies = network_.fault(network_.options.datagram_duplicated_chance) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    Time arrival = network_.now() + (route.delay + network_.delay()).count();
    if (network_.fault(network_.options.datagram_reordered_chance)) {
      const auto late_max = static_cast<std::uint64_t>(std::max<Time>(network_.options.delay_max.count(), 1));
      arrival += static_cast<Time>(network_.chance.between(1, late_max));
    } else {
      arrival = last_arrival_ = std::max(last_arrival_, arrival);
    }
    Waiting waiting{{datagram.data, datagram.data + datagram.size}, from};
    auto event = [self = weak_from_this(), &network = network_, to, waiting = std::move(waiting)]() mutable {
      auto* receiver = static_cast<SimDatagram*>(network.find(to, SimKind::datagram, waiting.from));
      if (receiver) {
        waiting.from = sim_seen_from(receiver->local, waiting.from);
        return receiver->arrive(std::move(waiting));
      }
      // The ICMP answer "port unreachable" is told to connected sockets only.
      const auto sender = self.lock();
      if (sender && sender->peer_.family() != Family::none) sender->error_ = ECONNREFUSED;
    };
    if (arrival <= network_.now()) {
      event();
    } else {
      network_.at(arrival, std::move(event));
    }
  }
  return sent;
}

// Reliable, in order and at once: a full receiver stops the sender.
std::ptrdiff_t SimDatagram::send_local(const Datagram& datagram, const Address& to) {
  auto* receiver = static_cast<SimDatagram*>(network_.find(to, SimKind::datagram, local));
  if (!receiver) return peer_.family() == Family::none ? -ENOENT : -ECONNREFUSED;
  if (!receiver->has_room(datagram.size)) return -EAGAIN;
  receiver->arrive({{datagram.data, datagram.data + datagram.size}, local});
  return static_cast<std::ptrdiff_t>(datagram.size);
}

std::ptrdiff_t SimDatagram::receive_datagram(Datagram& datagram) {
  if (error_ != 0) return -std::exchange(error_, 0);
  while (!waiting_.empty()) {
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= first.bytes.size();
    if (first.bytes.size() > datagram.size) continue;  // one that does not fit is dropped
    std::ranges::copy(first.bytes, datagram.data);
    datagram.size = first.bytes.size();
    datagram.peer = first.from;
    datagram.segment_bytes = 0;
    return static_cast<std::ptrdiff_t>(datagram.size);
  }
  return -EAGAIN;
}

int SimDatagram::take_error() { return std::exchange(error_, 0); }

Result<int> sim_bind_datagram(SimNetwork& network, const Address& address, ReusePort reuse_port) {
  const auto local = network.free_address(address, SimKind::datagram, reuse_port);
  if (!local) return std::unexpected(local.error());
  return network.open(std::make_shared<SimDatagram>(network, *local, Address(), reuse_port));
}

Result<int> sim_connect_datagram(SimNetwork& network, const Address& address) {
  const Address peer = sim_target(address);
  if (peer.family() == Family::local) {
    if (!network.find(peer, SimKind::datagram)) return std::unexpected(Error::from_errno(ENOENT));
    return network.open(std::make_shared<SimDatagram>(network, network.autobind(), peer, ReusePort::no));
  }
  const auto local = network.free_address(peer.with_port(0), SimKind::datagram, ReusePort::no);
  if (!local) return std::unexpected(local.error());
  return network.open(std::make_shared<SimDatagram>(network, *local, peer, ReusePort::no));
}

}  // namespace parley::detail
