// The way of a client through a proxy.
#pragma once

#include <string>
#include <string_view>

#include <parley/connect.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/stream.h>
#include <parley/task.h>

#include "codec/http1.h"

namespace parley::ws {

struct Proxy {
  enum class Kind : std::uint8_t { none, http, socks5 };

  Kind kind = Kind::none;
  Endpoint endpoint;
  std::string user;
  std::string password;
};

// "http://[user:password@]host[:port]" (port 80 if there is none) and "socks5://..." or "socks5h://..." (1080). In the
// user name and the password "%40" is "@" (RFC 3986, 2.1). The empty text is Kind::none. Errc::invalid_address.
Result<Proxy> parse_proxy(std::string_view url);

// Connects to the proxy and asks it for a way to `target`, a tcp: endpoint with one port, whose name is not looked up
// here. `status` is what an HTTP proxy has answered. The tunnel's first bytes must be this side's: a target that speaks
// before it is spoken to is Errc::protocol. `proxy`, `options` and `status` must outlive the task.
Task<Result<Stream>> connect_through(Loop& loop, const Proxy& proxy, const Endpoint& target,
                                     const parley::ConnectOptions& options, const codec::HeadLimits& limits,
                                     unsigned& status);

}  // namespace parley::ws
