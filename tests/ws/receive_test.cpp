#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::Opcode;
using testing::Frame;
using testing::Pair;

struct Got {
  std::vector<std::pair<std::string, Kind>> messages;
  Errc how = Errc::none;
};

Task<> receive_all(Session& session, Got& got) {
  while (auto message = co_await session.receive()) got.messages.emplace_back(message->text(), message->kind());
  auto again = co_await session.receive();
  got.how = again.error().code;
}

// Closes TCP, when the session has, too.
Task<> finish(Pair& pair) {
  pair.peer.shutdown();
  bool more = true;
  while (more) more = (co_await pair.peer.receive()).has_value();
}

// Sends `bytes`, cut after each `step` of them, then closes TCP.
Task<> feed(Pair& pair, std::string bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string part = bytes.substr(at, step);
    co_await pair.peer.send(part);
    co_await sleep_for(std::chrono::milliseconds(1));
  }
  co_await finish(pair);
}

Task<> both(Loop& loop, Task<> one, Task<> other) {
  TaskGroup group(loop);
  group.spawn(std::move(one));
  group.spawn(std::move(other));
  co_await group.join();
}

Got receive(Role role, const std::function<std::string(Pair&)>& bytes, std::size_t step, const Limits& limits = {}) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, role, limits);
  Got got;
  loop.run(both(loop, receive_all(pair.session, got), feed(pair, bytes(pair), step)));
  pair.session = {};
  pair.peer.close();
  return got;
}

class EachRoleAndStep : public ::testing::TestWithParam<std::tuple<Role, std::size_t>> {
 protected:
  Got receive(const std::function<std::string(Pair&)>& bytes, const Limits& limits = {}) {
    return ws::receive(std::get<0>(GetParam()), bytes, std::get<1>(GetParam()), limits);
  }
};
INSTANTIATE_TEST_SUITE_P(Receive, EachRoleAndStep,
                         ::testing::Combine(::testing::Values(Role::server, Role::client),
                                            ::testing::Values(1, 2, 3, 5, 7, 11, 64, 100'000)));

TEST_P(EachRoleAndStep, WholeMessagesOfBothKinds) {
  const Got got = receive([](Pair& pair) {
    return pair.wire(Opcode::text, "Hello") + pair.wire(Opcode::binary, "") +
           pair.wire(Opcode::text, std::string(125, 'a')) + pair.wire(Opcode::binary, std::string(126, 'b')) +
           pair.wire(Opcode::close, std::string("\x03\xe8", 2));
  });
  ASSERT_EQ(got.messages.size(), 4u);
  EXPECT_EQ(got.messages[0], std::pair(std::string("Hello"), Kind::text));
  EXPECT_EQ(got.messages[1], std::pair(std::string(), Kind::binary));
  EXPECT_EQ(got.messages[2], std::pair(std::string(125, 'a'), Kind::text));
  EXPECT_EQ(got.messages[3], std::pair(std::string(126, 'b'), Kind::binary));
  EXPECT_EQ(got.how, Errc::end);
}

TEST_P(EachRoleAndStep, FragmentsWithControlFramesBetween) {
  const Got got = receive([](Pair& pair) {
    return pair.wire(0x01, "Hel") + pair.wire(Opcode::ping, "between") + pair.wire(0x00, "") +
           pair.wire(Opcode::pong, "nobody asked") + pair.wire(0x80, "lo") + pair.wire(Opcode::text, "next");
  });
  ASSERT_EQ(got.messages.size(), 2u);
  EXPECT_EQ(got.messages[0].first, "Hello");
  EXPECT_EQ(got.messages[1].first, "next");
  EXPECT_EQ(got.how, Errc::reset);  // no Close frame came
}

TEST_P(EachRoleAndStep, ACharacterMayBeCutBetweenFragments) {
  const Got got = receive([](Pair& pair) { return pair.wire(0x01, "\xf0\x9f") + pair.wire(0x80, "\x98\x80"); });
  ASSERT_EQ(got.messages.size(), 1u);
  EXPECT_EQ(got.messages[0].first, "\xf0\x9f\x98\x80");
}

TEST_P(EachRoleAndStep, TextThatIsNotUtf8) {
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(Opcode::text, "a\xff"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(Opcode::text, "half \xc3"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0x01, "\xc3") + pair.wire(0x80, "x"); }).how, Errc::protocol);
}

TEST_P(EachRoleAndStep, FramesOutOfOrder) {
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0x80, "continues nothing"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0x01, "a") + pair.wire(0x81, "b"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0xC1, "rsv1"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0x83, "reserved"); }).how, Errc::protocol);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(0x09, "fragmented"); }).how, Errc::protocol);
}

