// What a client asks for: its options with texts of their own, which outlive the call that was given them.
#pragma once

#include <string>
#include <vector>

#include <parley/ws/client.h>

#include "base/split.h"
#include "codec/handshake.h"
#include "ws/proxy.h"
#include "ws/text.h"
#include "ws/url.h"

namespace parley::ws {

struct Wishes {
  explicit Wishes(const ConnectOptions& from)
      : options(from),
        subprotocols(split_list(from.subprotocols)),
        origin(from.origin),
        user(from.user),
        password(from.password),
        bearer(from.bearer),
        headers(split_headers(from.headers)),
        proxy(parse_proxy(from.proxy)) {
    options.subprotocols = options.origin = options.user = options.password = options.bearer = {};
    options.headers = options.proxy = {};
  }

  void forget_secrets() {
    user.clear();
    password.clear();
    bearer.clear();
    headers.clear();
  }

  ConnectOptions options;  // without its texts
  std::vector<std::string> subprotocols;
  std::string origin;
  std::string user;
  std::string password;
  std::string bearer;
  std::vector<codec::HeaderText> headers;
  Result<Proxy> proxy;
};

// As connect().
Task<Result<Session>> connect_as(Loop& loop, Result<Url> where, Wishes wishes, Refusal* refusal);

}  // namespace parley::ws
