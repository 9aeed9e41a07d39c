#include "io/sim/stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace parley::detail {

SimConnection::SimConnection(SimNetwork& network, const Address& client_address, const Address& server_address)
    : bound(server_address),
      network_(network),
      addresses_{client_address, server_address},
      distance_(network.route(server_address).delay),
      local_(server_address.family() == Family::local) {}

Address SimConnection::seen(Side by, Side whom) const {
  return by == server ? sim_seen_from(bound, addresses_[whom]) : addresses_[whom];
}

void SimConnection::transmit(Side to, std::move_only_function<void()> arrival) {
  End& end = ends_[to];
  const Duration travel = local_ ? Duration{} : distance_ + network_.delay();
  end.last_arrival = std::max(end.last_arrival, network_.now() + travel.count());
  if (end.last_arrival <= network_.now()) return arrival();
  network_.at(end.last_arrival, std::move(arrival));
}

// --- the handshake -------------------------------------------------------------------------------------------------

void SimConnection::begin(unsigned attempt) {
  transmit(server, [self = shared_from_this(), attempt] { self->reach_listener(attempt); });
}

void SimConnection::reach_listener(unsigned attempt) {
  if (ends_[client].state != State::connecting) return;  // it gave up meanwhile
  const Route route = network_.route(addresses_[server]).route;
  if (route == Route::unreachable) return fail(EHOSTUNREACH);

  auto* listener = static_cast<SimListener*>(network_.find(addresses_[server], SimKind::listener));
  if (route == Route::silent || (listener && listener->full())) {
    constexpr unsigned attempts = 7;  // Linux's tcp_syn_retries is 6: after 1, 2, 4 ... 64 s
    const Time again = network_.now() + Duration(std::chrono::seconds(1ULL << attempt)).count();
    network_.at(again, [self = shared_from_this(), attempt] {
      if (attempt + 1 == attempts) return self->fail(ETIMEDOUT);
      self->begin(attempt + 1);
    });
    return;
  }
  if (!listener || network_.fault(network_.options.connect_refused_chance)) return fail(ECONNREFUSED);

  bound = listener->local;
  ends_[server].state = State::open;
  listener->push(shared_from_this());
  transmit(client, [self = shared_from_this()] {
    End& end = self->ends_[client];
    if (end.state == State::connecting) end.state = State::open;
  });
}

void SimConnection::fail(int error) {
  transmit(client, [self = shared_from_this(), error] {
    End& end = self->ends_[client];
    if (end.state != State::connecting) return;
    end.state = State::failed;
    end.error = error;
  });
}

// --- what arrives --------------------------------------------------------------------------------------------------

// Bytes to `end` beyond the first `keep` will never be received. What is sent to a closed end counts so from the start.
void SimConnection::cut(End& end, std::size_t keep) {
  if (end.state != State::closed) network_.bytes_cut += end.size() - keep;
  end.bytes.resize(end.begin + keep);
  end.arrived = std::min(end.arrived, keep);
}

void SimConnection::arrive(Side to, std::size_t size) {
  End& end = ends_[to];
  if (end.broken) return;
  if (end.state != State::closed) {
    end.arrived = std::min(end.arrived + size, end.size());  // unless they were cut on the way
    return;
  }
  // Nobody is there: the answer is a reset. Until that arrives, these bytes still fill the sender's window.
  transmit(other(to), [self = shared_from_this(), to] { self->reset(other(to)); });
}

void SimConnection::finish(Side to) {
  if (!ends_[to].broken) ends_[to].finished = true;
}

void SimConnection::reset(Side to) {
  End& end = ends_[to];
  cut(end, end.arrived);  // what has arrived can still be read
  cut(ends_[other(to)], ends_[other(to)].arrived);
  if (end.broken || end.state == State::closed) return;
  end.broken = true;
  end.error = end.finished ? EPIPE : ECONNRESET;  // as Linux's tcp_reset() tells CLOSE_WAIT from the other states
}

