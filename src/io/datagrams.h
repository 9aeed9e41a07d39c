// Many datagrams in one system call: the kernel's half of UdpSocket. docs/decisions/udp-batching.md has the figures.
#pragma once

#include <cstddef>
#include <span>

#include "io/driver.h"

namespace parley::detail {

// At most so many are taken by one call; the rest is for the next one.
inline constexpr std::size_t sent_at_once_max = 64;
inline constexpr std::size_t received_at_once_max = 16;

// Lets a UDP socket receive runs of datagrams as one piece (UDP_GRO). Where the kernel can't, they come one by one.
void allow_runs(int descriptor) noexcept;

// How many went; < 0: -errno for the first one. Neighbours in `datagrams` that also lie next to each other in memory,
// of one size and to one peer, go to the kernel as one piece (UDP_SEGMENT).
std::ptrdiff_t send_datagrams(int descriptor, std::span<const Datagram> datagrams) noexcept;

// Fills the first so many; < 0: -errno (-EAGAIN: nothing there). One that does not fit into its room is dropped. The
// rooms may change places.
std::ptrdiff_t receive_datagrams(int descriptor, std::span<Datagram> datagrams) noexcept;

}  // namespace parley::detail
