#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "codec/key.h"
#include "results.h"

namespace parley::ws {
namespace {

using std::chrono::milliseconds;
constexpr const char* url = "ws://127.0.0.1:9000/";

TEST(Outbox, keeps_as_much_as_it_may) {
  Outbox outbox({.bytes_max = 10, .messages_max = 3});
  EXPECT_TRUE(succeeded(outbox.send("12345678")));
  EXPECT_TRUE(failed_with(outbox.send("abc"), Errc::too_large));
  EXPECT_TRUE(succeeded(outbox.send("ab")));
  EXPECT_TRUE(succeeded(outbox.send("")));
  EXPECT_TRUE(failed_with(outbox.send(""), Errc::too_large));
  EXPECT_EQ(outbox.messages(), 3u);
  EXPECT_EQ(outbox.bytes(), 10u);
}

TEST(Reconnect, which_closing_may_pass) {
  for (const int code : {1001, 1005, 1006, 1011, 1012, 1013, 1014}) {
    EXPECT_TRUE(may_pass({.code = static_cast<std::uint16_t>(code), .reason = {}})) << code;
  }
  for (const int code : {1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 4000, 4999}) {
    EXPECT_FALSE(may_pass({.code = static_cast<std::uint16_t>(code), .reason = {}})) << code;
  }
}

// A server that goes by a list: of each connection, what it does.
struct Scene {
  struct Turn {
    std::uint16_t closes_with = 0;  // after it has heard so many messages; 0: it resets the connection
    std::size_t after = 0;          // messages
    const char* answers = nullptr;  // instead of the handshake
    bool stays = false;             // until the client goes
    std::chrono::seconds lasts{0};  // before it does anything of that
  };
  Loop* loop = nullptr;
  std::vector<Turn> turns = {};
  std::size_t turn = 0;
  std::vector<std::string> heard = {};  // "0:hello", with the number of its connection
  std::uint16_t closed = 0;             // by the client, the last one that stayed
};

Task<> play(Stream stream, Scene& scene) {
  const std::size_t number = scene.turn++;
  const Scene::Turn turn = number < scene.turns.size() ? scene.turns[number] : Scene::Turn{.stays = true};
  if (turn.answers) {
    (void)co_await stream.receive();
    (void)co_await stream.send(turn.answers);
    co_return;
  }
  Acceptor acceptor(*scene.loop, {});
  Task<Result<Session>> accepting = acceptor.accept(std::move(stream));
  auto peer = co_await accepting;
  if (!peer) co_return;
  if (turn.lasts.count() > 0) (void)co_await sleep_for(turn.lasts);
  for (std::size_t left = turn.after; left > 0 || turn.stays; --left) {
    auto message = co_await peer->receive();
    if (!message) break;
    scene.heard.push_back(std::to_string(number) + ":" + std::string(message->text()));
  }
  scene.closed = peer->closed().code;
  if (turn.stays) co_return;
  (void)peer->close(turn.closes_with);
  (void)co_await peer->receive();
}

Task<> serve_scene(Loop& loop, Scene& scene) {
  (void)co_await parley::serve(loop, "tcp://127.0.0.1:9000", parley::Handler(play, scene));
}

struct Client {
  std::vector<Connection> told = {};
  Result<void> result = parley::fail(Errc::none);
  std::vector<const char*> messages = {};
  Outbox outbox{};
  ReconnectOptions again = {.delay_first = milliseconds(100), .delay_max = milliseconds(5000), .seed = 1};
  std::size_t hears_max = SIZE_MAX;  // messages, then its talk ends
  std::chrono::seconds time{1000};
};

void note(const Connection& connection, void* state) { static_cast<Client*>(state)->told.push_back(connection); }

Task<> listen(Session& peer, Client& client) {
  for (; client.hears_max > 0; --client.hears_max) {
    auto message = co_await peer.receive();
    if (!message) break;
  }
}

Task<> be_client(Loop& loop, Scene& scene, Client& client, const char* where) {
  TaskGroup server(loop);
  server.spawn(serve_scene(loop, scene));
  co_await yield();
  for (const char* message : client.messages) EXPECT_TRUE(succeeded(client.outbox.send(message)));
  client.again.told = note;
  client.again.told_state = &client;
  Task<Result<void>> connecting = reconnect(loop, where, Talk(listen, client), client.outbox, {}, client.again);
  client.result = co_await within(client.time, std::move(connecting));
  (void)co_await sleep_for(milliseconds(100));  // for its Close frame to arrive
  server.stop();
  co_await server.join();
}

void run(Scene& scene, Client& client, const char* where = url) {
  Simulation simulation;
  Loop loop(simulation);
  scene.loop = &loop;
  EXPECT_TRUE(succeeded(loop.run(be_client(loop, scene, client, where))));
}

TEST(Reconnect, what_was_kept_is_sent_over_the_next_connection) {
  Scene scene{.turns = {{.after = 2}, {.closes_with = 1012}, {.closes_with = 1011, .after = 1}}};
  Client client{.messages = {"a", "b", "c"}};
  run(scene, client);
  // None of the first three has confirmed anything before it was lost.
  EXPECT_EQ(scene.heard, (std::vector<std::string>{"0:a", "0:b", "2:a", "3:a", "3:b", "3:c"}));
  EXPECT_TRUE(failed_with(client.result, Errc::timed_out));
  EXPECT_EQ(scene.closed, 1001);
  EXPECT_EQ(client.outbox.messages(), 0u);
  EXPECT_EQ(client.outbox.bytes(), 0u);
  ASSERT_EQ(client.told.size(), 7u);
  for (const std::size_t i : {0UZ, 2UZ, 4UZ, 6UZ}) EXPECT_EQ(client.told[i].state, Connection::State::open);
  for (const std::size_t i : {1UZ, 3UZ, 5UZ}) {
    EXPECT_EQ(client.told[i].state, Connection::State::lost);
    EXPECT_TRUE(client.told[i].again);
  }
  EXPECT_EQ(client.told[3].closed.code, 1012);
}

TEST(Reconnect, nothing_is_sent_twice_without_confirming) {
  Scene scene{.turns = {{.closes_with = 1012, .after = 2}}};
  Client client{.messages = {"a", "b"}, .outbox = Outbox({.confirm = false})};
  run(scene, client);
  EXPECT_EQ(scene.heard, (std::vector<std::string>{"0:a", "0:b"}));
  EXPECT_EQ(scene.turn, 2u);
}

TEST(Reconnect, a_closing_that_will_not_pass_ends_it) {
  Scene scene{.turns = {{.closes_with = 1008}}};
  Client client;
  run(scene, client);
  EXPECT_TRUE(failed_with(client.result, Errc::end));
  ASSERT_EQ(client.told.size(), 2u);
  EXPECT_FALSE(client.told[1].again);
  EXPECT_EQ(client.told[1].closed.code, 1008);
}

TEST(Reconnect, is_over_when_the_talk_is) {
  Scene scene;
  Client client{.hears_max = 0};
  run(scene, client);
  EXPECT_TRUE(succeeded(client.result));
  EXPECT_EQ(scene.closed, 1000);
}

TEST(Reconnect, refusals_that_will_not_pass) {
  for (const auto& [answer, passes] :
       {std::pair{"HTTP/1.1 404 x\r\n\r\n", false}, std::pair{"HTTP/1.1 301 x\r\nLocation: ws://a/\r\n\r\n", false},
        std::pair{"HTTP/1.1 403 x\r\n\r\n", false}, std::pair{"HTTP/1.1 503 x\r\n\r\n", true},
        std::pair{"HTTP/1.1 429 x\r\n\r\n", true}, std::pair{"HTTP/1.1 408 x\r\n\r\n", true},
        std::pair{"HTTP/1.1 425 x\r\n\r\n", true}, std::pair{"SSH-2.0\r\n", true}}) {
    Scene scene{.turns = {{.answers = answer}}};
    Client client{.time = std::chrono::seconds(100)};
    run(scene, client);
    EXPECT_TRUE(failed_with(client.result, passes ? Errc::timed_out : Errc::refused)) << answer;
    EXPECT_EQ(client.told.at(0).again, passes) << answer;
    EXPECT_EQ(scene.turn, passes ? 2u : 1u) << answer;
  }
}

TEST(Reconnect, what_can_never_be_right) {
  Scene scene;
  Client client;
  run(scene, client, "ftp://a");
  EXPECT_TRUE(failed_with(client.result, Errc::invalid_address));
  EXPECT_EQ(client.told.size(), 1u);
}

TEST(Reconnect, the_waits_grow_and_are_drawn) {
  Scene scene;
  Client client{.time = std::chrono::hours(10)};
  client.again.attempts_max = 12;
  run(scene, client, "ws://127.0.0.1:9999/");
  EXPECT_TRUE(failed_with(client.result, Errc::refused));
  ASSERT_EQ(client.told.size(), 12u);
  milliseconds sum{0};
  for (std::size_t i = 0; i < 11; ++i) {
    EXPECT_TRUE(client.told[i].again);
    EXPECT_LE(client.told[i].delay, std::min(milliseconds(100 << i), milliseconds(5000)));
    sum += client.told[i].delay;
  }
  EXPECT_FALSE(client.told[11].again);
  EXPECT_GT(sum, milliseconds(5000));  // of at most 36,300
  Client other;
  other.again.attempts_max = 12;
  other.again.seed = 2;
  run(scene, other, "ws://127.0.0.1:9999/");
  EXPECT_NE(other.told.at(10).delay, client.told[10].delay);
}

TEST(Reconnect, the_waits_begin_anew_after_a_connection_that_lasted) {
  Scene scene{.turns = {{.closes_with = 1012},
                        {.closes_with = 1012},
                        {.closes_with = 1012},
                        {.closes_with = 1012},
                        {.closes_with = 1012},
                        {.closes_with = 1012, .lasts = std::chrono::seconds(6)}}};
  Client client;
  run(scene, client);
  ASSERT_EQ(client.told.size(), 13u);
  EXPECT_LE(client.told[11].delay, milliseconds(100));
}

Task<> say_hello(Session& peer, Scene& scene) {
  scene.heard.push_back("greets");
  (void)co_await peer.send("hello");
}

TEST(Reconnect, greets_before_anything_else) {
  Scene scene{.turns = {{.closes_with = 1012, .after = 1}}};
  Client client{.messages = {"kept"}};
  const Talk greet(say_hello, scene);
  client.again.greet = &greet;
  run(scene, client);
  EXPECT_EQ(scene.heard, (std::vector<std::string>{"greets", "0:hello", "greets", "1:hello", "1:kept"}));
}

// A scene of the caller's own.
void simulate(Task<> (*play_all)(Loop& loop, Scene& scene)) {
  Simulation simulation;
  Loop loop(simulation);
  Scene scene{.loop = &loop};
  EXPECT_TRUE(succeeded(loop.run(play_all(loop, scene))));
}

Task<> throw_up(Session&) {
  throw std::runtime_error("thrown");
  co_return;
}

Task<> expect_thrown(Loop& loop, Scene& scene) {
  TaskGroup server(loop);
  server.spawn(serve_scene(loop, scene));
  co_await yield();
  Outbox outbox;
  bool thrown = false;
  Task<Result<void>> connecting = reconnect(loop, url, throw_up, outbox);
  try {
    (void)co_await connecting;
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
  server.stop();
  co_await server.join();
}

TEST(Reconnect, what_the_talk_throws_is_thrown) { simulate(expect_thrown); }

Task<> listen_only(Session& peer) { (void)co_await peer.receive(); }

Task<> keep_one(Loop& loop, Outbox& outbox) { (void)co_await reconnect(loop, url, listen_only, outbox); }

Task<> expect_already(Loop& loop, Scene& scene) {
  TaskGroup others(loop);
  others.spawn(serve_scene(loop, scene));
  Outbox outbox;
  others.spawn(keep_one(loop, outbox));
  co_await yield();
  Task<Result<void>> second = reconnect(loop, url, listen_only, outbox);
  const Result<void> result = co_await second;
  EXPECT_TRUE(failed_with(result, Errc::already));
  others.stop();
  co_await others.join();
}

TEST(Reconnect, one_at_a_time_has_the_outbox) { simulate(expect_already); }

Task<> ping_and_listen(Session& peer) {
  (void)co_await peer.ping();
  (void)co_await peer.receive();
}

Task<> fill(Outbox& outbox, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    while (!outbox.send("message")) {
      const auto room = co_await outbox.room();
      if (!room) co_return;
    }
  }
}

Task<> expect_room(Loop& loop, Scene& scene) {
  TaskGroup others(loop);
  others.spawn(serve_scene(loop, scene));
  co_await yield();
  Outbox outbox({.messages_max = 2});
  others.spawn(fill(outbox, 20));
  Task<Result<void>> connecting = reconnect(loop, url, ping_and_listen, outbox);
  (void)co_await within(std::chrono::seconds(100), std::move(connecting));
  EXPECT_EQ(scene.heard.size(), 20u);
  others.stop();
  co_await others.join();
}

TEST(Reconnect, whoever_waits_for_room_gets_it_though_the_talk_pings_too) { simulate(expect_room); }

// Accepts, and is gone as soon as it hears anything.
Task<> accept_and_go(Stream stream, Scene& scene) {
  ++scene.turn;
  const auto request = co_await stream.receive();
  if (!request) co_return;
  const std::string_view text = as_text(*request);
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const std::string_view key = text.substr(text.find(field) + field.size(), 24);
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      codec::websocket_accept(key) + "\r\n\r\n";
  (void)co_await stream.send(answer);
  (void)co_await stream.receive();
}

Task<> serve_and_go(Loop& loop, Scene& scene) {
  (void)co_await parley::serve(loop, "tcp://127.0.0.1:9000", parley::Handler(accept_and_go, scene));
}

Task<> close_and_listen(Session& peer) {
  (void)peer.close(1000);
  (void)co_await peer.receive();
}

Task<> expect_over(Loop& loop, Scene& scene) {
  TaskGroup others(loop);
  others.spawn(serve_and_go(loop, scene));
  co_await yield();
  Outbox outbox;
  Task<Result<void>> connecting = reconnect(loop, url, close_and_listen, outbox);
  const Result<void> over = co_await within(std::chrono::seconds(100), std::move(connecting));
  EXPECT_TRUE(succeeded(over));
  EXPECT_EQ(scene.turn, 1u);
  others.stop();
  co_await others.join();
}

// It connected again, to what it had been told to leave.
TEST(Reconnect, is_over_when_this_end_has_closed_though_the_peer_never_answers) { simulate(expect_over); }

Task<> expect_waiting_only(Loop& loop) {
  for (const WhenFull when_full : {WhenFull::drop_newest, WhenFull::drop_oldest, WhenFull::close}) {
    Outbox outbox;
    const ConnectOptions options{.limits = {.when_full = when_full}};
    Task<Result<void>> connecting = reconnect(loop, url, ping_and_listen, outbox, options);
    const Result<void> over = co_await within(std::chrono::seconds(100), std::move(connecting));
    EXPECT_TRUE(failed_with(over, Errc::invalid_argument));
  }
}

// The outbox took for sent what the session had dropped.
TEST(Reconnect, a_session_that_drops_messages_keeps_none) {
  Simulation simulation;
  Loop loop(simulation);
  EXPECT_TRUE(succeeded(loop.run(expect_waiting_only(loop))));
}

}  // namespace
}  // namespace parley::ws