TEST_P(EachRoleAndStep, LimitsOfBytesAndFragments) {
  Limits limits;
  limits.message_bytes_max = 300;
  limits.fragments_max = 3;
  const Got fits = receive([](Pair& pair) { return pair.wire(Opcode::binary, std::string(300, 'x')); }, limits);
  EXPECT_EQ(fits.messages.size(), 1u);
  EXPECT_EQ(receive([](Pair& pair) { return pair.wire(Opcode::binary, std::string(301, 'x')); }, limits).how,
            Errc::protocol);
  EXPECT_EQ(
      receive(
          [](Pair& pair) { return pair.wire(0x02, std::string(200, 'x')) + pair.wire(0x80, std::string(101, 'x')); },
          limits)
          .how,
      Errc::protocol);
  EXPECT_EQ(receive(
                [](Pair& pair) {
                  return pair.wire(0x02, "") + pair.wire(0x00, "") + pair.wire(0x00, "") + pair.wire(0x80, "");
                },
                limits)
                .how,
            Errc::protocol);
}

TEST(Receive, AMessageOfManyBuffers) {
  for (Role role : {Role::server, Role::client}) {
    for (std::size_t step : {1000u, 65536u, 1'000'000u}) {
      const Got got = receive(
          role,
          [](Pair& pair) {
            std::string text;
            while (text.size() < 1'000'000) text += std::to_string(text.size()) + ",";
            return pair.wire(0x01, text.substr(0, 300'000)) + pair.wire(Opcode::ping, "!") +
                   pair.wire(0x80, text.substr(300'000)) + pair.wire(Opcode::text, "after");
          },
          step);
      std::string text;
      while (text.size() < 1'000'000) text += std::to_string(text.size()) + ",";
      ASSERT_EQ(got.messages.size(), 2u);
      EXPECT_TRUE(got.messages[0].first == text);
      EXPECT_EQ(got.messages[1].first, "after");
    }
  }
}

Task<> receive_parts(Session& session, std::string& all, std::size_t& parts, bool& last) {
  while (auto part = co_await session.receive_some()) {
    all += as_text(part->bytes);
    parts += 1;
    last = part->last;
  }
}

// A bug: up to 125 bytes in one frame were a message, however small message_bytes_max was.
TEST_P(EachRoleAndStep, AShortMessageIsNoLongerThanMessageBytesMax) {
  for (const std::size_t bytes_max : {0u, 1u, 100u, 124u, 126u, 1000u}) {
    for (const Opcode kind : {Opcode::text, Opcode::binary}) {
      const Limits limits{.message_bytes_max = bytes_max};
      const auto send = [&](std::size_t bytes) {
        return receive([&](Pair& pair) { return pair.wire(kind, std::string(bytes, 'x')); }, limits);
      };
      EXPECT_EQ(send(bytes_max).messages.size(), 1u) << bytes_max;
      EXPECT_EQ(send(bytes_max + 1).how, Errc::protocol) << bytes_max;
    }
  }
}

TEST(Receive, PartsOfAMessageThatIsLargerThanAllowed) {
  Simulation simulation;
  Loop loop(simulation);
  Limits limits;
  limits.message_bytes_max = 100;
  Pair pair(loop, Role::server, limits);
  const std::string sent(50'000, 'x');
  std::string all;
  std::size_t parts = 0;
  bool last = false;
  loop.run(
      both(loop, receive_parts(pair.session, all, parts, last), feed(pair, pair.wire(Opcode::binary, sent), 1000)));
  EXPECT_EQ(all.size(), sent.size());
  EXPECT_GE(parts, 50u);
  EXPECT_TRUE(last);
  pair.session = {};
}

// A bug: a session that waited for more of a message read that into the smallest of buffers, 8 KiB after 8 KiB, so that
// 1 MiB in parts cost four times as much as whole.
Task<> feed_and_look(Loop& loop, Pair& pair, std::string bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string part = bytes.substr(at, step);
    co_await pair.peer.send(part);
    co_await sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(loop.core().buffers.lent_bytes(), 0u) << "a session that waits needs no buffer";
  }
  co_await finish(pair);
}

TEST(Receive, PartsAreAsLargeAsWhatHasArrived) {
  for (const bool fragments : {false, true}) {
    Simulation simulation;
    Loop loop(simulation);
    Pair pair(loop, Role::server, {.message_bytes_max = 0});
    const std::string piece(100'000, 'x');
    std::string wire = fragments ? "" : pair.wire(Opcode::binary, std::string(1'000'000, 'x'));
    for (int i = 0; fragments && i < 10; ++i) wire += pair.wire((i == 9 ? 0x80 : 0) | (i == 0 ? 0x02 : 0), piece);
    std::string all;
    std::size_t parts = 0;
    bool last = false;
    // Ends of frames meet ends of what arrives.
    loop.run(
        both(loop, receive_parts(pair.session, all, parts, last), feed_and_look(loop, pair, wire, wire.size() / 10)));
    EXPECT_EQ(all, std::string(1'000'000, 'x'));
    EXPECT_LE(parts, 20u) << fragments;
    EXPECT_TRUE(last);
    pair.session = {};
    pair.peer.close();
  }
}

// Some clients send a head and then its payload. Nothing is held between the two, nor, afterwards, of what that took.
Task<> heads_first(Loop& loop, Pair& pair, std::vector<std::string> payloads) {
  for (const std::string& payload : payloads) {
    const std::string frame = pair.wire(Opcode::binary, payload);
    const std::string head = frame.substr(0, frame.size() - payload.size());
    co_await pair.peer.send(head);
    co_await sleep_for(std::chrono::milliseconds(2'500));  // the clock of the sessions strikes meanwhile
    EXPECT_EQ(loop.core().buffers.lent_bytes(), 0u);
    const std::string rest = frame.substr(head.size());
    co_await pair.peer.send(rest);
    co_await sleep_for(std::chrono::milliseconds(1'500));
    EXPECT_TRUE(SessionCore::of(pair.session).is_small());
  }
  co_await finish(pair);
}

TEST(Receive, HeadsThatComeBeforeTheirPayload) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server);
  const std::vector<std::string> payloads{"x", std::string(1000, 'y'), std::string(200'000, 'z')};
  Got got;
  loop.run(both(loop, receive_all(pair.session, got), heads_first(loop, pair, payloads)));
  ASSERT_EQ(got.messages.size(), payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) EXPECT_EQ(got.messages[i].first, payloads[i]);
  pair.session = {};
  pair.peer.close();
}

// A head that promises more than anybody would hold, and then its payload, 100,000 bytes at a time.
std::string endless_head() {
  std::array<std::byte, codec::head_bytes_max> head;
  const std::size_t size = codec::write_head(head.data(), {0x82}, std::uint64_t{1} << 40, true, 0);
  return std::string(as_text(Bytes(head.data(), size)));
}

Task<> send_without_end(Loop& loop, Pair& pair, std::size_t& most) {
  const std::string head = endless_head();
  (void)co_await pair.peer.send(head);
  const std::string bytes(100'000, 'x');
  for (int i = 0; i < 100; ++i) {
    auto sent = co_await within(std::chrono::seconds(1), pair.peer.send(bytes));
    most = std::max(most, loop.core().buffers.lent_bytes());
    if (!sent) break;
  }
  pair.peer.close();
}

Task<> leave_in_the_middle(Session session) {
  auto part = co_await session.receive_some();
  EXPECT_EQ(part.has_value() && !part->last, true);
}

// A bug: of a message of which a handler had seen a part, all that came afterwards was kept, though nobody was there.
TEST(Receive, NothingIsKeptOfAMessageThatNobodyWants) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.message_bytes_max = 1000});
  std::size_t most = 0;
  loop.run(both(loop, leave_in_the_middle(std::move(pair.session)), send_without_end(loop, pair, most)));
  EXPECT_LE(most, 1024 * 1024u);
}

Task<> want_the_rest_whole(Session& session, Errc& how, Closed& closed) {
  auto part = co_await session.receive_some();
  EXPECT_TRUE(part);
  auto rest = co_await session.receive();
  if (!rest) how = rest.error().code;
  closed = session.closed();
}

// A bug: message_bytes_max did not hold for the rest of a message that was begun in parts.
TEST(Receive, TheRestOfAMessageIsNoLongerThanMessageBytesMax) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.message_bytes_max = 1'000'000});
  std::size_t most = 0;
  Errc how = Errc::none;
  Closed closed;
  loop.run(both(loop, want_the_rest_whole(pair.session, how, closed), send_without_end(loop, pair, most)));
  EXPECT_EQ(how, Errc::protocol);
  EXPECT_EQ(closed.code, 1009);
  EXPECT_LE(most, 1024 * 1024u);
  pair.session = {};
}

// Nobody waits when the rest of a message that was begun in parts comes, cut within a character, with a ping in it.
Task<> give_up_and_come_back(Session& session, std::string& all) {
  auto part = co_await session.receive_some();
  if (part) all += as_text(part->bytes);
  part = co_await within(std::chrono::milliseconds(10), session.receive_some());
  EXPECT_EQ(part.error(), Errc::timed_out);
  co_await sleep_for(std::chrono::seconds(1));
  auto rest = co_await session.receive();
  if (rest) all += rest->text();
  EXPECT_EQ(rest.has_value() && rest->is_text(), true);
  rest = co_await session.receive();
  EXPECT_EQ(rest.error(), Errc::reset);
}

Task<> send_in_two(Pair& pair, std::string first, std::string second, std::optional<Frame>& pong) {
  co_await pair.peer.send(first);
  co_await sleep_for(std::chrono::milliseconds(500));
  co_await pair.peer.send(second);
  pong = co_await pair.frame();
  co_await finish(pair);
}

TEST(Receive, APartThatWasGivenUpIsFollowedByTheRest) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server);
  const std::string text = "\u65e5\u672c\u8a9e";
  const std::string first = pair.wire(0x01, text.substr(0, 4));
  const std::string second = pair.wire(Opcode::ping, "!") + pair.wire(0x80, text.substr(4));
  std::string all;
  std::optional<Frame> pong;
  loop.run(both(loop, give_up_and_come_back(pair.session, all), send_in_two(pair, first, second, pong)));
  EXPECT_EQ(all, text);
  EXPECT_EQ(pong, (Frame{0x8a, "!", false}));
  pair.session = {};
  pair.peer.close();
}

// A handler that is busy: it receives only after `busy`.
Task<> busy_handler(Session& session, std::chrono::seconds busy, Got& got) {
  (void)co_await session.receive();
  co_await sleep_for(busy);
  co_await receive_all(session, got);
}

Task<> ping_while_busy(Pair& pair, std::vector<Frame>& answers) {
  const std::string bytes = pair.wire(Opcode::text, "work") + pair.wire(Opcode::text, "queued");
  co_await pair.peer.send(bytes);
  for (const char* payload : {"one", "two"}) {
    co_await sleep_for(std::chrono::seconds(1));
    const std::string ping = pair.wire(Opcode::ping, payload);
    co_await pair.peer.send(ping.substr(0, 4));
    co_await sleep_for(std::chrono::seconds(1));
    co_await pair.peer.send(ping.substr(4));
    auto frame = co_await pair.frame();
    if (frame) answers.push_back(*frame);
  }
  co_await pair.peer.send(pair.wire(Opcode::text, "behind"));
  co_await pair.peer.send(pair.wire(Opcode::close, std::string("\x03\xe8", 2)));
  while (auto frame = co_await pair.frame()) answers.push_back(*frame);
}

Task<> ping_and_busy(Loop& loop, Pair& pair, Got& got, std::vector<Frame>& answers) {
  TaskGroup group(loop);
  group.spawn(busy_handler(pair.session, std::chrono::seconds(3600), got));
  group.spawn(ping_while_busy(pair, answers));
  co_await group.join();
}

TEST(Receive, PingsAreAnsweredWhileTheHandlerIsBusyAndOnlyOnce) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.keepalive_seconds = 0});
  Got got;
  std::vector<Frame> answers;
  loop.run(ping_and_busy(loop, pair, got, answers));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0], (Frame{0x8A, "one", false}));
  EXPECT_EQ(answers[1], (Frame{0x8A, "two", false}));
  EXPECT_EQ(answers[2].first, 0x88);
  ASSERT_EQ(got.messages.size(), 2u);
  EXPECT_EQ(got.messages[0].first, "queued");
  EXPECT_EQ(got.messages[1].first, "behind");
  EXPECT_EQ(got.how, Errc::end);
  pair.session = {};
}

