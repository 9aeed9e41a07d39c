// Copying bytes: std::ranges::copy() of a std::span of them is a loop, with g++ 12.
#pragma once

#include <cstring>

#include <parley/bytes.h>

namespace parley {

// As std::memcpy(), but an empty view may be of nothing.
inline void copy_bytes(Bytes from, std::byte* to) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace parley