// The fault: both ends are told, `seen_first` at once.
void SimConnection::break_both(Side seen_first) {
  reset(seen_first);
  transmit(other(seen_first), [self = shared_from_this(), seen_first] { self->reset(other(seen_first)); });
}

// --- the calls -----------------------------------------------------------------------------------------------------

std::uint8_t SimConnection::ready(Side side) const {
  const End& end = ends_[side];
  const End& peer = ends_[other(side)];
  if (end.state == State::connecting) return 0;
  if (end.state == State::failed || end.broken || end.error != 0) return Source::in_bit | Source::out_bit;
  const bool in = end.arrived > 0 || end.finished;
  const bool out =
      end.shut || peer.size() < network_.options.socket_buffer_bytes || (local_ && peer.state == State::closed);
  return static_cast<std::uint8_t>((in ? Source::in_bit : 0) | (out ? Source::out_bit : 0));
}

std::ptrdiff_t SimConnection::send(Side side, std::span<const Bytes> parts) {
  End& end = ends_[side];
  End& peer = ends_[other(side)];
  if (end.state == State::connecting) return 0;
  if (end.error != 0 && !local_) return -std::exchange(end.error, 0);
  if (end.state == State::failed || end.broken || end.shut || (local_ && peer.state == State::closed)) return -EPIPE;
  if (!local_ && network_.fault(network_.options.reset_chance)) {
    break_both(side);
    return -std::exchange(end.error, 0);
  }

  std::size_t wanted = 0;
  for (const Bytes part : parts) wanted += part.size();
  const std::size_t limit = network_.options.socket_buffer_bytes;
  std::size_t size = std::min(wanted, limit - std::min(limit, peer.size()));
  if (size == 0 || network_.fault(network_.options.send_blocked_chance)) return 0;
  if (size > 1 && network_.fault(network_.options.send_partial_chance)) size = network_.chance.between(1, size - 1);

  if (peer.begin == peer.bytes.size()) peer.bytes.clear(), peer.begin = 0;
  std::size_t left = size;
  for (const Bytes part : parts) {
    const std::size_t here = std::min(left, part.size());
    peer.bytes.insert(peer.bytes.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(here));
    left -= here;
  }
  network_.bytes_sent += size;
  if (peer.state == State::closed) network_.bytes_cut += size;
  transmit(other(side), [self = shared_from_this(), side, size] { self->arrive(other(side), size); });
  return static_cast<std::ptrdiff_t>(size);
}

std::ptrdiff_t SimConnection::receive(Side side, std::span<std::byte> buffer) {
  End& end = ends_[side];
  if (end.state == State::connecting) return -EAGAIN;
  if (!local_ && !end.broken && end.error == 0 && network_.fault(network_.options.reset_chance)) break_both(side);
  if (end.arrived > 0) {
    std::size_t size = std::min(end.arrived, buffer.size());
    if (size > 1 && network_.fault(network_.options.receive_partial_chance))
      size = network_.chance.between(1, size - 1);
    std::copy_n(end.bytes.begin() + static_cast<std::ptrdiff_t>(end.begin), size, buffer.begin());
    end.begin += size;
    end.arrived -= size;
    if (end.begin > end.bytes.size() / 2) {
      end.bytes.erase(end.bytes.begin(), end.bytes.begin() + static_cast<std::ptrdiff_t>(end.begin));
      end.begin = 0;
    }
    network_.bytes_received += size;
    return static_cast<std::ptrdiff_t>(size);
  }
  if (end.finished && !local_) return 0;
  if (end.error != 0) return -std::exchange(end.error, 0);
  return end.finished || end.broken || end.state == State::failed ? 0 : -EAGAIN;
}

int SimConnection::shutdown(Side side) {
  End& end = ends_[side];
  if (!is_connected(side)) return -ENOTCONN;
  if (std::exchange(end.shut, true)) return 0;
  transmit(other(side), [self = shared_from_this(), side] { self->finish(other(side)); });
  return 0;
}

