#include <parley/address.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/number.h"

namespace parley {
namespace {

constexpr std::string_view local_prefix = "unix:";
constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

static_assert(sizeof(sockaddr_un) == path_offset + Address::path_bytes_max + 1);

template <class T>
T read(const void* data, std::size_t size) noexcept {
  T value{};
  std::memcpy(&value, data, std::min(size, sizeof value));
  return value;
}

template <class T>
Address from(const T& sockaddr) noexcept {
  return Address::from_kernel(&sockaddr, sizeof sockaddr);
}

Address ipv4(std::uint32_t host_order, std::uint16_t port) noexcept {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(host_order);
  return from(in);
}

Address ipv6(const in6_addr& address, std::uint16_t port, std::uint32_t scope = 0) noexcept {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_addr = address;
  in.sin6_scope_id = scope;
  return from(in);
}

// The index of the interface that a zone names, or 0.
std::uint32_t zone_index(const std::string& zone) noexcept {
  if (const auto number = parse_number<std::uint32_t>(zone)) return *number;
  return if_nametoindex(zone.c_str());
}

std::string zone_name(std::uint32_t index) {
  char name[IF_NAMESIZE];
  if (if_indextoname(index, name) != nullptr) return name;
  return std::to_string(index);
}

bool may_have_zone(const in6_addr& address) noexcept {
  return IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MULTICAST(&address);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(local_prefix)) return local(text.substr(local_prefix.size()));

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::invalid_address);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return fail(Errc::invalid_address);

  std::string_view host = text.substr(0, colon);
  const bool colons = host.contains(':');
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (colons != brackets) return fail(Errc::invalid_address);
  if (brackets) host = host.substr(1, host.size() - 2);
  return ip(host, *port);
}

Result<Address> Address::ip(std::string_view literal, std::uint16_t port) {
  if (literal.contains('\0')) return fail(Errc::invalid_address);
  const std::size_t percent = literal.find('%');
  const std::string host(literal.substr(0, percent));

  if (!host.contains(':')) {
    in_addr address{};
    if (percent != std::string_view::npos || inet_pton(AF_INET, host.c_str(), &address) != 1) {
      return fail(Errc::invalid_address);
    }
    return ipv4(ntohl(address.s_addr), port);
  }

  in6_addr address{};
  if (inet_pton(AF_INET6, host.c_str(), &address) != 1) return fail(Errc::invalid_address);
  if (percent == std::string_view::npos) return ipv6(address, port);
  const std::uint32_t scope = zone_index(std::string(literal.substr(percent + 1)));
  if (scope == 0 || !may_have_zone(address)) return fail(Errc::invalid_address);
  return ipv6(address, port, scope);
}

Result<Address> Address::local(std::string_view path) {
  const bool abstract = path.starts_with('@');
  if (path.empty() || path == "@" || path.contains('\0')) return fail(Errc::invalid_address);
  if (path.size() > path_bytes_max) return fail(Errc::too_large);

  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, path.size());
  if (abstract) un.sun_path[0] = '\0';
  // An abstract name is as long as the size says; a path ends at its zero.
  return from_kernel(&un, static_cast<std::uint32_t>(path_offset + path.size() + (abstract ? 0 : 1)));
}

Address Address::loopback(Family family, std::uint16_t port) noexcept {
  if (family == Family::ipv4) return ipv4(INADDR_LOOPBACK, port);
  if (family == Family::ipv6) return ipv6(in6addr_loopback, port);
  return {};
}

Address Address::any(Family family, std::uint16_t port) noexcept {
  if (family == Family::ipv4) return ipv4(INADDR_ANY, port);
  if (family == Family::ipv6) return ipv6(in6addr_any, port);
  return {};
}

