#include "io/sim/network.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/check.h"

namespace parley::detail {

int SimSocket::accept(Address&) { return -EINVAL; }
std::ptrdiff_t SimSocket::send(std::span<const Bytes>) { return -ENOTCONN; }
std::ptrdiff_t SimSocket::receive(std::span<std::byte>) { return -ENOTCONN; }
std::ptrdiff_t SimSocket::send_datagram(const Datagram&) { return -ENOTCONN; }
std::ptrdiff_t SimSocket::receive_datagram(Datagram&) { return -ENOTCONN; }
int SimSocket::shutdown() { return -ENOTCONN; }
int SimSocket::take_error() { return 0; }

void SimNetwork::at(Time time, std::move_only_function<void()> event) {
  events_.emplace(std::pair(std::max(time, now_), event_number_++), std::move(event));
}

void SimNetwork::advance(Time time) {
  while (!events_.empty() && events_.begin()->first.first <= time) {
    auto first = events_.extract(events_.begin());
    now_ = std::max(now_, first.key().first);
    first.mapped()();
  }
  now_ = std::max(now_, time);
}

Duration SimNetwork::delay() {
  if (options.delay_max.count() <= 0 || !fault(options.delay_chance)) return {};
  return Duration(static_cast<Duration::rep>(chance.below(static_cast<std::uint64_t>(options.delay_max.count()) + 1)));
}

bool SimNetwork::fault(double probability) {
  const bool hit = probability > 0 && chance.chance(probability);
  faults_ += hit;
  return hit;
}

int SimNetwork::may_open() {
  const auto open_now = std::ranges::count_if(sockets_, [](const auto& socket) { return socket != nullptr; });
  if (static_cast<std::size_t>(open_now) >= options.descriptors_max) return -EMFILE;
  return fault(options.descriptors_exhausted_chance) ? -EMFILE : 0;
}

Result<int> SimNetwork::open(std::shared_ptr<SimSocket> socket) {
  if (const int refused = may_open(); refused < 0) return std::unexpected(Error::from_errno(-refused));
  return place(std::move(socket));
}

int SimNetwork::place(std::shared_ptr<SimSocket> socket) {
  auto free = std::find(sockets_.begin() + descriptor_first, sockets_.end(), nullptr);
  if (free == sockets_.end()) free = sockets_.emplace(free);
  *free = std::move(socket);
  return static_cast<int>(free - sockets_.begin());
}

SimSocket& SimNetwork::socket(int descriptor) const {
  const auto place = static_cast<std::size_t>(descriptor);
  PARLEY_CHECK(descriptor >= 0 && place < sockets_.size() && sockets_[place], "the descriptor is not open");
  return *sockets_[place];
}

void SimNetwork::close(int descriptor, bool reset) {
  socket(descriptor).close(reset);
  sockets_[static_cast<std::size_t>(descriptor)] = nullptr;
}

bool SimNetwork::taken(const Address& address, SimKind kind, ReusePort reuse_port) const {
  return std::ranges::any_of(sockets_, [&](const auto& other) {
    if (!other || other->kind != kind) return false;
    if (reuse_port == ReusePort::join && other->reuse_port != ReusePort::no) return false;
    return sim_covers(other->local, address) || sim_covers(address, other->local);
  });
}

Result<Address> SimNetwork::free_address(const Address& wanted, SimKind kind, ReusePort reuse_port) {
  if (wanted.family() == Family::local || wanted.port() != 0) {
    if (taken(wanted, kind, reuse_port)) return std::unexpected(Error::from_errno(EADDRINUSE));
    return wanted;
  }
  // Linux's range of ephemeral ports.
  constexpr std::uint16_t first = 32768, last = 60999;
  const auto count = static_cast<std::uint64_t>(last - first + 1);
  const auto start = chance.below(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Address address = wanted.with_port(static_cast<std::uint16_t>(first + (start + i) % count));
    const bool stream_taken = kind != SimKind::datagram && (taken(address, SimKind::listener, ReusePort::no) ||
                                                            taken(address, SimKind::connection, ReusePort::no));
    if (!stream_taken && !taken(address, kind, ReusePort::no)) return address;
  }
  return std::unexpected(Error::from_errno(EADDRINUSE));
}

Address SimNetwork::autobind() {
  char name[16];
  for (;;) {
    std::snprintf(name, sizeof name, "@%05x", ++names_);
    const Address address = *Address::local(name);
    if (!taken(address, SimKind::datagram, ReusePort::no)) return address;
  }
}

SimSocket* SimNetwork::find(const Address& to, SimKind kind, const Address& from) {
  // The nearest match wins: one that is connected to the sender, then the exact address, then every address.
  std::vector<SimSocket*> best;
  int best_score = 0;
  for (const auto& socket : sockets_) {
    if (!socket || socket->kind != kind || !sim_covers(socket->local, to)) continue;
    const Address peer = socket->peer();
    if (peer.family() != Family::none && !(peer == from)) continue;
    const int score = peer.family() != Family::none           ? 4
                      : socket->local == to                   ? 3
                      : socket->local.family() == to.family() ? 2
                                                              : 1;
    if (score < best_score) continue;
    if (score > best_score) best.clear();
    best_score = score;
    best.push_back(socket.get());
  }
  if (best.empty()) return nullptr;
  return best.size() == 1 ? best.front() : best[chance.below(best.size())];
}

SimRoute SimNetwork::route(const Address& host) const {
  const auto found = routes_.find(host.with_port(0));
  return found == routes_.end() ? SimRoute{} : found->second;
}

SimulationReport SimNetwork::report() const {
  SimulationReport report;
  report.seed = options.seed;
  report.turns = turns;
  report.time = Duration(now_);
  report.faults = faults_;
  report.bytes_sent = bytes_sent;
  report.bytes_received = bytes_received;
  report.bytes_cut = bytes_cut;
  report.bytes_lost = bytes_sent - bytes_received - bytes_cut;
  report.buffer_bytes_leaked = buffer_bytes_leaked;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (!sockets_[i]) continue;
    ++report.descriptors_leaked;
    report.leaks += (report.leaks.empty() ? "" : ", ") + std::to_string(i) + ": " + sockets_[i]->describe();
  }
  return report;
}

bool sim_covers(const Address& bound, const Address& to) {
  if (bound == to) return true;
  if (bound.port() != to.port() || to.family() == Family::local || to.family() == Family::none) return false;
  if (bound.family() == Family::ipv6) return bound == Address::any(Family::ipv6, bound.port());
  return to.family() == Family::ipv4 && bound == Address::any(Family::ipv4, bound.port());
}

Address sim_seen_from(const Address& bound, const Address& address) {
  if (bound.family() != Family::ipv6 || address.family() != Family::ipv4) return address;
  return Address::ip("::ffff:" + address.host(), address.port()).value_or(address);
}

Address sim_target(const Address& to) {
  constexpr std::string_view mapped = "::ffff:";
  if (to == Address::any(to.family(), to.port()) && to.family() != Family::local)
    return Address::loopback(to.family(), to.port());
  if (to.family() != Family::ipv6) return to;
  const std::string host = to.host();
  return host.starts_with(mapped) ? Address::ip(host.substr(mapped.size()), to.port()).value_or(to) : to;
}

Address sim_unnamed() {
  const std::uint16_t local_family = 1;  // AF_UNIX, and no path
  return Address::from_kernel(&local_family, sizeof local_family);
}

}  // namespace parley::detail
