// Endpoint: an address as people write it, a URL. It says which protocol, and may name a host or a range of ports.
//
//   tcp://127.0.0.1:9000          udp://[::1]:9000          unix:/run/echo.sock
//   tcp://localhost:9000-9998     any://:9000               ws://example.org:8080/chat
//
// parse() is strict: what it does not know it refuses, and Error::message() of the outcome is Errc::invalid_address.
// No name is looked up here.
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
};

struct Endpoint {
  // The longest host name, in bytes (RFC 1035, 2.3.4).
  static constexpr std::size_t host_bytes_max = 253;

  Scheme scheme = Scheme::tcp;
  std::string host;              // a name, "127.0.0.1" or "::1" (without brackets); the path for Scheme::local
  std::uint16_t port_first = 0;  // 0: any free port, when listening
  std::uint16_t port_last = 0;   // equal to port_first unless a range "9000-9998" was written

  // A scheme is required. The host may be left out: "tcp://:9000" is every address of this machine when listening
  // and this machine when connecting. The port is required except for "unix:".
  static Result<Endpoint> parse(std::string_view url);

  bool is_range() const noexcept { return port_first != port_last; }

  // The address, when the host is a literal or a path; Errc::invalid_address when it is a name to be looked up.
  Result<Address> address(std::uint16_t port) const;
  Result<Address> address() const { return address(port_first); }

  std::string to_string() const;  // what parse() takes
};

}  // namespace parley
