// Datagrams, several to a system call.
#pragma once

#include <cstddef>
#include <span>

#include "io/driver.h"

namespace parley::detail {

// How many went or came; < 0 is -errno for the first.
std::ptrdiff_t send_datagrams(int descriptor, std::span<const Datagram> datagrams) noexcept;
std::ptrdiff_t receive_datagrams(int descriptor, std::span<Datagram> datagrams) noexcept;

}  // namespace parley::detail
