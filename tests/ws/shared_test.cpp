#include "ws/shared.h"

#include <gtest/gtest.h>
#include <parley/parley.h>

#include <climits>
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

// As the leak check of the sanitizer sees.
TEST(Shared, EndsWithItsLastSession) {
  Simulation simulation;
  Loop loop(simulation);
  auto* shared = new Shared(loop.core(), Role::server, {});  // owned: released below
  auto ends = pipe(loop);
  Session session = SessionCore::make(std::move(ends.second), *shared, 0);
  shared->release();
  EXPECT_EQ(shared->limits.pong_seconds, Limits{}.pong_seconds);  // it is still there
  session = {};
}

TEST(Shared, CountsNoMoreSecondsThanSixteenBits) {
  Simulation simulation;
  Loop loop(simulation);
  const Limits endless{.keepalive_seconds = UINT_MAX, .pong_seconds = UINT_MAX, .idle_seconds = UINT_MAX};
  auto* shared = new Shared(loop.core(), Role::server, endless);  // owned: released below
  EXPECT_EQ(shared->limits.idle_seconds, 65'534u);
  EXPECT_EQ(shared->limits.keepalive_seconds + shared->limits.pong_seconds, 65'534u);
  shared->release();
}

void note(const ws::Frame& frame, void* state) {
  static_cast<std::vector<std::string>*>(state)->push_back(
      std::string(frame.sent ? ">" : "<") + (frame.fin ? "F" : "") + (frame.rsv1 ? "R" : "") +
      (frame.masked ? "M" : "") + std::to_string(frame.opcode) + " " +
      (frame.rsv1 ? std::string("...")
                  : std::to_string(frame.payload_bytes) + " " + std::string(as_text(frame.begin))));
}

Task<> show_frames(testing::Pair& pair) {
  using codec::Opcode;
  const std::string bytes = pair.wire(1, "He") + pair.wire(Opcode::ping, "?") + pair.wire(Opcode::continuation, "llo");
  co_await pair.peer.send(bytes);
  auto message = co_await pair.session.receive();
  EXPECT_EQ(message->text(), "Hello");
  co_await pair.session.send(*message);
  const std::string longer(100, 'a');
  co_await pair.session.send(longer);
  (void)pair.session.close(1000, "bye");
}

TEST(Shared, ShowsEachFrameToWhoeverObserves) {
  for (const Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    testing::Pair pair(loop, role, {}, codec::DeflateParameters{});
    std::vector<std::string> seen;
    pair.shared().observe(note, &seen);
    loop.run(show_frames(pair));
    const std::string in = role == Role::server ? "M" : "";
    const std::string out = role == Role::server ? "" : "M";
    const std::vector<std::string> expected{"<" + in + "1 2 He",
                                            "<F" + in + "9 1 ?",
                                            ">F" + out + "10 1 ?",
                                            "<F" + in + "0 3 llo",
                                            ">F" + out + "1 5 Hello",
                                            ">FR" + out + "1 ...",
                                            ">F" + out +
                                                "8 5 \x03\xe8"
                                                "bye"};
    EXPECT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < std::min(seen.size(), expected.size()); ++i) {
      EXPECT_EQ(seen[i], expected[i]);
    }
    pair.session = {};
    pair.peer.close();
  }
}

}  // namespace
}  // namespace parley::ws
