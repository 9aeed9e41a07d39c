#include <parley/endpoint.h>

#include <algorithm>

#include "base/number.h"

namespace parley {
namespace {

constexpr std::size_t label_bytes_max = 63;  // RFC 1035, 2.3.4

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

// RFC 3986, 3.1: "schemes are case-insensitive".
bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_label(std::string_view label) noexcept {
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, allowed);
}

// getaddrinfo() reads a last label such as "1" or "0x7f" as part of an old-style IPv4 address. Those we refuse.
bool is_number(std::string_view label) noexcept {
  if (take_prefix(label, "0x")) return std::ranges::all_of(label, is_hex);
  return std::ranges::all_of(label, is_digit);
}

bool is_name(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);  // "example.org." is the same name, and absolute
  if (host.empty() || host.size() > Endpoint::host_bytes_max) return false;
  for (;;) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !is_number(label);
    host.remove_prefix(dot + 1);
  }
}

Result<Endpoint> parse_local(std::string_view path) {
  // "unix:///run/x" is "unix:/run/x" with an empty authority (RFC 3986, 3.2); any other authority means nothing here.
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    if (!path.starts_with('/') || path.starts_with("//")) return fail(Errc::invalid_address);
  }
  if (auto address = Address::local(path); !address) return std::unexpected(address.error());
  return Endpoint{.scheme = Scheme::local, .host = std::string(path)};
}

bool parse_ports(std::string_view text, Endpoint& out) noexcept {
  const std::size_t dash = text.find('-');
  const auto first = parse_number<std::uint16_t>(text.substr(0, dash));
  if (!first) return false;
  out.port_first = out.port_last = *first;
  if (dash == std::string_view::npos) return true;

  const auto last = parse_number<std::uint16_t>(text.substr(dash + 1));
  if (!last || *first == 0 || *last < *first) return false;
  out.port_last = *last;
  return true;
}

bool parse_host(std::string_view text, Endpoint& out) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return false;
    text = text.substr(1, text.size() - 2);
    if (!text.contains(':') || !Address::ip(text, 0)) return false;
  } else if (!text.empty() && !Address::ip(text, 0) && !is_name(text)) {
    return false;
  } else if (text.contains(':')) {
    return false;
  }
  out.host = text;
  return true;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  Endpoint out;
  if (take_prefix(url, "unix:")) return parse_local(url);
  if (take_prefix(url, "tcp://")) {
    out.scheme = Scheme::tcp;
  } else if (take_prefix(url, "udp://")) {
    out.scheme = Scheme::udp;
  } else if (take_prefix(url, "tls://")) {
    out.scheme = Scheme::tls;
  } else {
    return fail(Errc::invalid_address);
  }
  const std::size_t colon = url.rfind(':');
  if (colon == std::string_view::npos || !parse_ports(url.substr(colon + 1), out) ||
      !parse_host(url.substr(0, colon), out)) {
    return fail(Errc::invalid_address);
  }
  return out;
}

Result<Address> Endpoint::address(std::uint16_t port) const {
  return scheme == Scheme::local ? Address::local(host) : Address::ip(host, port);
}

std::string Endpoint::to_string() const {
  if (scheme == Scheme::local) return "unix:" + host;
  std::string out = scheme == Scheme::tcp ? "tcp://" : scheme == Scheme::udp ? "udp://" : "tls://";
  out += host.contains(':') ? '[' + host + ']' : host;
  out += ':' + std::to_string(port_first);
  if (is_range()) out += '-' + std::to_string(port_last);
  return out;
}

}  // namespace parley
