#include "ws/compression.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/random.h"
#include "ws/compressed.h"
#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using codec::DeflateParameters;
using codec::Opcode;
using testing::binary;
using testing::deflated;
using testing::fin;
using testing::inflated;
using testing::Pair;
using testing::rsv1;
using testing::text;

// "Hello", as in RFC 7692, 7.2.3.1.
constexpr std::string_view hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);

struct Got {
  std::vector<std::string> messages;
  std::vector<std::string> parts;
  Errc how = Errc::none;
  std::uint16_t code = 0;
};

Task<> receive_all(Session& session, Got& got) {
  for (;;) {
    auto message = co_await session.receive();
    if (!message) {
      got.how = message.error().code;
      break;
    }
    got.messages.emplace_back(message->text());
  }
  const Closed closed = session.closed();
  got.code = closed.code;
}

Task<> receive_parts(Session& session, Got& got) {
  for (;;) {
    auto part = co_await session.receive_some();
    if (!part) {
      got.how = part.error().code;
      break;
    }
    got.parts.emplace_back(as_text(part->bytes));
    if (got.messages.empty() || got.parts.size() == 1) got.messages.emplace_back();
    got.messages.back() += as_text(part->bytes);
    if (part->last) got.parts.clear();
  }
  got.code = session.closed().code;
}

Task<> feed(Pair& pair, std::string bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string part = bytes.substr(at, step);
    auto sent = co_await pair.peer.send(part);
    if (!sent) break;
    if (step < 64) co_await sleep_for(std::chrono::milliseconds(1));
  }
  pair.peer.shutdown();
  while (co_await pair.peer.receive()) continue;
}

Task<> run_both(Loop& loop, Pair& pair, std::string bytes, std::size_t step, bool parts, Got& got) {
  TaskGroup group(loop);
  group.spawn(parts ? receive_parts(pair.session, got) : receive_all(pair.session, got));
  group.spawn(feed(pair, std::move(bytes), step));
  co_await group.join();
}

struct How {
  Role role = Role::server;
  std::size_t step = 1 << 16;
  bool parts = false;
  Limits limits = {};
  std::optional<DeflateParameters> deflate = DeflateParameters{};
};

Got receive(const How& how, std::string (*bytes)(Pair&)) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, how.role, how.limits, how.deflate);
  Got got;
  loop.run(run_both(loop, pair, bytes(pair), how.step, how.parts, got));
  pair.session = {};
  pair.peer.close();
  return got;
}

std::string two_hellos(Pair& pair) {
  return pair.wire(fin | rsv1 | text, hello) + pair.wire(Opcode::text, "plain") +
         pair.wire(rsv1 | text, hello.substr(0, 3)) + pair.wire(Opcode::ping, "!") + pair.wire(fin, hello.substr(3)) +
         pair.wire(Opcode::close, "\x03\xe8");
}

TEST(Compression, ReadsWhatIsCompressedAndWhatIsNotAtEveryCut) {
  const std::vector<std::string> expected{"Hello", "plain", "Hello"};
  for (const Role role : {Role::server, Role::client}) {
    for (const std::size_t step : {1u, 2u, 3u, 7u, 64u, 1u << 16}) {
      for (const bool parts : {false, true}) {
        const Got got = receive({.role = role, .step = step, .parts = parts}, two_hellos);
        EXPECT_EQ(got.messages, expected) << step;
        EXPECT_EQ(got.how, Errc::end);
      }
    }
  }
}

TEST(Compression, RefusesACompressedMessageThatNobodyAgreedOn) {
  const Got got = receive({.deflate = std::nullopt}, two_hellos);
  EXPECT_EQ(got.how, Errc::protocol);
  EXPECT_EQ(got.code, 1002);
}

TEST(Compression, LimitsWhatAMessageBecomes) {
  const auto bomb = [](Pair& pair) { return pair.wire(fin | rsv1 | binary, deflated(std::string(1 << 20, 'x'))); };
  const Got got = receive({.limits = {.message_bytes_max = (1 << 20) - 1}}, bomb);
  EXPECT_TRUE(got.messages.empty());
  EXPECT_EQ(got.code, 1009);
  const Got exact = receive({.limits = {.message_bytes_max = 1 << 20}}, bomb);
  EXPECT_EQ(exact.messages, std::vector<std::string>{std::string(1 << 20, 'x')});
}

TEST(Compression, TakesAMessageThatBecameLongerByCompressing) {
  const auto bytes = [](Pair& pair) {
    std::string noise(4096, 0);
    Random random(7);
    for (char& c : noise) c = static_cast<char>(random());
    return pair.wire(fin | rsv1 | binary, deflated(noise));
  };
  EXPECT_EQ(receive({.limits = {.message_bytes_max = 4096}}, bytes).messages.size(), 1u);
}

