// Ways through a proxy, as a client goes them: bytes in, bytes out, and in the end a tunnel.
//
//   HttpTunnel   CONNECT (RFC 9110, 9.3.6), with Basic credentials
//   SocksTunnel  SOCKS5 (RFC 1928), with a user name and a password (RFC 1929)
//
//   std::string_view output() first; then, with what the proxy answers:
//   switch (tunnel.next(bytes)) {         // takes from the front what it has understood
//     case TunnelStep::starved: ...       // call again with more behind what is left
//     case TunnelStep::send: ...          // send output(), and call again with what is left
//     case TunnelStep::open: ...          // what is left comes from the target
//     case TunnelStep::failed: ...        // error() says why
//   }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <parley/bytes.h>
#include <parley/error.h>

#include "codec/credentials.h"
#include "codec/http1.h"

namespace parley::codec {

enum class TunnelStep : std::uint8_t { starved, send, open, failed };

struct TunnelTarget {
  std::string_view host;  // a name, or an address as in a URL, an IPv6 one in brackets
  Bytes address = {};     // its 4 or 16 octets, if it is one
  std::uint16_t port = 0;
};

class HttpTunnel {
 public:
  // Errc::invalid_argument: credentials that Basic can't express, or a host that is none.
  static Result<HttpTunnel> to(const TunnelTarget& target, const Credentials& credentials, const HeadLimits& limits);

  std::string_view output() const noexcept { return output_; }
  TunnelStep next(Bytes& bytes);

  // refused: by the status below. protocol and too_large: an answer that is none, or is longer than the limits allow.
  Error error() const noexcept { return error_; }
  std::uint16_t status() const noexcept { return status_; }

 private:
  explicit HttpTunnel(const HeadLimits& limits) noexcept : limits_(limits), reader_(limits) {}
  TunnelStep fail(Errc code) noexcept;

  HeadLimits limits_;
  ResponseReader reader_;
  std::string output_;
  Error error_;
  std::uint16_t status_ = 0;
};

class SocksTunnel {
 public:
  static constexpr std::size_t text_bytes_max = 255;  // of a name, a user name and a password each: one octet counts

  // Errc::invalid_argument: longer ones, or a user without a password or the other way round (RFC 1929 counts either
  // from 1).
  static Result<SocksTunnel> to(const TunnelTarget& target, const Credentials& credentials);

  std::string_view output() const noexcept { return output_; }
  TunnelStep next(Bytes& bytes);

  // permission_denied: the credentials, or the proxy's rules. refused, unreachable and timed_out: what the proxy met
  // on its way to the target; refused is also whatever it doesn't say or can't do. protocol: an answer that is none.
  Error error() const noexcept { return error_; }
  std::uint16_t status() const noexcept { return 0; }

 private:
  enum class Awaits : std::uint8_t { method, verdict, reply };

  SocksTunnel() noexcept = default;
  TunnelStep read_method(Bytes& bytes);
  TunnelStep read_verdict(Bytes& bytes);
  TunnelStep read_reply(Bytes& bytes);
  TunnelStep fail(Errc code) noexcept;

  Awaits awaits_ = Awaits::method;
  std::string output_;
  std::string credentials_;  // what follows if the proxy wants to know; empty: it may not
  std::string request_;
  Error error_;
};

}  // namespace parley::codec
