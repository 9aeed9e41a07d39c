// Address: where a socket is. An IPv4 or IPv6 address with a port, or the path of a Unix-domain socket.
//
//   auto address = *parley::Address::parse("127.0.0.1:9000");
//   address.to_string();                      // "127.0.0.1:9000"
//
// A value of 112 bytes: copy it, compare it, use it as a key (std::map or std::unordered_map; the order is for that and
// means nothing else). It allocates nothing; to_string() and host() do. No name is ever looked up here; resolve.h does
// that. Safe to use from any thread as any value is.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <parley/error.h>

namespace parley {

enum class Family : std::uint8_t {
  none,   // an Address that holds nothing
  ipv4,   // AF_INET
  ipv6,   // AF_INET6
  local,  // AF_UNIX
};

class Address {
 public:
  // The longest path of a Unix-domain socket, in bytes (sun_path without its final zero).
  static constexpr std::size_t path_bytes_max = 107;

  Address() noexcept = default;

  // "127.0.0.1:9000", "[::1]:9000", "[fe80::1%eth0]:9000", "unix:/run/echo.sock", "unix:@name" (Linux's abstract
  // names). Numbers only: "localhost:9000" is Errc::invalid_address. So are a missing port, a space, a sign, a leading
  // zero in a number, an IPv6 address without brackets, and anything left over.
  static Result<Address> parse(std::string_view text);

  // An IP address without a port, "127.0.0.1" or "::1" (no brackets), and the port apart. A zone, "fe80::1%eth0" or
  // "fe80::1%2", is for link-local and multicast addresses; Errc::invalid_address when this machine has no such
  // interface.
  static Result<Address> ip(std::string_view literal, std::uint16_t port);

  // "/run/echo.sock", or "@name" for an abstract name; a file that is called so is "./@name". Errc::invalid_address
  // when it is empty or holds a zero byte, Errc::too_large over path_bytes_max.
  static Result<Address> local(std::string_view path);

  // For Family::ipv4 and ipv6; any other gives Family::none.
  static Address loopback(Family family, std::uint16_t port) noexcept;  // 127.0.0.1 or ::1
  static Address any(Family family, std::uint16_t port) noexcept;       // 0.0.0.0 or ::

  Family family() const noexcept;
  std::uint16_t port() const noexcept;                   // 0 for a Unix-domain address
  Address with_port(std::uint16_t port) const noexcept;  // a Unix-domain address stays as it is
  // "127.0.0.1", "::1" (RFC 5952), or the path. A Unix-domain peer chose its path itself, and may have put control
  // characters into it: see text.h before it goes to a terminal.
  std::string host() const;
  std::string to_string() const;      // what parse() takes; "unix:" for an unnamed Unix-domain peer, "" for none
  bool is_loopback() const noexcept;  // 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, or Unix-domain

  // The sockaddr as the kernel takes it.
  const void* data() const noexcept { return storage_.data(); }
  std::uint32_t size() const noexcept { return size_; }
  // From a sockaddr of the kernel's: `size` is what the kernel said. Any other family, or a size that can't be, gives
  // Family::none. The IPv6 flow label is dropped.
  static Address from_kernel(const void* sockaddr, std::uint32_t size) noexcept;

  friend bool operator==(const Address& a, const Address& b) noexcept;
  friend std::strong_ordering operator<=>(const Address& a, const Address& b) noexcept;

 private:
  static constexpr std::size_t storage_bytes = 110;  // sockaddr_un, the largest of the three
  alignas(4) std::array<std::byte, storage_bytes> storage_{};
  std::uint16_t size_ = 0;
};

}  // namespace parley

template <>
struct std::hash<parley::Address> {
  std::size_t operator()(const parley::Address& address) const noexcept;
};
