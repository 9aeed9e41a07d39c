// A session between a head and its payload holds no buffer: what it knows of the message is put aside. Whatever happens
// then, it must find that again, or forget it.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "ws/compressed.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Frame;
using testing::Pair;

constexpr std::size_t head_bytes = 6;  // of a short message from a client

struct Scene {
  explicit Scene(const Limits& limits = {}, std::optional<codec::DeflateParameters> deflate = {})
      : pair(loop, Role::server, limits, deflate) {}
  ~Scene() {
    pair.session = {};
    pair.peer.close();
  }

  // The first bytes, and then `rest` once the session waits for more; at last what it answers.
  Task<> talk(std::string first, std::string rest, bool then_ends) {
    co_await pair.peer.send(first);
    co_await sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(loop.core().buffers.lent_bytes(), 0u);
    co_await sleep_for(std::chrono::milliseconds(500));
    if (!rest.empty()) co_await pair.peer.send(rest);
    if (then_ends) pair.peer.shutdown();
    auto answer = co_await pair.frame();
    while (answer) {
      answers.push_back(*answer);
      answer = co_await pair.frame();
    }
    auto sent = co_await pair.peer.send("x");
    peer_is_gone = !sent && sent.error() == Errc::reset;
    pair.peer.close();
  }

  void run(Task<> handler, std::string first, std::string rest, bool then_ends = false) {
    auto main = [](Scene& scene, Task<> one, Task<> other) -> Task<> {
      TaskGroup group(scene.loop);
      group.spawn(std::move(one));
      group.spawn(std::move(other));
      co_await group.join();
      EXPECT_EQ(scene.loop.core().buffers.lent_bytes(), 0u);
    };
    loop.run(main(*this, std::move(handler), talk(std::move(first), std::move(rest), then_ends)));
  }

  Simulation simulation;
  Loop loop{simulation};
  Pair pair;
  std::vector<Frame> answers;
  bool peer_is_gone = false;
};

Task<> receive_failure(Session& session, Errc& how) {
  auto message = co_await session.receive();
  how = message.error().code;
}

TEST(Aside, TheStreamEndsBeforeThePayload) {
  Scene scene;
  Errc how = Errc::none;
  const std::string wire = scene.pair.wire(Opcode::text, "hello");
  scene.run(receive_failure(scene.pair.session, how), wire.substr(0, head_bytes), "", true);
  EXPECT_EQ(how, Errc::reset);
  EXPECT_TRUE(scene.answers.empty());
}

// It has sent a Close frame; only the peer's, behind the payload, lets the server close TCP.
TEST(Aside, OfAHandlerThatHasLeftTheCloseBehindThePayloadIsFound) {
  Scene scene;
  auto handler = [](Session session) -> Task<> {
    auto message = co_await within(std::chrono::milliseconds(10), session.receive());
    EXPECT_EQ(message.error(), Errc::timed_out);
    co_await sleep_for(std::chrono::milliseconds(600));
  };
  const std::string wire = scene.pair.wire(Opcode::text, "hello");
  scene.run(handler(std::move(scene.pair.session)), wire.substr(0, head_bytes),
            wire.substr(head_bytes) + scene.pair.wire(Opcode::close, "\x03\xe8"));
  ASSERT_EQ(scene.answers.size(), 1u);
  EXPECT_EQ(scene.answers[0], (Frame{0x88, "\x03\xe9", false}));  // 1001
  EXPECT_TRUE(scene.peer_is_gone);
}

TEST(Aside, APayloadThatIsWrongIsRefused) {
  Scene scene;
  Errc how = Errc::none;
  const std::string wire = scene.pair.wire(Opcode::text, "\xff\xff\xff");
  scene.run(receive_failure(scene.pair.session, how), wire.substr(0, head_bytes), wire.substr(head_bytes));
  EXPECT_EQ(how, Errc::protocol);
  ASSERT_EQ(scene.answers.size(), 1u);
  EXPECT_EQ(scene.answers[0].payload.substr(0, 2), "\x03\xef");  // 1007
}

TEST(Aside, ACompressedMessageWhosePayloadComesLater) {
  Scene scene({}, codec::DeflateParameters{});
  std::string got;
  auto handler = [](Session& session, std::string& text) -> Task<> {
    auto message = co_await session.receive();
    if (message) text = message->text();
    (void)session.close();
    (void)co_await session.receive();
  };
  const std::string wire =
      scene.pair.wire(testing::fin | testing::rsv1 | testing::text, testing::deflated("hello, hello, hello"));
  scene.run(handler(scene.pair.session, got), wire.substr(0, head_bytes), wire.substr(head_bytes), true);
  EXPECT_EQ(got, "hello, hello, hello");
}

}  // namespace
}  // namespace parley::ws
