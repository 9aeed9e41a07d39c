// URLs of WebSocket (RFC 6455, 3).
#pragma once

#include <string>
#include <string_view>

#include <parley/endpoint.h>
#include <parley/error.h>

namespace parley::ws {

struct Url {
  Endpoint endpoint;    // where to connect or listen: tcp: or unix:
  std::string host;     // for the Host header: with the port unless it is the default one
  std::string target;   // path and query: for the request line
  bool secure = false;  // over TLS
};

// "ws://host[:port][/path][?query]": port 80 if there is none, a range of ports if there are two. "wss://...": over
// TLS, and port 443. "ws+unix:/socket" and "ws+unix:/socket:/path?query", and "unix:/socket". A fragment is refused
// ("Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these URIs").
Result<Url> parse_url(std::string_view url);

}  // namespace parley::ws
