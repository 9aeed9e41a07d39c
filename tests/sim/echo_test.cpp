// Several clients at once over streams as they are: harmless faults change nothing, and others are told.
#include "sim/echoes.h"

namespace parley::sim {
namespace {

TEST(Echo, EveryByteComesBackInOrder) {
  for_seeds(SimulationOptions::harmless, [](World& world) -> Task<> {
    co_await echo_to_several(world, [](const EchoClient& client) {
      EXPECT_EQ(client.received, client.sent);
      EXPECT_GT(client.received, 0u);
      EXPECT_EQ(client.end, Errc::end);
    });
  });
}

TEST(Echo, NobodyIsToldOfAnOrderlyEndWhenBytesAreMissing) {
  for_seeds(SimulationOptions::hostile, [](World& world) -> Task<> {
    co_await echo_to_several(world, [](const EchoClient& client) {
      if (client.end == Errc::end) {
        EXPECT_EQ(client.received, client.sent);
      } else {
        EXPECT_EQ(client.end, Errc::reset);
      }
    });
  });
}

}  // namespace
}  // namespace parley::sim
