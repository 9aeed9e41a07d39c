#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws/session.h>

#include <chrono>
#include <string>
#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

using testing::Opcode;
using testing::Pair;
using namespace std::chrono_literals;

// An idle handler has one in its frame, so a word more would be a word for each connection.
static_assert(sizeof(Session::Receive) == sizeof(void*));

struct Scene {
  Simulation simulation;
  Loop loop{simulation};
  Pair pair{loop, Role::server};
  std::vector<std::string> log;
};

Task<> note_next(Session& session, std::vector<std::string>& log) {
  auto message = co_await session.receive();
  log.push_back(message ? std::string(message->text()) : std::string(name(message.error().code)));
}

Task<> note_next_part(Session& session, std::vector<std::string>& log) {
  auto part = co_await session.receive_some();
  log.push_back(part ? std::string(as_text(part->bytes)) : std::string(name(part.error().code)));
}

TEST(Session, a_second_receive_is_refused_and_the_first_is_left_alone) {
  for (const auto second : {note_next, note_next_part}) {
    Scene scene;
    scene.loop.run([](Loop& on, Pair& with, auto other, std::vector<std::string>& notes) -> Task<> {
      TaskGroup group(on);
      group.spawn(note_next(with.session, notes));
      (void)co_await yield();
      group.spawn(other(with.session, notes));
      group.spawn(other(with.session, notes));
      (void)co_await yield();
      co_await with.peer.send(with.wire(Opcode::text, "hello"));
      co_await group.join();
    }(scene.loop, scene.pair, second, scene.log));
    EXPECT_EQ(scene.log, (std::vector<std::string>{"already", "already", "hello"}));
  }
}

// A bug: a receive_some() that was refused made the receive() that waited one of parts, without message_bytes_max; and
// the other way round.
TEST(Session, a_receive_that_is_refused_does_not_change_the_kind_of_the_one_that_waits) {
  for (const bool whole : {true, false}) {
    Scene scene;
    scene.loop.run([](Loop& on, Pair& with, bool is_whole, std::vector<std::string>& notes) -> Task<> {
      TaskGroup group(on);
      group.spawn(is_whole ? note_next(with.session, notes) : note_next_part(with.session, notes));
      (void)co_await yield();
      group.spawn(is_whole ? note_next_part(with.session, notes) : note_next(with.session, notes));
      (void)co_await yield();
      co_await with.peer.send(with.wire(0x01, "hel"));
      (void)co_await sleep_for(1s);
      co_await with.peer.send(with.wire(Opcode::continuation, "lo"));
      co_await group.join();
    }(scene.loop, scene.pair, whole, scene.log));
    EXPECT_EQ(scene.log, (std::vector<std::string>{"already", whole ? "hello" : "hel"}));
  }
}

TEST(Session, a_receive_whose_time_is_over_leaves_the_message_to_the_next) {
  Scene scene;
  scene.loop.run([](Pair& with, std::vector<std::string>& notes) -> Task<> {
    auto late = co_await within(1s, with.session.receive());
    notes.push_back(std::string(name(late.error().code)));
    auto part = co_await within(1s, with.session.receive_some());
    notes.push_back(std::string(name(part.error().code)));
    co_await with.peer.send(with.wire(Opcode::text, "hello"));
    auto message = co_await within(1s, with.session.receive());
    notes.push_back(std::string(message->text()));
  }(scene.pair, scene.log));
  EXPECT_EQ(scene.log, (std::vector<std::string>{"timed_out", "timed_out", "hello"}));
}

// Stopped while it waits, and stopped before it would.
TEST(Session, a_receive_that_is_stopped_is_cancelled) {
  for (const Stop level : {Stop::receiving, Stop::all}) {
    Scene scene;
    scene.loop.run([](Loop& on, Pair& with, Stop how, std::vector<std::string>& notes) -> Task<> {
      TaskGroup group(on);
      group.spawn(note_next(with.session, notes));
      (void)co_await yield();
      group.stop(how);
      co_await group.join();
      group.spawn(note_next(with.session, notes));
      group.spawn(note_next_part(with.session, notes));
      co_await group.join();
    }(scene.loop, scene.pair, level, scene.log));
    EXPECT_EQ(scene.log, (std::vector<std::string>{"cancelled", "cancelled", "cancelled"}));
  }
}

TEST(Session, one_that_was_never_opened_is_closed) {
  Simulation simulation;
  Loop loop(simulation);
  Session none;
  std::vector<std::string> log;
  loop.run(note_next(none, log));
  loop.run(note_next_part(none, log));
  EXPECT_EQ(log, (std::vector<std::string>{"closed", "closed"}));
  EXPECT_EQ(none.ended(), Errc::closed);
  EXPECT_EQ(none.close().error(), Errc::closed);
  EXPECT_FALSE(none.is_open());
}

}  // namespace
}  // namespace parley::ws
