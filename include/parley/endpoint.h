// Endpoint: an address as people write it, a URL. It says which protocol, and may name a host or a range of ports.
//
//   tcp://127.0.0.1:9000          udp://[::1]:9000          unix:/run/echo.sock
//   tcp://localhost:9000-9998     tcp://:9000               udp://[fe80::1%eth0]:9000
//   tls://example.org:443
//
// parse() is strict: what it does not know it refuses with Errc::invalid_address. No name is looked up here, and
// nothing is decoded: a "%" stands for itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <parley/address.h>
#include <parley/error.h>

namespace parley {

enum class Scheme : std::uint8_t {
  tcp,
  udp,
  local,  // "unix:", a Unix-domain stream socket
  tls,    // TLS over TCP
};

struct Endpoint {
  // The longest host name, in bytes (RFC 1035, 2.3.4), without the final dot that it may have.
  static constexpr std::size_t host_bytes_max = 253;

  Scheme scheme = Scheme::tcp;
  std::string host;              // a name, "127.0.0.1" or "::1" (without brackets); the path for Scheme::local
  std::uint16_t port_first = 0;  // 0: any free port, when listening
  std::uint16_t port_last = 0;   // equal to port_first unless a range "9000-9998" was written

  // A scheme is required. The host may be left out: "tcp://:9000" is every address of this machine when listening
  // and this machine when connecting. The port is required except for "unix:". A range starts at 1 or above and does
  // not run backwards. A host is an address or a name of letters, digits, "-" and "_"; what only looks like an IPv4
  // address ("127.1", "010.0.0.1", "1.2.3.256") is refused, as are a path, a query and a user name. Errc::too_large for
  // a Unix-domain path over Address::path_bytes_max.
  static Result<Endpoint> parse(std::string_view url);

  bool is_range() const noexcept { return port_first != port_last; }

  // The address, when the host is a literal or a path; Errc::invalid_address when it is a name to be looked up, or left
  // out (Address::any() or Address::loopback() is meant then).
  Result<Address> address(std::uint16_t port) const;
  Result<Address> address() const { return address(port_first); }

  std::string to_string() const;  // what parse() takes

  friend bool operator==(const Endpoint& a, const Endpoint& b) = default;
};

}  // namespace parley
