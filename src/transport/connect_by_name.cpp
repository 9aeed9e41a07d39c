#include <parley/connect.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <parley/event.h>

namespace parley {
namespace {

using Addresses = Result<std::vector<Address>>;

// RFC 8305, 4: "Whichever address family is first in the list should be followed by an address of the other address
// family". The order within each family stays.
std::vector<Address> interleaved(const std::vector<Address>& sorted) {
  if (sorted.empty()) return sorted;
  std::vector<Address> first, other, out;
  for (const Address& address : sorted) {
    (address.family() == sorted.front().family() ? first : other).push_back(address);
  }
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < other.size()) out.push_back(other[i]);
  }
  return out;
}

// Of several failures the one that says most is told, and of equals the later one.
int weight(Error error) noexcept {
  switch (error.code) {
    case Errc::none: return -1;
    case Errc::unreachable:
    case Errc::address_unavailable:
    case Errc::invalid_argument:
    case Errc::unsupported: return 0;  // this machine has no way there
    case Errc::refused: return 1;
    case Errc::timed_out:
    case Errc::reset: return 2;
    default: return 3;
  }
}

// This task was stopped; when the network gives up a connection there is an errno.
bool is_stop(Error error) noexcept { return error == Errc::cancelled || (error == Errc::timed_out && error.os == 0); }

// The attempts under way.
struct Race {
  Stream winner;
  Error error{};
  Event ended;  // an attempt

  void failed(Error reason) noexcept {
    if (weight(reason) >= weight(error)) error = reason;
  }
};

Task<> attempt(Loop& loop, Address address, const Address& from, Race& race) {
  Result<Stream> stream = co_await connect(loop, address, from);
  if (!stream) {
    race.failed(stream.error());
  } else if (!race.winner) {
    race.winner = std::move(*stream);  // a second one is closed
  }
  race.ended.set();
}

// RFC 8305, 5: one attempt after the other, each begun when the one before has failed or attempt_delay later.
Task<Result<Stream>> race_for(Loop& loop, const std::vector<Address>& addresses, const ConnectOptions& options) {
  Race race;
  TaskGroup attempts(loop);
  for (std::size_t next = 0; !race.winner && (next < addresses.size() || attempts.size() > 0);) {
    if (next < addresses.size()) attempts.spawn(attempt(loop, addresses[next++], options.from, race));
    const detail::Duration limit = next < addresses.size() ? options.attempt_delay : detail::Duration::max();
    const detail::Duration begun = loop.now();
    Result<void> ended = co_await within(limit, race.ended.wait(Stop::all));
    if (ended || (ended.error() == Errc::timed_out && loop.now() - begun >= limit)) continue;
    race.error = ended.error();  // stopped: by whoever awaits this, or by a limit of time of theirs
    break;
  }
  attempts.stop();
  const Error error = race.error;  // not what stopping the others gives
  co_await attempts.join();
  if (race.winner) co_return std::move(race.winner);
  co_return std::unexpected(error);
}

// The addresses of the endpoint's host, with its first port.
Task<Addresses> addresses_of(Loop& loop, const Endpoint& endpoint, const ConnectOptions& options) {
  if (endpoint.scheme != Scheme::local && endpoint.host.empty()) {
    Addresses found = co_await resolve(loop, "localhost", endpoint.port_first);
    co_return found;
  }
  if (const Result<Address> literal = endpoint.address()) co_return std::vector{*literal};
  Addresses found = co_await options.resolve(loop, endpoint.host, endpoint.port_first);
  if (found && found->empty()) co_return fail(Errc::not_found);
  co_return found;
}

template <class T>
Task<Result<T>> failed(Error error) {
  co_return std::unexpected(error);
}

Task<Result<Stream>> connect_in_plain(Loop& loop, Endpoint endpoint, ConnectOptions options) {
  Addresses found = co_await addresses_of(loop, endpoint, options);
  if (!found) co_return std::unexpected(found.error());
  if (options.from.family() != Family::none) {
    std::erase_if(*found, [&](const Address& each) { return each.family() != options.from.family(); });
    if (found->empty()) co_return fail(Errc::invalid_argument);
  }
  std::vector<Address> addresses = interleaved(*found);
  Error error{};
  for (unsigned port = endpoint.port_first; port <= endpoint.port_last; ++port) {
    for (Address& address : addresses) address = address.with_port(static_cast<std::uint16_t>(port));
    Result<Stream> stream = co_await race_for(loop, addresses, options);
    if (stream || is_stop(stream.error())) co_return stream;
    if (weight(stream.error()) >= weight(error)) error = stream.error();
  }
  co_return std::unexpected(error);
}

}  // namespace

Task<Result<Stream>> connect(Loop& loop, Endpoint endpoint, ConnectOptions options) {
  if (endpoint.scheme == Scheme::udp) co_return fail(Errc::invalid_argument);
  const bool secure = endpoint.scheme == Scheme::tls;
  if (secure) endpoint.scheme = Scheme::tcp;
  const std::string host = endpoint.host;
  const tls::Client tls = options.tls;
  Task<Result<Stream>> connecting = connect_in_plain(loop, std::move(endpoint), std::move(options));
  Result<Stream> peer = co_await connecting;
  if (!secure || !peer) co_return peer;
  connecting = tls.connect(loop, std::move(*peer), host);
  co_return co_await connecting;
}

Task<Result<Stream>> connect(Loop& loop, std::string_view url, const ConnectOptions& options) {
  Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return failed<Stream>(endpoint.error());
  return connect(loop, std::move(*endpoint), options);
}

Task<Result<UdpSocket>> connect_udp(Loop& loop, Endpoint endpoint, ConnectOptions options) {
  const bool bound = options.from.family() != Family::none;
  if (endpoint.scheme == Scheme::tcp || endpoint.scheme == Scheme::tls || endpoint.is_range() || bound)
    co_return fail(Errc::invalid_argument);
  Addresses found = co_await addresses_of(loop, endpoint, options);
  if (!found) co_return std::unexpected(found.error());
  if (std::ranges::all_of(*found, &Address::is_loopback)) {
    std::ranges::partition(*found, [](const Address& each) { return each.family() == Family::ipv4; });
  }
  Error error{};
  for (const Address& address : *found) {
    Result<UdpSocket> socket = UdpSocket::connect(loop, address);
    if (socket) co_return socket;
    if (weight(socket.error()) >= weight(error)) error = socket.error();
  }
  co_return std::unexpected(error);
}

Task<Result<UdpSocket>> connect_udp(Loop& loop, std::string_view url, const ConnectOptions& options) {
  Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return failed<UdpSocket>(endpoint.error());
  return connect_udp(loop, std::move(*endpoint), options);
}

}  // namespace parley
