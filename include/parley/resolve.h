// resolve(): the addresses of a host name, looked up off the loop's thread, which goes on meanwhile.
//
//   auto addresses = co_await parley::resolve(loop, "example.org", 80);
//
// To connect by name there is connect.h, which uses this.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <parley/address.h>
#include <parley/error.h>
#include <parley/loop.h>
#include <parley/task.h>

namespace parley {

// How many threads a Loop uses for lookups at the same time; further ones wait for their turn.
inline constexpr unsigned resolve_threads_max = 4;

// At least one address, each with `port`, best first (getaddrinfo(3), in the order of RFC 6724), none twice.
// Numbers ("127.0.0.1", "::1") need no lookup, nor does "localhost", which is ::1, then 127.0.0.1 (RFC 6761). On a
// simulated loop nothing else is known. `host` is copied.
// Errors: not_found, name_failed, invalid_address (empty, too long, or a zero byte in it), memory_exhausted.
// Cancelling: returns at once. The lookup itself can't be interrupted: its thread ends when the system's resolver gives
// up, and its answer goes nowhere. The Loop may be destroyed meanwhile, and the program may end.
Task<Result<std::vector<Address>>> resolve(Loop& loop, std::string_view host, std::uint16_t port);

}  // namespace parley