TEST(Compression, EndsAMessageThatInflatesToNothingForEver) {
  const auto bytes = [](Pair& pair) {
    std::string blocks;
    for (int i = 0; i < 4000; ++i) blocks += std::string("\x00\x00\x00\xff\xff", 5);
    return pair.wire(rsv1 | binary, blocks);
  };
  EXPECT_EQ(receive({.limits = {.message_bytes_max = 4096}}, bytes).code, 1009);
}

TEST(Compression, ClosesWhenBytesDoNotInflate) {
  const auto bytes = [](Pair& pair) { return pair.wire(fin | rsv1 | text, "\xff\xff\xff\xff"); };
  const Got got = receive({}, bytes);
  EXPECT_EQ(got.how, Errc::protocol);
  EXPECT_EQ(got.code, 1007);
}

TEST(Compression, ChecksUtf8AfterInflating) {
  const auto bytes = [](Pair& pair) { return pair.wire(fin | rsv1 | text, deflated("\xc3(")); };
  EXPECT_EQ(receive({}, bytes).code, 1007);
  const auto cut = [](Pair& pair) { return pair.wire(fin | rsv1 | text, deflated("\xc3")); };
  EXPECT_EQ(receive({}, cut).code, 1007);
  const auto as_binary = [](Pair& pair) { return pair.wire(fin | rsv1 | binary, deflated("\xc3(")); };
  EXPECT_EQ(receive({}, as_binary).messages.size(), 1u);
}

TEST(Compression, ShowsALargeMessageInParts) {
  const auto bytes = [](Pair& pair) {
    return pair.wire(fin | rsv1 | text, deflated(std::string(1'000'000, 'y'))) + pair.wire(Opcode::text, "after");
  };
  const Got got = receive({.parts = true, .limits = {.message_bytes_max = 10}}, bytes);
  EXPECT_EQ(got.messages, (std::vector<std::string>{std::string(1'000'000, 'y'), "after"}));
}

Task<> part_then_rest(Pair& pair, std::vector<std::string>& got) {
  const std::string bytes = pair.wire(fin | rsv1 | text, deflated(std::string(100'000, 'z')));
  co_await pair.peer.send(bytes);
  auto part = co_await pair.session.receive_some();
  EXPECT_TRUE(part && !part->last);
  if (part) got.emplace_back(as_text(part->bytes));
  auto rest = co_await pair.session.receive();
  EXPECT_TRUE(rest);
  if (rest) got.emplace_back(rest->text());
}

TEST(Compression, GivesTheRestOfAMessageAfterPartOfIt) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {}, DeflateParameters{});
  std::vector<std::string> got;
  loop.run(part_then_rest(pair, got));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0] + got[1], std::string(100'000, 'z'));
  pair.session = {};
  pair.peer.close();
}

// ---- Sending

Task<> send_choices(Pair& pair) {
  const std::string longer(100, 'a');
  co_await pair.session.send("short");
  co_await pair.session.send(longer);
  co_await pair.session.send(longer, Compress::never);
  co_await pair.session.send("short", Compress::always);
  co_await pair.session.send("", Compress::always);
  auto frame = co_await pair.frame();
  EXPECT_EQ(frame->first, fin | text);
  frame = co_await pair.frame();
  EXPECT_EQ(frame->first, fin | rsv1 | text);
  EXPECT_EQ(inflated(frame->payload), longer);
  frame = co_await pair.frame();
  EXPECT_EQ(frame->first, fin | text);
  EXPECT_EQ(frame->payload, longer);
  frame = co_await pair.frame();
  // It would not be shorter: it goes as it is.
  EXPECT_EQ(frame->first, fin | text);
  EXPECT_EQ(frame->payload, "short");
  frame = co_await pair.frame();
  EXPECT_EQ(frame->first, fin | text);
}

TEST(Compression, CompressesByThresholdAndByChoice) {
  for (const Role role : {Role::server, Role::client}) {
    Simulation simulation;
    Loop loop(simulation);
    const DeflateParameters alone{.server_no_context_takeover = true, .client_no_context_takeover = true};
    Pair pair(loop, role, {}, alone);
    EXPECT_TRUE(pair.session.compresses());
    loop.run(send_choices(pair));
    pair.session = {};
    pair.peer.close();
  }
}

Task<> send_parts(Pair& pair) {
  co_await pair.session.send_some("first part, ", false);
  co_await pair.session.send_some("", false);
  co_await pair.session.send_some("second part", true);
  codec::Inflater inflater({}, codec::test_engines());
  codec::TestOutput out;
  const std::array<std::uint8_t, 3> firsts{rsv1 | text, 0, fin};
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    auto frame = co_await pair.frame();
    EXPECT_EQ(frame->first, firsts[i]);
    Bytes bytes = as_bytes(frame->payload);
    EXPECT_EQ(inflater.inflate(bytes, i == 2, out, SIZE_MAX), Violation::none);
    if (i == 0) {
      EXPECT_EQ(out.text(), "first part, ");  // each part can be read when it has come
    }
  }
  EXPECT_EQ(out.text(), "first part, second part");
}