Address Address::from_kernel(const void* sockaddr, std::uint32_t size) noexcept {
  Address out;
  if (size < sizeof(sa_family_t)) return out;
  const auto put = [&out](const void* data, std::size_t bytes) {
    std::memcpy(out.storage_.data(), data, bytes);
    out.size_ = static_cast<std::uint16_t>(bytes);
  };

  // Padding and the IPv6 flow label are left out, and a path ends at its first zero: equal addresses are equal bytes.
  switch (read<sa_family_t>(sockaddr, size)) {
    case AF_INET:
      if (size == sizeof(sockaddr_in)) {
        auto in = read<sockaddr_in>(sockaddr, size);
        std::ranges::fill(in.sin_zero, std::uint8_t{0});
        put(&in, sizeof in);
      }
      break;
    case AF_INET6:
      if (size == sizeof(sockaddr_in6)) {
        auto in = read<sockaddr_in6>(sockaddr, size);
        in.sin6_flowinfo = 0;
        put(&in, sizeof in);
      }
      break;
    case AF_UNIX:
      if (size <= sizeof(sockaddr_un)) {
        const auto un = read<sockaddr_un>(sockaddr, size);
        const bool path = size > path_offset && un.sun_path[0] != '\0';
        const std::size_t length = path ? strnlen(un.sun_path, size - path_offset) : 0;
        put(&un, path ? std::min(path_offset + length + 1, sizeof un) : size);
      }
      break;
    default: break;
  }
  return out;
}

Family Address::family() const noexcept {
  if (size_ == 0) return Family::none;
  switch (read<sa_family_t>(data(), size_)) {
    case AF_INET: return Family::ipv4;
    case AF_INET6: return Family::ipv6;
    default: return Family::local;
  }
}

std::uint16_t Address::port() const noexcept {
  switch (family()) {
    case Family::ipv4: return ntohs(read<sockaddr_in>(data(), size_).sin_port);
    case Family::ipv6: return ntohs(read<sockaddr_in6>(data(), size_).sin6_port);
    default: return 0;
  }
}

Address Address::with_port(std::uint16_t port) const noexcept {
  if (family() == Family::ipv4) {
    auto in = read<sockaddr_in>(data(), size_);
    in.sin_port = htons(port);
    return from(in);
  }
  if (family() == Family::ipv6) {
    auto in = read<sockaddr_in6>(data(), size_);
    in.sin6_port = htons(port);
    return from(in);
  }
  return *this;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN];
  switch (family()) {
    case Family::none: return {};
    case Family::ipv4: {
      const auto in = read<sockaddr_in>(data(), size_);
      return inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    }
    case Family::ipv6: {
      const auto in = read<sockaddr_in6>(data(), size_);
      const std::string host = inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
      return in.sin6_scope_id == 0 ? host : host + '%' + zone_name(in.sin6_scope_id);
    }
    case Family::local: break;
  }
  const auto un = read<sockaddr_un>(data(), size_);
  if (size_ <= path_offset) return {};
  if (un.sun_path[0] == '\0') return '@' + std::string(un.sun_path + 1, size_ - path_offset - 1);
  const std::string path(un.sun_path, strnlen(un.sun_path, sizeof un.sun_path));
  return path.front() == '@' ? "./" + path : path;
}

std::string Address::to_string() const {
  switch (family()) {
    case Family::none: return {};
    case Family::ipv4: return host() + ':' + std::to_string(port());
    case Family::ipv6: return '[' + host() + "]:" + std::to_string(port());
    case Family::local: break;
  }
  return std::string(local_prefix) + host();
}

bool Address::is_loopback() const noexcept {
  constexpr std::uint32_t net = 127;
  switch (family()) {
    case Family::none: return false;
    case Family::ipv4: return ntohl(read<sockaddr_in>(data(), size_).sin_addr.s_addr) >> 24 == net;
    case Family::ipv6: {
      const auto in = read<sockaddr_in6>(data(), size_);
      return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) ||
             (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == net);
    }
    case Family::local: break;
  }
  return true;
}

bool operator==(const Address& a, const Address& b) noexcept { return (a <=> b) == 0; }

std::strong_ordering operator<=>(const Address& a, const Address& b) noexcept {
  if (a.size_ != b.size_) return a.size_ <=> b.size_;
  return std::memcmp(a.data(), b.data(), a.size_) <=> 0;
}

}  // namespace parley

std::size_t std::hash<parley::Address>::operator()(const parley::Address& address) const noexcept {
  return std::hash<std::string_view>{}({static_cast<const char*>(address.data()), address.size()});
}
