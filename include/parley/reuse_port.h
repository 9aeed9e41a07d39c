// ReusePort: how a socket shares its port with other sockets (SO_REUSEPORT), so that many loops serve one port.
#pragma once

#include <cstdint>

namespace parley {

enum class ReusePort : std::uint8_t {
  no,     // the port is this socket's alone
  first,  // takes a port that nobody has, not even to share, and lets others join; so no two programs share by accident
  join,   // shares the port with sockets of the same user that are `first` or `join`
};

}  // namespace parley
