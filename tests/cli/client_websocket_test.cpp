// `parley connect ws://` without the terminal, against servers on simulated networks that cut and delay.
#include "cli/client.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/simulation.h>
#include <parley/ws.h>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Strings = std::vector<std::string>;

constexpr std::uint64_t seeds = 50;

struct Said {
  Outcome outcome = Outcome::failed;
  Strings printed = {};
  std::string closed = {};
  bool in_order = false;
  Error failure = {};
};

struct Conversation {
  Loop& loop;
  ws::Handler server;
  Client::Options options;
  std::vector<std::optional<std::string>> lines;  // nothing: the end of the input
  Said said = {};
};

Task<> serve(Conversation& conversation) {
  ws::ServeOptions options;
  options.limits.close_seconds = 100;
  options.handshake_seconds = 1000;
  (void)co_await ws::serve(conversation.loop, "ws://127.0.0.1:9000", conversation.server, options);
}

Task<> talk(Conversation& conversation) {
  const ws::ConnectOptions options{.limits = {.close_seconds = 100}, .handshake_seconds = 1000};
  Task<Result<ws::Session>> connecting = ws::connect(conversation.loop, "ws://127.0.0.1:9000/", options);
  auto session = co_await connecting;
  EXPECT_TRUE(session);
  if (!session) co_return;
  Said& said = conversation.said;
  Client client(
      conversation.loop, Link(std::move(*session)), conversation.options,
      [&said](std::string_view line) { said.printed.emplace_back(line); }, [] {});
  for (const auto& line : conversation.lines) client.type(line);
  Task<Outcome> running = client.run();
  said.outcome = co_await running;
  said.closed = client.closed_line();
  said.in_order = client.is_closed_in_order();
  said.failure = client.failure();
}

Task<> run(Conversation& conversation) {
  TaskGroup server(conversation.loop);
  server.spawn(serve(conversation));
  co_await yield();
  Task<> talking = talk(conversation);
  co_await talking;
  server.stop();
  co_await server.join();
}

Said converse(ws::Handler server, const Client::Options& options, std::vector<std::optional<std::string>> lines,
              const SimulationOptions& network = {}) {
  Simulation simulation(network);
  Loop loop(simulation, {.linger_seconds = 100'000});
  Conversation conversation{loop, server, options, std::move(lines)};
  loop.run(run(conversation));
  return conversation.said;
}

Task<> echo(ws::Session peer) {
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) break;
    auto sent = co_await peer.send(*message);
    if (!sent) break;
  }
}

Task<> say_nothing(ws::Session peer) {
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) break;
  }
}

Task<> go_in_trouble(ws::Session peer) {
  (void)co_await peer.receive();
  (void)peer.close(1011, "no \x1b idea");
  (void)co_await peer.receive();
}

const Client::Options patient{.timeout = 1000s, .one_by_one = true};

TEST(ClientOfWebSocket, EveryLineIsAnsweredWhateverTheNetworkDelays) {
  const std::string large(200'000, 'x');
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const Said said = converse(echo, patient, {"one", large, "drei é", {}}, SimulationOptions::harmless(seed));
    ASSERT_EQ(said.outcome, Outcome::answered) << seed << said.closed;
    ASSERT_TRUE(said.in_order) << seed;
    ASSERT_THAT(said.printed, ElementsAre(HasSubstr("one"), HasSubstr(large), HasSubstr("drei é"))) << seed;
  }
}

TEST(ClientOfWebSocket, NothingBadIsShownWhateverBreaks) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Simulation simulation(SimulationOptions::hostile(seed));
    Loop loop(simulation, {.linger_seconds = 100'000});
    Conversation conversation{loop, echo, patient, {"one", "two", "three", {}}};
    const auto once = [](Conversation& it) -> Task<> {  // a session may not come to be at all
      TaskGroup server(it.loop);
      server.spawn(serve(it));
      co_await yield();
      Task<Result<ws::Session>> connecting = ws::connect(it.loop, "ws://127.0.0.1:9000/");
      auto session = co_await connecting;
      if (session) {
        Client client(
            it.loop, Link(std::move(*session)), it.options,
            [&it](std::string_view line) { it.said.printed.emplace_back(line); }, [] {});
        for (const auto& line : it.lines) client.type(line);
        Task<Outcome> running = client.run();
        it.said.outcome = co_await running;
      }
      server.stop();
      co_await server.join();
    };
    loop.run(once(conversation));
    const Strings& printed = conversation.said.printed;
    const char* const expected[] = {"one", "two", "three"};
    std::size_t answers = 0;
    for (const std::string& line : printed) {
      if (answers < 3 && line.contains(expected[answers])) ++answers;
    }
    ASSERT_TRUE(conversation.said.outcome != Outcome::answered || answers == 3) << seed;
  }
}

TEST(ClientOfWebSocket, AnAnswerThatDoesNotComeIsOverdue) {
  const Said said = converse(say_nothing, {.timeout = 3s, .one_by_one = true}, {"hello", {}});
  EXPECT_EQ(said.outcome, Outcome::overdue);
  EXPECT_TRUE(said.printed.empty());
}

TEST(ClientOfWebSocket, AServerInTroubleIsNoSuccess) {
  const Said said = converse(go_in_trouble, patient, {"hello", "more", {}});
  EXPECT_NE(said.outcome, Outcome::answered);
  EXPECT_FALSE(said.in_order);
  EXPECT_THAT(said.closed, HasSubstr("1011"));
  EXPECT_THAT(said.closed, Not(HasSubstr("\x1b")));
}

TEST(ClientOfWebSocket, CountAndExpect) {
  Client::Options options = patient;
  options.count = 2;
  EXPECT_EQ(converse(echo, options, {"a", "b", "c"}).outcome, Outcome::answered);
  EXPECT_EQ(converse(echo, options, {"a", {}}).outcome, Outcome::unmet);
  options.count = 0;
  options.expect = "b+";
  EXPECT_EQ(converse(echo, options, {"a", "bb", "c"}).outcome, Outcome::answered);
  EXPECT_EQ(converse(echo, options, {"a", {}}).outcome, Outcome::unmet);
}

TEST(ClientOfWebSocket, BytesInHexadecimal) {
  Client::Options options = patient;
  options.hex = true;
  const Said said = converse(echo, options, {"00 ff 7f", {}});
  EXPECT_EQ(said.outcome, Outcome::answered);
  EXPECT_THAT(said.printed, ElementsAre(HasSubstr("00 ff 7f")));
  const Said wrong = converse(echo, options, {"0g", {}});
  EXPECT_EQ(wrong.outcome, Outcome::failed);
  EXPECT_EQ(wrong.failure, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::cli
