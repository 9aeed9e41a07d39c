// connect(): a connection to what a URL names.
//
//   auto peer = co_await parley::connect(loop, "tcp://example.org:80");     // a name, looked up
//   auto first = co_await parley::connect(loop, "tcp://127.0.0.1:9000-9998");  // the first port that accepts
//   auto local = co_await parley::connect(loop, "unix:/run/echo.sock");
//   auto secure = co_await parley::connect(loop, "tls://example.org:443");  // the host's certificate is verified
//
// A name may have many addresses, some of which don't answer. They are tried as RFC 8305 ("happy eyeballs") says: IPv6
// and IPv4 in turn, beginning with whichever the system prefers; the next attempt begins when the one before has
// failed, or after attempt_delay; the first that connects wins, and the others are given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include <parley/address.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/loop.h>
#include <parley/resolve.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/tls.h>
#include <parley/udp.h>

namespace parley {

struct ConnectOptions {
  // RFC 8305, 8: "Connection Attempt Delay ... RECOMMENDED at 250 milliseconds".
  std::chrono::milliseconds attempt_delay{250};
  // The address of this end, of those that this machine has; port 0 is any free one. Of a name's addresses only those
  // of its family are tried: invalid_argument if there is none, and for what is not TCP. Family::none: the kernel
  // chooses.
  Address from = {};
  // Of tls: endpoints: whom to trust, and what to show. The default trusts whom the system does.
  tls::Client tls = {};
  // Who looks names up; tests and programs with a resolver of their own put theirs here. `host` is never a number.
  Task<Result<std::vector<Address>>> (*resolve)(Loop& loop, std::string_view host,
                                                std::uint16_t port) = parley::resolve;
};

// Connects to a tcp:, tls: or unix: endpoint. An empty host is this machine, and for TLS "localhost". Of a range of
// ports, tried in order, the first that accepts; all ports of a name are tried with the same addresses. Errors:
// invalid_address (a URL that is none), invalid_argument (a udp: one), those of resolve(), those of connecting to an
// address (stream.h). When several attempts failed, the error is the most telling one: that nothing listens (refused)
// says more than that there is no way to go there (unreachable). Of a tls: endpoint also those of
// tls::Client::connect(); the handshake has its own limit, and of a range of ports only the first that accepts counts.
// No limit of time but the kernel's: use within(). Cancelling: every attempt is given up.
Task<Result<Stream>> connect(Loop& loop, Endpoint endpoint, ConnectOptions options = {});
Task<Result<Stream>> connect(Loop& loop, std::string_view url, const ConnectOptions& options = {});

// A UdpSocket connected to a udp: endpoint, or to the Unix-domain datagram socket of a unix: one. Of a name, the first
// address that this machine has a route to, and 127.0.0.1 rather than ::1; a range of ports is Errc::invalid_argument,
// since nothing tells which one somebody listens on.
Task<Result<UdpSocket>> connect_udp(Loop& loop, Endpoint endpoint, ConnectOptions options = {});
Task<Result<UdpSocket>> connect_udp(Loop& loop, std::string_view url, const ConnectOptions& options = {});

}  // namespace parley
