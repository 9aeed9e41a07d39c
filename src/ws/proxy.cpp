#include "ws/proxy.h"

#include <netinet/in.h>

#include <charconv>
#include <span>

#include "codec/proxy.h"

namespace parley::ws {
namespace {

using codec::HttpTunnel;
using codec::SocksTunnel;
using codec::TunnelStep;

struct KnownScheme {
  std::string_view prefix;
  Proxy::Kind kind;
  std::string_view default_port;
};
// "socks5h" is what others call it when the proxy looks the name up, as it always does here.
constexpr KnownScheme schemes[] = {{"http://", Proxy::Kind::http, "80"},
                                   {"socks5://", Proxy::Kind::socks5, "1080"},
                                   {"socks5h://", Proxy::Kind::socks5, "1080"}};

// "A percent-encoded octet is encoded as a character triplet" (RFC 3986, 2.1)
Result<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    unsigned octet = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
    if (digits.size() != 2 || parsed.ptr != digits.data() + 2) return parley::fail(Errc::invalid_address);
    decoded += static_cast<char>(octet);
    at += 2;
  }
  return decoded;
}

Result<void> read_credentials(std::string_view text, Proxy& proxy) {
  const std::size_t colon = text.find(':');
  Result<std::string> user = decode(text.substr(0, colon));
  Result<std::string> password = decode(colon == text.npos ? std::string_view() : text.substr(colon + 1));
  if (!user || !password) return parley::fail(Errc::invalid_address);
  proxy.user = std::move(*user);
  proxy.password = std::move(*password);
  return {};
}

Bytes octets_of(const Address& address) noexcept {
  if (address.family() == Family::ipv4) {
    return std::as_bytes(std::span(&static_cast<const sockaddr_in*>(address.data())->sin_addr, 1));
  }
  return std::as_bytes(std::span(&static_cast<const sockaddr_in6*>(address.data())->sin6_addr, 1));
}

// Says to the proxy what the tunnel wants said, until it is there.
template <class Tunnel>
Task<Result<Stream>> open(Loop& loop, const Proxy& proxy, const parley::ConnectOptions& options, Result<Tunnel> tunnel,
                          unsigned& status) {
  if (!tunnel) co_return std::unexpected(tunnel.error());
  Result<Stream> peer = co_await parley::connect(loop, proxy.endpoint, options);
  if (!peer) co_return peer;
  TunnelStep step = TunnelStep::send;
  std::string unread;
  for (;;) {
    if (step == TunnelStep::send) {
      Result<void> sent = co_await peer->send(tunnel->output());
      if (!sent) co_return std::unexpected(sent.error());
    } else {
      Result<Bytes> received = co_await peer->receive();
      if (!received) co_return std::unexpected(received.error());
      unread += as_text(*received);
    }
    Bytes rest = as_bytes(unread);
    step = tunnel->next(rest);
    status = tunnel->status();
    if (step == TunnelStep::failed) co_return std::unexpected(tunnel->error());
    if (step == TunnelStep::open) co_return rest.empty() ? std::move(peer) : parley::fail(Errc::protocol);
    unread.erase(0, unread.size() - rest.size());
  }
}

}  // namespace

Result<Proxy> parse_proxy(std::string_view url) {
  if (url.empty()) return Proxy{};
  for (const KnownScheme& scheme : schemes) {
    if (!codec::equals_ignoring_case(url.substr(0, scheme.prefix.size()), scheme.prefix)) continue;
    Proxy proxy;
    proxy.kind = scheme.kind;
    url.remove_prefix(scheme.prefix.size());
    if (url.ends_with('/')) url.remove_suffix(1);
    if (const std::size_t at = url.rfind('@'); at != url.npos) {
      if (!read_credentials(url.substr(0, at), proxy)) break;
      url.remove_prefix(at + 1);
    }
    codec::Authority authority;
    if (!codec::parse_authority(url, authority) || authority.host.empty()) break;
    std::string text = "tcp://" + std::string(authority.host) + ":";
    text += authority.port.empty() ? scheme.default_port : authority.port;
    Result<Endpoint> endpoint = Endpoint::parse(text);
    if (!endpoint) break;
    proxy.endpoint = std::move(*endpoint);
    return proxy;
  }
  return parley::fail(Errc::invalid_address);
}

// No coroutine: what the tunnel is made from need not outlive the call.
Task<Result<Stream>> connect_through(Loop& loop, const Proxy& proxy, const Endpoint& target,
                                     const parley::ConnectOptions& options, const codec::HeadLimits& limits,
                                     unsigned& status) {
  const bool can_be_asked_for = target.scheme == Scheme::tcp && !target.is_range() && !target.host.empty();
  if (!can_be_asked_for) {
    return open<SocksTunnel>(loop, proxy, options, parley::fail(Errc::invalid_argument), status);
  }
  const Result<Address> address = target.address();
  const bool in_brackets = address && address->family() == Family::ipv6;
  const std::string host = in_brackets ? "[" + target.host + "]" : target.host;
  const codec::TunnelTarget to{host, address ? octets_of(*address) : Bytes(), target.port_first};
  const codec::Credentials credentials{proxy.user, proxy.password};
  if (proxy.kind == Proxy::Kind::http) {
    return open(loop, proxy, options, HttpTunnel::to(to, credentials, limits), status);
  }
  return open(loop, proxy, options, SocksTunnel::to(to, credentials), status);
}

}  // namespace parley::ws
