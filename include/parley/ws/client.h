// A WebSocket client.
//
//   auto session = co_await parley::ws::connect(loop, "wss://example.org/chat");
#pragma once

#include <string>
#include <string_view>

#include <parley/connect.h>
#include <parley/error.h>
#include <parley/task.h>
#include <parley/ws/deflate.h>
#include <parley/ws/frame.h>
#include <parley/ws/request.h>
#include <parley/ws/session.h>

namespace parley::ws {

// Lists are written with commas and headers as lines, so that options can be written in place, also inside of a
// co_await. The texts are copied by the call that takes the options.
struct ConnectOptions {
  Limits limits = {};
  std::string_view subprotocols = {};  // "chat.v2, chat.v1", in the order of preference
  std::string_view origin = {};        // empty: none
  std::string_view user = {};
  std::string_view password = {};  // Basic credentials (RFC 7617), if there is a user
  std::string_view bearer = {};    // a token (RFC 6750), instead
  std::string_view headers = {};   // "Name: value", a line each: for the request
  bool deflate = false;            // offers permessage-deflate
  DeflateOptions deflate_options = {};
  // "http://user:password@proxy.example:3128" (CONNECT: RFC 9110, 9.3.6) or "socks5://..." (RFC 1928 and 1929; port
  // 1080 if there is none); empty: straight. The proxy looks the server's name up. Octets of the user name and the
  // password may be written as "%40". No environment variable is read.
  std::string_view proxy = {};
  // How many redirects to follow; 0: a redirect is an error. What leads to another host or port is followed without
  // `user`, `password`, `bearer` and `headers`; one from a host to a Unix-domain socket, and one from wss: to ws:, is
  // not: refused.
  unsigned redirects_max = 0;

  std::size_t handshake_bytes_max = 8 * 1024;  // of the response's head
  unsigned handshake_seconds = 5;              // for connecting and the whole handshake
  parley::ConnectOptions connect = {};         // names, happy eyeballs, TLS

  FrameObserver frame = nullptr;  // is shown every frame
  void* frame_state = nullptr;
};

// What a server, or a proxy, said that did not accept.
struct Refusal {
  unsigned status = 0;    // 401, 404 ...; 0: there was no response, or it was a SOCKS5 proxy's
  std::string location;   // of a redirect; what a peer wrote
  bool by_proxy = false;  // it failed at the proxy, or on the way from there
};

// Connects and shakes hands. "ws://host:port/path?query" (port 80 if there is none), "wss://..." (over TLS; port 443),
// "ws+unix:/run/chat.sock:/path".
// Errors: invalid_address (no such URL), invalid_argument (an option that can't be written down), those of
// parley::connect(), refused (the server answered with another status; `refusal` has it), protocol (an answer that is
// none), too_large, timed_out, end, reset. Of a proxy also: permission_denied (SOCKS5: the credentials, or its rules),
// unreachable, refused and timed_out (what it met on its way), invalid_argument (a range of ports, a Unix-domain
// socket, a SOCKS5 user name or password of more than 255 bytes). Cancelling: the connection is closed.
Task<Result<Session>> connect(Loop& loop, std::string_view url, const ConnectOptions& options = {},
                              Refusal* refusal = nullptr);

}  // namespace parley::ws
