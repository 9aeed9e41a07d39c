// Where to listen: an endpoint's own address, or the first free port of its range.
#pragma once

#include <parley/endpoint.h>

namespace parley::detail {

// open(address) for one port after the other, until the outcome is not that somebody is there. No host: every address
// of this machine, by one IPv6 socket that takes IPv4 too; by IPv4 alone where there is no IPv6.
template <class Open>
auto first_free(const Endpoint& endpoint, Open open) -> decltype(open(Address{})) {
  for (unsigned port = endpoint.port_first;; ++port) {
    const auto number = static_cast<std::uint16_t>(port);
    const bool any = endpoint.host.empty();
    const Result<Address> address = any ? Address::any(Family::ipv6, number) : endpoint.address(number);
    if (!address) return std::unexpected(address.error());
    auto opened = open(*address);
    if (any && !opened && (opened.error() == Errc::invalid_argument || opened.error() == Errc::address_unavailable)) {
      opened = open(Address::any(Family::ipv4, number));
    }
    if (opened || opened.error() != Errc::address_in_use || port >= endpoint.port_last) return opened;
  }
}

}  // namespace parley::detail
