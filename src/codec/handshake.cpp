#include "codec/handshake.h"

#include <algorithm>
#include <array>

namespace parley::codec {

bool may_be_added(const HeaderText& header) noexcept {
  constexpr std::array<std::string_view, 6> own{"Host",   "Connection",     "Upgrade",
                                                "Origin", "Content-Length", "Transfer-Encoding"};
  constexpr std::string_view websocket = "Sec-WebSocket-";
  const std::string_view name = header.name;
  const auto is_it = [&](std::string_view each) { return equals_ignoring_case(each, name); };
  return is_token(name) && is_field_value(header.value) && std::ranges::none_of(own, is_it) &&
         !equals_ignoring_case(name.substr(0, websocket.size()), websocket);
}

}  // namespace parley::codec