int SimConnection::take_error(Side side) { return std::exchange(ends_[side].error, 0); }

void SimConnection::close(Side side, bool reset_peer) {
  End& end = ends_[side];
  End& peer = ends_[other(side)];
  const bool unread = end.arrived > 0;
  network_.bytes_cut += end.size();
  end.begin += std::exchange(end.arrived, 0);
  const State before = std::exchange(end.state, State::closed);
  if (before == State::failed || end.broken) return;
  if (local_) {
    if ((unread || reset_peer) && peer.state != State::closed) peer.error = ECONNRESET;
    return finish(other(side));
  }
  // A client that gives up in mid-handshake is gone for the server too, which may have it in its backlog by now.
  if (before == State::connecting ? peer.state == State::open : reset_peer || unread) {
    cut(peer, peer.arrived);
    transmit(other(side), [self = shared_from_this(), side] { self->reset(other(side)); });
  } else if (before == State::open && !std::exchange(end.shut, true)) {
    transmit(other(side), [self = shared_from_this(), side] { self->finish(other(side)); });
  }
}

// --- the descriptors -----------------------------------------------------------------------------------------------

SimStream::SimStream(SimNetwork& network, std::shared_ptr<SimConnection> connection, SimConnection::Side side)
    : SimSocket(network, SimKind::connection, connection->seen(side, side), ReusePort::no),
      connection_(std::move(connection)),
      side_(side),
      other_(side == SimConnection::client ? SimConnection::server : SimConnection::client) {}

std::string SimStream::describe() const {
  std::string text = "connection " + local.to_string() + (side_ == SimConnection::client ? " to " : " from ");
  return text += connection_->seen(side_, other_).to_string();
}

int SimListener::accept(Address& peer) {
  if (queue_.empty()) return -EAGAIN;
  if (const int refused = network_.may_open(); refused < 0) return refused;
  auto connection = std::move(queue_.front());
  queue_.pop_front();
  peer = connection->seen(SimConnection::server, SimConnection::client);
  if (local.family() != Family::local && network_.fault(network_.options.accept_aborted_chance)) {
    connection->close(SimConnection::server, true);
    return -ECONNABORTED;
  }
  return network_.place(std::make_shared<SimStream>(network_, std::move(connection), SimConnection::server));
}

void SimListener::close(bool) {
  for (const auto& connection : queue_) connection->close(SimConnection::server, true);
  queue_.clear();
}

Result<int> sim_listen(SimNetwork& network, const Address& address, int backlog, ReusePort reuse_port) {
  const auto local = network.free_address(address, SimKind::listener, reuse_port);
  if (!local) return std::unexpected(local.error());
  return network.open(std::make_shared<SimListener>(network, *local, reuse_port, backlog));
}

Result<int> sim_connect(SimNetwork& network, const Address& address, const Address& from) {
  const Address server = sim_target(address);
  if (server.family() == Family::local) {
    auto* listener = static_cast<SimListener*>(network.find(server, SimKind::listener));
    if (!listener) return std::unexpected(Error::from_errno(ENOENT));
    if (listener->full()) return std::unexpected(Error::from_errno(EAGAIN));
    auto connection = std::make_shared<SimConnection>(network, sim_unnamed(), server);
    auto descriptor = network.open(std::make_shared<SimStream>(network, connection, SimConnection::client));
    if (descriptor) {
      connection->join();
      listener->push(std::move(connection));
    }
    return descriptor;
  }
  const bool bound = from.family() != Family::none;
  const auto local = network.free_address(bound ? from : server.with_port(0), SimKind::connection, ReusePort::no);
  if (!local) return std::unexpected(local.error());
  auto connection = std::make_shared<SimConnection>(network, *local, server);
  auto descriptor = network.open(std::make_shared<SimStream>(network, connection, SimConnection::client));
  if (descriptor) connection->begin();
  return descriptor;
}

}  // namespace parley::detail
