#include "codec/credentials.h"

#include <algorithm>

#include <parley/bytes.h>

#include "codec/key.h"

namespace parley::codec {
namespace {

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

}  // namespace

bool is_basic(const Credentials& credentials) noexcept {
  return !credentials.user.contains(':') && !has_control(credentials.user) && !has_control(credentials.password);
}

std::string write_basic(const Credentials& credentials) {
  const std::string pair = std::string(credentials.user).append(":").append(credentials.password);
  return "Basic " + base64(as_bytes(pair));
}

}  // namespace parley::codec
