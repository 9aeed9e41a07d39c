#include "cli/client.h"

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/simulation.h>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Strings = std::vector<std::string>;

// A client on a simulated loop, whose clock moves by itself, and the other end of its link.
struct Meeting {
  explicit Meeting(Client::Options options = {5s, true}) : loop(simulation) {
    auto [near, far] = pipe(loop);
    peer = std::move(far);
    client.emplace(
        loop, Link(std::move(near)), options, [this](std::string_view line) { printed.emplace_back(line); },
        [this] { ++taken; });
  }

  void type(std::initializer_list<const char*> lines) {
    for (const char* line : lines) client->type(line);
  }
  void type_end() { client->type(std::nullopt); }

  // Runs the client beside `server`.
  Outcome run(Task<> (*server)(Meeting&)) {
    auto both = [](Meeting& meeting, Task<> (*other)(Meeting&)) -> Task<Outcome> {
      TaskGroup group(meeting.loop);
      group.spawn(other(meeting));
      Task<Outcome> running = meeting.client->run();
      const Outcome outcome = co_await running;
      meeting.ended_at = meeting.loop.now();
      meeting.client.reset();
      (void)co_await group.join();
      co_return outcome;
    };
    auto outcome = loop.run(both(*this, server));
    EXPECT_TRUE(outcome);
    return outcome ? *outcome : Outcome::failed;
  }

  Simulation simulation;
  Loop loop;
  Stream peer;
  std::optional<Client> client;
  Strings printed;
  Strings received;  // by the server
  int taken = 0;
  std::chrono::nanoseconds ended_at{};
};

// Remembers each message and answers it, until the client has finished.
Task<> answer_all(Meeting& meeting) {
  for (;;) {
    auto bytes = co_await meeting.peer.receive();
    if (!bytes) break;
    meeting.received.emplace_back(as_text(*bytes));
    (void)co_await meeting.peer.send("yes");
  }
  meeting.peer.close();
}

Task<> say_nothing(Meeting& meeting) {
  for (;;) {
    auto bytes = co_await meeting.peer.receive();
    if (!bytes) break;
    meeting.received.emplace_back(as_text(*bytes));
  }
}

Task<> leave_at_once(Meeting& meeting) {
  meeting.peer.close();
  co_return;
}

Task<> leave_after_a_message(Meeting& meeting) {
  auto bytes = co_await meeting.peer.receive();
  EXPECT_TRUE(bytes);
  meeting.peer.close();
}

TEST(Client, SendsALineWhenTheOneBeforeIsAnswered) {
  Meeting meeting;
  meeting.type({"one", "two", "three"});
  meeting.type_end();
  EXPECT_EQ(meeting.run(answer_all), Outcome::answered);
  EXPECT_THAT(meeting.received, ElementsAre("one", "two", "three"));
  EXPECT_EQ(meeting.printed, Strings(3, "Received yes from server"));
  EXPECT_EQ(meeting.taken, 3);
}

TEST(Client, SendsLinesAsTheyAreTypedOnATerminal) {
  Meeting meeting({5s, false});
  meeting.type({"one", "two"});
  meeting.type_end();
  EXPECT_EQ(meeting.run(answer_all), Outcome::answered);
  std::string all;
  for (const std::string& message : meeting.received) all += message;
  EXPECT_EQ(all, "onetwo");
}

TEST(Client, AnEmptyLineIsTheEnd) {
  Meeting meeting;
  meeting.type({"one", "", "never sent"});
  EXPECT_EQ(meeting.run(answer_all), Outcome::answered);
  EXPECT_THAT(meeting.received, ElementsAre("one"));
}

TEST(Client, NothingTypedNeedsNoAnswer) {
  Meeting meeting;
  meeting.type_end();
  EXPECT_EQ(meeting.run(answer_all), Outcome::answered);
  EXPECT_THAT(meeting.printed, ElementsAre());
}

TEST(Client, AnAnswerThatDoesNotComeIsOverdue) {
  Meeting meeting;
  meeting.type({"one", "two"});
  EXPECT_EQ(meeting.run(say_nothing), Outcome::overdue);
  EXPECT_THAT(meeting.received, ElementsAre("one"));
  EXPECT_GE(meeting.ended_at, 5s);
  EXPECT_LT(meeting.ended_at, 6s);
}

TEST(Client, AnAnswerThatDoesNotComeAfterTheEndIsOverdue) {
  Meeting meeting;
  meeting.type({"one"});
  meeting.type_end();
  EXPECT_EQ(meeting.run(say_nothing), Outcome::overdue);
}

TEST(Client, WithoutATimeoutItDoesNotWait) {
  Meeting meeting({0s, true});
  meeting.type({"one", "two"});
  meeting.type_end();
  EXPECT_EQ(meeting.run(say_nothing), Outcome::answered);
  EXPECT_LT(meeting.ended_at, 1s);
}

TEST(Client, AServerThatGoesBeforeItAnswers) {
  Meeting meeting;
  meeting.type({"one"});
  EXPECT_EQ(meeting.run(leave_after_a_message), Outcome::disconnected);
  EXPECT_THAT(meeting.printed, ElementsAre("server disconnected"));
}

TEST(Client, AServerThatGoesWhenNothingIsOutstanding) {
  Meeting meeting;
  EXPECT_EQ(meeting.run(leave_at_once), Outcome::answered);
  EXPECT_THAT(meeting.printed, ElementsAre("server disconnected"));
}

TEST(Client, AServerThatStaysIsLeftWhenItIsSilent) {
  Meeting meeting;
  meeting.type({"one"});
  meeting.type_end();
  auto server = [](Meeting& with) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      (void)co_await sleep_for(4s);  // each time within the timeout
      (void)co_await with.peer.send("still here");
    }
    (void)co_await sleep_for(1h);
    with.peer.close();
  };
  EXPECT_EQ(meeting.run(server), Outcome::answered);
  EXPECT_EQ(meeting.printed.size(), 4u);
  EXPECT_GE(meeting.ended_at, 21s);
  EXPECT_LT(meeting.ended_at, 22s);
}

TEST(Client, ACharacterThatIsSplitIsPutTogether) {
  Meeting meeting;
  meeting.type_end();
  auto server = [](Meeting& with) -> Task<> {
    for (std::string_view part : {"a\xe2", "\x82", "\xac\x1b", "\xe2"}) {
      (void)co_await with.peer.send(part);
      (void)co_await sleep_for(1s);
    }
    with.peer.close();
  };
  EXPECT_EQ(meeting.run(server), Outcome::answered);
  EXPECT_THAT(meeting.printed,
              ElementsAre("Received a from server", "Received €\\x1b from server", "Received \\xe2 from server"));
}

TEST(Client, ALongLineIsSentWholeToAServerThatReadsSlowly) {
  Meeting meeting;
  const std::string line(1024 * 1024, 'x');
  meeting.client->type(line);
  meeting.type_end();
  auto server = [](Meeting& with) -> Task<> {
    std::size_t size = 0;
    while (size < 1024 * 1024) {
      (void)co_await sleep_for(4s);  // one piece within the timeout, but not all of them
      auto bytes = co_await with.peer.receive();
      if (!bytes) break;
      size += bytes->size();
    }
    (void)co_await with.peer.send(std::to_string(size));
    with.peer.close();
  };
  EXPECT_EQ(meeting.run(server), Outcome::answered);
  EXPECT_THAT(meeting.printed, ElementsAre("Received 1048576 from server"));
}

}  // namespace
}  // namespace parley::cli
