// Basic credentials (RFC 7617), for a server or for a proxy.
#pragma once

#include <string>
#include <string_view>

namespace parley::codec {

struct Credentials {
  std::string_view user;
  std::string_view password;

  bool given() const noexcept { return !user.empty() || !password.empty(); }
};

// "The user-id and password MUST NOT contain any control characters", and "a user-id containing a colon character is
// invalid" (2).
bool is_basic(const Credentials& credentials) noexcept;

// The value of Authorization or Proxy-Authorization: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".
std::string write_basic(const Credentials& credentials);

}  // namespace parley::codec
