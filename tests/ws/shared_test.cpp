#include "ws/shared.h"

#include <gtest/gtest.h>
#include <parley/parley.h>

#include <set>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

TEST(MaskKeys, AreFreshAndSpreadOverAllBits) {
  MaskKeys keys;
  std::set<codec::MaskKey> seen;
  codec::MaskKey ones = 0;
  codec::MaskKey zeros = ~codec::MaskKey{0};
  for (int i = 0; i < 1000; ++i) {
    const codec::MaskKey key = keys.next();
    seen.insert(key);
    ones |= key;
    zeros &= key;
  }
  EXPECT_GT(seen.size(), 990u);
  EXPECT_EQ(ones, ~codec::MaskKey{0});
  EXPECT_EQ(zeros, 0u);
}

Task<> wait_seconds(int seconds) { (void)co_await sleep_for(std::chrono::seconds(seconds)); }

TEST(Shared, CountsSecondsWhileItHasSessions) {
  Simulation simulation;
  Loop loop(simulation);
  auto* shared = new Shared(loop.core(), Role::server, {.keepalive_seconds = 0});  // owned: released below
  auto ends = pipe(loop);
  Session session = SessionCore::make(std::move(ends.second), *shared, 0);
  loop.run(wait_seconds(10));
  EXPECT_GE(shared->second, 9u);
  EXPECT_LE(shared->second, 10u);
  shared->release();
  session = {};  // the last one: Shared ends with it, as the leak check of the sanitizer sees
}

}  // namespace
}  // namespace parley::ws
