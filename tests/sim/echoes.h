// Clients that send messages of all sizes to an echo server, and look at every byte that comes back.
#pragma once

#include "sim/seeds.h"

namespace parley::sim {

struct EchoClient {
  World& world;
  Address server;
  std::uint64_t id;
  std::size_t sent = 0;
  std::size_t received = 0;
  Error end = {};
};

// What they talk over.
struct EchoWay {
  Task<Result<Stream>> (*connect)(World& world, Address server) = connect_at_last;
  ServeOptions options = {};
};

// Several clients at once; `survives` is what must hold for each of them in the end.
Task<> echo_to_several(World& world, void (*survives)(const EchoClient&), EchoWay way = {});

}  // namespace parley::sim