TEST(Compression, CompressesMessagesInParts) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {}, DeflateParameters{});
  loop.run(send_parts(pair));
  pair.session = {};
  pair.peer.close();
}

// The peer doesn't read until much is queued, and much of that has been dropped.
Task<> send_more_than_fits(Pair& pair, std::string noise) {
  for (char i = 0; i < 100; ++i) {
    noise[0] = i;
    co_await pair.session.send(Message(as_bytes(noise)));
  }
  EXPECT_GT(pair.session.counters().dropped, 0u);
  (void)pair.session.close();
  codec::Inflater inflater({}, codec::test_engines());
  std::size_t messages = 0;
  for (;;) {
    auto frame = co_await pair.frame();
    if (!frame || frame->first != (fin | binary | rsv1)) break;
    codec::TestOutput out;
    Bytes bytes = as_bytes(frame->payload);
    EXPECT_EQ(inflater.inflate(bytes, true, out, SIZE_MAX), Violation::none);
    EXPECT_EQ(out.text().substr(1), noise.substr(1));
    ++messages;
  }
  EXPECT_GT(messages, 2u);
  EXPECT_LT(messages, 100u);
}

TEST(Compression, LaterMessagesDoNotNeedThoseThatWereDropped) {
  Simulation simulation;
  Loop loop(simulation);
  Pair pair(loop, Role::server, {.queue_bytes_max = 100'000, .when_full = WhenFull::drop_oldest}, DeflateParameters{});
  std::string noise(30'000, 0);
  Random random(7);
  for (char& c : noise) c = static_cast<char>(random() % 64);
  loop.run(send_more_than_fits(pair, noise));
  pair.session = {};
  pair.peer.close();
}

// ---- Both ends

struct Talk {
  Random random;
  std::vector<std::string> sent;
  std::vector<std::string> received;
};

std::string draw_message(Random& random) {
  std::string message(random.below(random.below(8) == 0 ? 200'000 : 2'000), 0);
  const auto letters = static_cast<std::uint8_t>(1 + random.below(60));
  for (char& c : message) c = static_cast<char>('A' + random.below(letters));
  return message;
}

Task<> talk(Session& session, Talk& talk) {
  for (int i = 0; i < 30; ++i) {
    std::string message = draw_message(talk.random);
    talk.sent.push_back(message);
    if (talk.random.below(3) == 0) {
      const std::size_t half = message.size() / 2;
      const std::string_view all = message;
      co_await session.send_some(all.substr(0, half), false);
      co_await session.send_some(all.substr(half), true);
    } else {
      const auto compress = static_cast<Compress>(talk.random.below(3));
      co_await session.send(message, compress);
    }
  }
  co_await session.send("done", Compress::never);
}

Task<> listen_to(Session& session, Talk& talk) {
  std::string message;
  for (;;) {
    if (talk.random.below(2) == 0) {
      auto part = co_await session.receive_some();
      if (!part) break;
      message += as_text(part->bytes);
      if (!part->last) continue;
    } else {
      auto rest = co_await session.receive();
      if (!rest) break;
      message += rest->text();
    }
    if (message == "done") break;
    talk.received.push_back(std::move(message));
    message.clear();
  }
}

Task<> converse(Loop& loop, Session& a, Session& b, Talk& from_a, Talk& from_b) {
  TaskGroup group(loop);
  group.spawn(talk(a, from_a));
  group.spawn(talk(b, from_b));
  group.spawn(listen_to(b, from_a));
  group.spawn(listen_to(a, from_b));
  co_await group.join();
}

TEST(Compression, BothEndsUnderstandEachOtherWhateverWasAgreed) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Simulation simulation(SimulationOptions{.seed = seed});
    Loop loop(simulation);
    const DeflateParameters agreed{.server_no_context_takeover = random.below(2) == 0,
                                   .client_no_context_takeover = random.below(2) == 0,
                                   .server_max_window_bits = static_cast<std::uint8_t>(8 + random.below(8)),
                                   .client_max_window_bits = static_cast<std::uint8_t>(8 + random.below(8))};
    auto ends = pipe(loop, 1 + random.below(100'000));
    auto* server = new Shared(loop.core(), Role::server, {});  // owned: released below, deletes itself
    auto* client = new Shared(loop.core(), Role::client, {});  // owned: released below, deletes itself
    Session a = SessionCore::make(std::move(ends.first), *server, 0);
    Session b = SessionCore::make(std::move(ends.second), *client, 0);
    SessionCore::of(a).agreed({}, agreed);
    SessionCore::of(b).agreed({}, agreed);
    Talk from_a{Random(seed * 3), {}, {}};
    Talk from_b{Random(seed * 5), {}, {}};
    loop.run(converse(loop, a, b, from_a, from_b));
    EXPECT_EQ(from_a.received == from_a.sent, true);
    EXPECT_EQ(from_b.received == from_b.sent, true);
    a = {};
    b = {};
    server->release();
    client->release();
  }
}

TEST(Compression, AsksForASmallWindowOnlyOfTheClient) {
  Simulation simulation;
  Loop loop(simulation);
  for (const Role role : {Role::server, Role::client}) {
    const DeflateParameters usual = wishes(loop.core(), role, {});
    EXPECT_EQ(usual.server_max_window_bits, 15);
    EXPECT_EQ(usual.client_max_window_bits, 12);
    const DeflateParameters chosen =
        wishes(loop.core(), role, {.server_max_window_bits = 9, .client_max_window_bits = 15});
    EXPECT_EQ(chosen.server_max_window_bits, 9);
    EXPECT_EQ(chosen.client_max_window_bits, 15);
  }
}

// ---- Memory

Task<> end(Pair& pair) {
  pair.session = {};
  pair.peer.close();
  co_await sleep_for(std::chrono::seconds(10));
}

TEST(Compression, WithoutRoomForAWindowThePeerIsAskedToKeepNoContext) {
  Simulation simulation;
  Loop loop(simulation, {.deflate_windows_bytes_max = 40'000});
  const auto asks = [&](Role role) {
    const DeflateParameters wished = wishes(loop.core(), role, {});
    EXPECT_FALSE(role == Role::server ? wished.server_no_context_takeover : wished.client_no_context_takeover);
    return role == Role::server ? wished.client_no_context_takeover : wished.server_no_context_takeover;
  };
  for (const Role role : {Role::server, Role::client}) {
    EXPECT_FALSE(asks(role));
    Pair pair(loop, role, {}, DeflateParameters{});
    EXPECT_TRUE(asks(role));
    loop.run(end(pair));
  }
  EXPECT_FALSE(asks(Role::server));
}

Task<> send_and_wait(Pair& pair, const std::string& message, std::vector<std::size_t>& windows) {
  codec::Inflater inflater({}, codec::test_engines());
  for (int i = 0; i < 2; ++i) {
    co_await pair.session.send(message);
    windows.push_back(engines_of(pair.shared().core).windows_bytes());
    auto frame = co_await pair.frame();
    codec::TestOutput out;
    Bytes bytes = as_bytes(frame->payload);
    EXPECT_EQ(inflater.inflate(bytes, true, out, SIZE_MAX), Violation::none);
    EXPECT_EQ(out.text(), message);
    co_await sleep_for(std::chrono::seconds(10));
    windows.push_back(engines_of(pair.shared().core).windows_bytes());
  }
}

TEST(Compression, AnIdleSessionGivesBackWhatItKeepsToCompress) {
  constexpr std::size_t received = 32'768;  // for what the peer may refer to
  const std::string message(1000, 'a');
  for (const bool tight : {true, false}) {
    Simulation simulation;
    Loop loop(simulation, {.deflate_windows_bytes_max = tight ? 36'000u : 1'000'000u});
    Pair pair(loop, Role::server, {.keepalive_seconds = 0}, DeflateParameters{});
    std::vector<std::size_t> windows;
    loop.run(send_and_wait(pair, message, windows));
    const std::size_t idle = received + (tight ? 0 : 1000);
    EXPECT_EQ(windows[0], received + 1000);
    EXPECT_EQ(windows[1], idle);
    EXPECT_EQ(windows[3], tight ? received : received + 2000);
    pair.session = {};
    pair.peer.close();
  }
}

// ---- Options

TEST(Compression, KnowsWhichOptionsAreSound) {
  EXPECT_TRUE(is_sound({}));
  EXPECT_FALSE(is_sound({.server_max_window_bits = 7}));
  EXPECT_FALSE(is_sound({.client_max_window_bits = 16}));
  EXPECT_FALSE(is_sound({.level = 10}));
}

}  // namespace
}  // namespace parley::ws
