#include "codec/proxy.h"

#include <array>

namespace parley::codec {
namespace {

// RFC 1928 and 1929.
constexpr std::uint8_t socks_version = 5;
constexpr std::uint8_t no_authentication = 0;
constexpr std::uint8_t user_and_password = 2;
constexpr std::uint8_t no_acceptable_methods = 0xFF;
constexpr std::uint8_t negotiation_version = 1;
constexpr std::uint8_t connect_command = 1;
constexpr std::uint8_t ipv4_address = 1;
constexpr std::uint8_t domain_name = 3;
constexpr std::uint8_t ipv6_address = 4;

std::uint8_t octet(Bytes bytes, std::size_t at) noexcept { return std::to_integer<std::uint8_t>(bytes[at]); }

void append(std::string& text, std::size_t octet) { text += static_cast<char>(octet); }

void append_counted(std::string& text, std::string_view part) {
  append(text, part.size());
  text += part;
}

}  // namespace

// --- HTTP ---------------------------------------------------------------------------------------------------------

Result<HttpTunnel> HttpTunnel::to(const TunnelTarget& target, const Credentials& credentials,
                                  const HeadLimits& limits) {
  const std::string authority = std::string(target.host) + ":" + std::to_string(target.port);
  Authority parsed;
  if (!parse_authority(authority, parsed) || parsed.host.empty() || !is_basic(credentials)) {
    return parley::fail(Errc::invalid_argument);
  }
  HttpTunnel tunnel(limits);
  // "CONNECT uses a special form of request target, unique to this method, consisting of only the host and port number
  // of the tunnel destination, separated by a colon."
  tunnel.output_ = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (credentials.given()) tunnel.output_ += "Proxy-Authorization: " + write_basic(credentials) + "\r\n";
  tunnel.output_ += "\r\n";
  return tunnel;
}

TunnelStep HttpTunnel::next(Bytes& bytes) {
  for (;;) {
    Response response;
    const HeadStep step = reader_.next(bytes, response);
    if (step == HeadStep::starved) return TunnelStep::starved;
    if (step == HeadStep::fault) {
      return fail(reader_.fault() == HeadFault::too_large ? Errc::too_large : Errc::protocol);
    }
    status_ = response.status;
    // "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will switch to tunnel mode
    // immediately after the response header section; [...] A client MUST ignore any Content-Length or Transfer-Encoding
    // header fields received in a successful response to CONNECT." A 101 would switch to something else.
    if (status_ == 101 || status_ >= 300) return fail(status_ == 101 ? Errc::protocol : Errc::refused);
    bytes = bytes.subspan(reader_.head_bytes());
    if (status_ >= 200) return TunnelStep::open;
    reader_ = ResponseReader(limits_);  // 1xx, and the final one follows
  }
}

TunnelStep HttpTunnel::fail(Errc code) noexcept {
  error_ = {code};
  return TunnelStep::failed;
}

// --- SOCKS5 -------------------------------------------------------------------------------------------------------

Result<SocksTunnel> SocksTunnel::to(const TunnelTarget& target, const Credentials& credentials) {
  const bool fits = target.host.size() <= text_bytes_max && credentials.user.size() <= text_bytes_max &&
                    credentials.password.size() <= text_bytes_max;
  if (!fits || target.host.empty() || credentials.user.empty() != credentials.password.empty()) {
    return parley::fail(Errc::invalid_argument);
  }
  SocksTunnel tunnel;
  const bool may_tell = credentials.given();
  tunnel.output_ = {socks_version, static_cast<char>(may_tell ? 2 : 1), no_authentication};
  if (may_tell) {
    append(tunnel.output_, user_and_password);
    append(tunnel.credentials_, negotiation_version);
    append_counted(tunnel.credentials_, credentials.user);
    append_counted(tunnel.credentials_, credentials.password);
  }
  // "VER CMD RSV ATYP DST.ADDR DST.PORT" (RFC 1928, 4)
  tunnel.request_ = {socks_version, connect_command, 0};
  if (target.address.empty()) {
    append(tunnel.request_, domain_name);
    append_counted(tunnel.request_, target.host);
  } else {
    append(tunnel.request_, target.address.size() == 4 ? ipv4_address : ipv6_address);
    tunnel.request_ += as_text(target.address);
  }
  append(tunnel.request_, target.port >> 8);
  append(tunnel.request_, target.port & 0xFF);
  return tunnel;
}

TunnelStep SocksTunnel::next(Bytes& bytes) {
  if (awaits_ == Awaits::method) return read_method(bytes);
  return awaits_ == Awaits::verdict ? read_verdict(bytes) : read_reply(bytes);
}

// "VER METHOD" (RFC 1928, 3)
TunnelStep SocksTunnel::read_method(Bytes& bytes) {
  if (!bytes.empty() && octet(bytes, 0) != socks_version) return fail(Errc::protocol);
  if (bytes.size() < 2) return TunnelStep::starved;
  const std::uint8_t method = octet(bytes, 1);
  bytes = bytes.subspan(2);
  switch (method) {
    case no_authentication:
      awaits_ = Awaits::reply;
      output_ = request_;
      return TunnelStep::send;
    case user_and_password:
      if (credentials_.empty()) return fail(Errc::protocol);
      awaits_ = Awaits::verdict;
      output_ = credentials_;
      return TunnelStep::send;
    // "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable, and the client MUST
    // close the connection."
    case no_acceptable_methods: return fail(Errc::permission_denied);
    default: return fail(Errc::protocol);
  }
}

// "VER STATUS" (RFC 1929, 2)
TunnelStep SocksTunnel::read_verdict(Bytes& bytes) {
  if (!bytes.empty() && octet(bytes, 0) != negotiation_version) return fail(Errc::protocol);
  if (bytes.size() < 2) return TunnelStep::starved;
  // "A STATUS field of X'00' indicates success. If the server returns a `failure' (STATUS value other than X'00')
  // status, it MUST close the connection."
  if (octet(bytes, 1) != 0) return fail(Errc::permission_denied);
  bytes = bytes.subspan(2);
  awaits_ = Awaits::reply;
  output_ = request_;
  return TunnelStep::send;
}

// "VER REP RSV ATYP BND.ADDR BND.PORT" (RFC 1928, 6). What address the proxy uses is of no interest.
TunnelStep SocksTunnel::read_reply(Bytes& bytes) {
  constexpr std::array errors{Errc::none,        Errc::refused,     Errc::permission_denied,
                              Errc::unreachable, Errc::unreachable, Errc::refused,
                              Errc::timed_out,   Errc::refused,     Errc::refused};
  if (!bytes.empty() && octet(bytes, 0) != socks_version) return fail(Errc::protocol);
  if (bytes.size() < 2) return TunnelStep::starved;
  const std::uint8_t reply = octet(bytes, 1);
  if (reply >= errors.size()) return fail(Errc::refused);
  if (reply != 0) return fail(errors[reply]);
  if (bytes.size() < 5) return TunnelStep::starved;
  std::size_t address_bytes = 0;
  switch (octet(bytes, 3)) {
    case ipv4_address: address_bytes = 4; break;
    case ipv6_address: address_bytes = 16; break;
    case domain_name: address_bytes = 1U + octet(bytes, 4); break;
    default: return fail(Errc::protocol);
  }
  const std::size_t reply_bytes = 4 + address_bytes + 2;
  if (bytes.size() < reply_bytes) return TunnelStep::starved;
  bytes = bytes.subspan(reply_bytes);
  return TunnelStep::open;
}

TunnelStep SocksTunnel::fail(Errc code) noexcept {
  error_ = {code};
  return TunnelStep::failed;
}

}  // namespace parley::codec