Task<> timed_receive(Pair& pair, Got& got) {
  co_await pair.peer.send(pair.wire(Opcode::text, "late").substr(0, 7));
  auto none = co_await within(std::chrono::seconds(1), pair.session.receive());
  EXPECT_EQ(none.error(), Errc::timed_out);
  co_await pair.peer.send(pair.wire(Opcode::text, "late").substr(7));
  auto message = co_await within(std::chrono::seconds(1), pair.session.receive());
  if (message) got.messages.emplace_back(message->text(), message->kind());
}

TEST(Receive, OneThatTimesOutLosesNothing) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server);
  Got got;
  loop.run(timed_receive(pair, got));
  ASSERT_EQ(got.messages.size(), 1u);
  EXPECT_EQ(got.messages[0].first, "late");
  pair.session = {};
  pair.peer.close();
}

Task<> echo_slowly(Pair& pair, std::size_t& echoed) {
  while (auto message = co_await pair.session.receive()) {
    auto sent = co_await pair.session.send(*message);
    if (!sent) co_return;
    ++echoed;
  }
}

Task<> flood(Pair& pair, std::size_t count) {
  const std::string frame = pair.wire(Opcode::binary, std::string(1000, 'x'));
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += frame;
  co_await pair.peer.send(all);
}

Task<> read_late(Pair& pair, std::size_t count) {
  co_await sleep_for(std::chrono::seconds(1));
  for (std::size_t i = 0; i < count; ++i) {
    auto frame = co_await pair.frame();
    if (!frame) co_return;
  }
  pair.peer.shutdown();
}

Task<> flood_an_echo(Loop& loop, Pair& pair, std::size_t count, std::size_t& echoed) {
  TaskGroup group(loop);
  group.spawn(echo_slowly(pair, echoed));
  group.spawn(flood(pair, count));
  group.spawn(read_late(pair, count));
  co_await group.join();
}

// A handler that waits to send, with a receive buffer that is full to its last byte: reading into no room looked like
// the end of the stream.
TEST(Receive, AFullBufferIsNotTheEndOfTheStream) {
  for (const std::size_t buffer_bytes : {4096u, 8192u, 16384u}) {
    Simulation simulation;
    Loop loop(simulation, {.receive_buffer_bytes = buffer_bytes});
    Pair pair(loop, Role::server, {.queue_bytes_max = 1000});
    std::size_t echoed = 0;
    loop.run(flood_an_echo(loop, pair, 2000, echoed));
    EXPECT_EQ(echoed, 2000u);
    pair.session = {};
    pair.peer.close();
  }
}

}  // namespace
}  // namespace parley::ws
