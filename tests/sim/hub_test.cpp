// A chat over networks that cut, delay, block and break: what one says all others hear, whole, once, and in its order,
// beside what the server says to each of them alone. Who reads too slowly misses messages, and only then.
#include <parley/hub.h>

#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "sim/sessions.h"

namespace parley::sim {
namespace {

constexpr std::size_t message_bytes_max = 20'000;
constexpr int messages_each = 12;
const std::string server_itself = "server";

// "speaker number size:", and bytes that only this message has.
std::string text_of(std::string_view speaker, int number, std::size_t size) {
  const auto id = static_cast<std::uint64_t>(speaker[0]) * 1000 + static_cast<std::uint64_t>(number);
  std::string text = pattern(id, 0, size);
  for (char& c : text) c = static_cast<char>(c & 0x3F) + ' ';
  return std::string(speaker) + " " + std::to_string(number) + " " + std::to_string(size) + ":" + text;
}

struct Chat {
  World& world;
  ws::Acceptor acceptor;
  Hub hub{world.loop};
  std::uint64_t dropped = 0;
};

// Now and then something for this one alone, whole or in parts.
Task<bool> answer(World& world, ws::Session& peer, int number) {
  const std::string text = text_of(server_itself, number, draw_size(world.random, message_bytes_max));
  if (world.random.chance(0.5)) {
    auto sent = co_await peer.send(text);
    co_return sent.has_value();
  }
  const std::string_view all = text;
  const ws::Message first(all.substr(0, all.size() / 2));
  auto sent = co_await peer.send_some(first, false);
  if (!sent) co_return false;
  (void)co_await sleep_for(std::chrono::microseconds(world.random.below(10'000)));
  const ws::Message second(all.substr(all.size() / 2));
  sent = co_await peer.send_some(second, true);
  co_return sent.has_value();
}

Task<> serve_chat(Stream stream, Chat& chat) {
  Task<Result<ws::Session>> accepting = chat.acceptor.accept(std::move(stream));
  auto accepted = co_await accepting;
  if (!accepted) co_return;
  ws::Session peer = std::move(*accepted);
  Subscriber here(chat.hub, peer);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(here.subscribe(i == 1 ? "all" : "topic " + std::to_string(chat.world.random.below(5))));
  }
  for (int answered = 0;;) {
    auto message = co_await peer.receive();
    if (!message) break;
    EXPECT_TRUE(here.publish("all", *message));
    if (!chat.world.random.chance(0.3)) continue;
    Task<bool> answering = answer(chat.world, peer, answered++);
    const bool sent = co_await answering;
    if (!sent) break;
  }
  chat.dropped += peer.counters().dropped;
}

struct Member {
  std::string name;
  bool may_miss = false;
  std::map<std::string, int> next = {};  // of each speaker
  int heard = 0;
};

void check(Member& member, std::string_view text) {
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  const std::string speaker(text.substr(0, first));
  int number = -1;
  std::size_t size = 0;
  std::from_chars(text.data() + first + 1, text.data() + text.size(), number);
  std::from_chars(text.data() + second + 1, text.data() + text.size(), size);
  EXPECT_TRUE(text == text_of(speaker, number, size)) << "from " << speaker << ": " << number;
  EXPECT_NE(speaker, member.name);
  const auto known = member.next.try_emplace(speaker, speaker == server_itself ? 0 : number).first;
  if (member.may_miss) {
    EXPECT_GE(number, known->second) << speaker;
  } else {
    EXPECT_EQ(number, known->second) << speaker;
  }
  known->second = number + 1;
  ++member.heard;
}

Task<> speak(World& world, ws::Session& session, const Member& member) {
  for (int i = 0; i < messages_each; ++i) {
    if (world.random.chance(0.3)) {
      (void)co_await sleep_for(std::chrono::microseconds(world.random.below(100'000)));
    }
    const std::string text = text_of(member.name, i, draw_size(world.random, message_bytes_max));
    auto sent = co_await session.send(text);
    if (!sent) co_return;
  }
  (void)co_await sleep_for(std::chrono::microseconds(world.random.below(10'000'000)));
  (void)session.close(1000, "done");
}

Task<> hear(World& world, ws::Session& session, Member& member) {
  for (;;) {
    auto message = co_await session.receive();
    if (!message) co_return;
    check(member, message->text());
    if (world.random.chance(0.1)) (void)co_await sleep_for(std::chrono::microseconds(world.random.below(100'000)));
  }
}

Task<> be_member(World& world, Address address, ws::ConnectOptions options, Member& member) {
  (void)co_await sleep_for(std::chrono::microseconds(world.random.below(200'000)));
  Task<Result<ws::Session>> opening = open_at_last(world, address, options);
  auto session = co_await opening;
  if (!session) co_return;
  TaskGroup group(world.loop);
  group.spawn(speak(world, *session, member));
  group.spawn(hear(world, *session, member));
  co_await group.join();
}

Task<> converse(World& world, bool harmless) {
  Random& random = world.random;
  const bool may_miss = random.chance(0.5);
  ws::ServeOptions accepting{.limits = {.queue_bytes_max = may_miss ? 10'000u : 1u << 30,
                                        .when_full = ws::WhenFull::drop_newest,
                                        .close_seconds = 1'000'000,
                                        .keepalive_seconds = 0}};
  if (may_miss && random.chance(0.5)) accepting.limits.when_full = ws::WhenFull::drop_oldest;
  accepting.deflate = random.chance(0.7);
  accepting.deflate_options = draw_deflate(random);
  accepting.handshake_seconds = 1'000'000;
  Chat chat{world, ws::Acceptor(world.loop, accepting)};
  ws::ConnectOptions connecting{.limits = {.close_seconds = 1'000'000, .keepalive_seconds = 0}};
  connecting.deflate = random.chance(0.8);
  connecting.deflate_options = draw_deflate(random);
  connecting.handshake_seconds = 1'000'000;
  std::vector<Member> members;
  for (std::uint64_t i = random.between(2, 6); i != 0; --i) {
    members.push_back({std::string(1, static_cast<char>('a' + i)), may_miss});
  }
  Server server(world, {serve_chat, chat});
  TaskGroup group(world.loop);
  for (Member& member : members) group.spawn(be_member(world, server.address(), connecting, member));
  co_await group.join();
  (void)co_await sleep_for(long_enough * 24 * 100);
  co_await server.stop();
  if (harmless && !may_miss) {
    EXPECT_EQ(chat.dropped, 0u);
  }
}

Task<> converse_unharmed(World& world) { return converse(world, true); }
Task<> converse_at_risk(World& world) { return converse(world, false); }

TEST(Hub, EachHearsAllOthersInTheirOrder) { for_seeds(SimulationOptions::harmless, converse_unharmed, 300); }

TEST(Hub, NothingElseIsHeardWhateverBreaks) { for_seeds(SimulationOptions::hostile, converse_at_risk, 200); }

}  // namespace
}  // namespace parley::sim
