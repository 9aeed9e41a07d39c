// Bytes: a view of somebody else's memory. Who owns it, and for how long, is said wherever a view is handed out.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace parley {

using Bytes = std::span<const std::byte>;

// The same bytes, seen as text; no check is made that they are UTF-8.
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace parley
