// WebSocket clients of simulated systems.
#pragma once

#include <string>

#include <parley/ws.h>

#include "sim/seeds.h"

namespace parley::sim {

std::string url_of(const Address& address);

// Connects, again and again while the simulation refuses. Fails the test when it never succeeds.
Task<Result<ws::Session>> open_at_last(World& world, Address address, ws::ConnectOptions options);

ws::DeflateOptions draw_deflate(Random& random);

}  // namespace parley::sim
