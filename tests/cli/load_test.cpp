#include "cli/load.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include <parley/listener.h>
#include <parley/simulation.h>
#include <parley/ws.h>

#include "results.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

// What the server does with what it gets.
enum class Answer { echo, change_the_tenth, say_it_twice, go_after_ten };

struct Server {
  Loop& loop;
  Answer answer;
  std::size_t seen = 0;
  std::set<std::string> sources = {};
};

std::string host_of(const Address& address) {
  const std::string text = address.to_string();
  return text.substr(0, text.rfind(':'));
}

Task<> serve_stream(Stream peer, Server& server) {
  server.sources.insert(host_of(peer.peer_address()));
  for (;;) {
    auto bytes = co_await peer.receive();
    if (!bytes) break;
    std::string text(as_text(*bytes));
    if (server.answer == Answer::change_the_tenth && ++server.seen == 10) text.back() ^= 1;
    if (server.answer == Answer::go_after_ten && ++server.seen == 10) break;
    auto sent = co_await peer.send(text);
    if (sent && server.answer == Answer::say_it_twice) sent = co_await peer.send(text);
    if (!sent) break;
  }
}

Task<> serve_session(ws::Session peer, Server& server) {
  server.sources.insert(host_of(peer.peer_address()));
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) break;
    std::string text(message->text());
    if (server.answer == Answer::change_the_tenth && ++server.seen == 10) text.back() ^= 1;
    if (server.answer == Answer::go_after_ten && ++server.seen == 10) break;
    const ws::Message same(as_bytes(text), message->kind());
    auto sent = co_await peer.send(same);
    if (sent && server.answer == Answer::say_it_twice) sent = co_await peer.send(same);
    if (!sent) break;
  }
}

Task<> serve_streams(Server& server) {
  (void)co_await parley::serve(server.loop, "tcp://127.0.0.1:9000", parley::Handler(serve_stream, server));
}

Task<> serve_sessions(Server& server) {
  ws::ServeOptions options;
  options.deflate = true;
  (void)co_await ws::serve(server.loop, "ws://127.0.0.1:9001", ws::Handler(serve_session, server), options);
}

// Datagrams: the tenth is dropped, changed, or answered twice.
Task<> serve_datagrams(Server& server) {
  auto socket = UdpSocket::bind(server.loop, "udp://127.0.0.1:9002");
  EXPECT_TRUE(succeeded(socket));
  while (auto datagram = co_await socket->receive()) {
    std::string text(as_text(datagram->bytes));
    const bool tenth = ++server.seen == 10;
    if (tenth && server.answer == Answer::go_after_ten) continue;
    if (tenth && server.answer == Answer::change_the_tenth) text.back() ^= 1;
    const int times = tenth && server.answer == Answer::say_it_twice ? 2 : 1;
    for (int i = 0; i < times; ++i) co_await socket->send(text, datagram->from);
  }
}

struct Trial {
  LoadOptions options;
  Answer answer = Answer::echo;
  std::chrono::nanoseconds time = 1s;
  Result<void> connected = {};
  LoadResult result = {};
  std::size_t broken = 0;
  std::set<std::string> sources = {};
};

Task<> try_it(Loop& loop, Trial& trial) {
  Server server{loop, trial.answer};
  TaskGroup servers(loop);
  servers.spawn(serve_streams(server));
  servers.spawn(serve_sessions(server));
  servers.spawn(serve_datagrams(server));
  co_await yield();
  Load load(loop, trial.options);
  Task<Result<void>> connecting = load.connect_idle();
  trial.connected = co_await connecting;
  if (trial.connected) {
    connecting = load.connect();
    trial.connected = co_await connecting;
  }
  if (trial.connected) {
    load.start();
    (void)co_await sleep_for(trial.time);
    trial.result = load.result();
    trial.broken = load.broken();
    load.stop();
    Task<> joining = load.join();
    co_await joining;
  }
  servers.stop();
  co_await servers.join();
  trial.sources = server.sources;
}

// Whatever is sent takes a while: where nothing does, a second never passes.
constexpr SimulationOptions slow{
    .receive_partial_chance = 0.2, .send_partial_chance = 0.2, .delay_chance = 1, .delay_max = 10ms};

void simulate(Trial& it, const SimulationOptions& network = slow) {
  Simulation simulation(network);
  Loop loop(simulation, {.linger_seconds = 100'000});
  EXPECT_TRUE(succeeded(loop.run(try_it(loop, it))));
}

LoadOptions over_tcp() { return {.endpoint = *Endpoint::parse("tcp://127.0.0.1:9000"), .connections = 5}; }
LoadOptions over_udp() { return {.endpoint = *Endpoint::parse("udp://127.0.0.1:9002"), .connections = 5}; }
LoadOptions over_websocket() { return {.endpoint = {}, .url = "ws://127.0.0.1:9001/", .connections = 5}; }

TEST(Load, EveryKindComesBack) {
  for (const LoadOptions& base : {over_tcp(), over_websocket()}) {
    for (const Content content : {Content::binary, Content::text, Content::utf8, Content::json}) {
      for (const std::size_t bytes : {1UZ, 64UZ, 70'000UZ}) {
        for (const bool compress : {false, true}) {
          if (compress && base.url.empty()) continue;
          Trial it{.options = base};
          it.options.content = content;
          it.options.bytes = bytes;
          it.options.in_flight = 3;
          it.options.compress = compress;
          simulate(it);
          ASSERT_TRUE(succeeded(it.connected));
          EXPECT_GT(it.result.messages, 0u) << bytes << it.options.url;
          EXPECT_EQ(it.result.wrong, 0u);
          EXPECT_EQ(it.result.latency.count(), it.result.messages);
          EXPECT_EQ(it.broken, 0u);
        }
      }
    }
  }
}

TEST(Load, AChangedEchoIsSeen) {
  for (LoadOptions options : {over_tcp(), over_websocket()}) {
    options.connections = 1;
    Trial it{.options = options, .answer = Answer::change_the_tenth};
    simulate(it);
    EXPECT_EQ(it.result.wrong, 1u) << options.url;
    EXPECT_GT(it.result.messages, 10u);
  }
}

TEST(Load, MoreThanWasSentIsWrong) {
  for (LoadOptions options : {over_tcp(), over_websocket()}) {
    options.connections = 1;
    options.rate = 10;
    Trial it{.options = options, .answer = Answer::say_it_twice};
    simulate(it);
    EXPECT_GT(it.result.wrong, 5u) << options.url;
  }
}

TEST(Load, AServerThatGoesIsNoticed) {
  for (const LoadOptions& options : {over_tcp(), over_websocket()}) {
    Trial it{.options = options, .answer = Answer::go_after_ten};
    simulate(it);
    EXPECT_EQ(it.broken, 1u) << options.url;
    EXPECT_EQ(it.result.wrong, 0u);
  }
}

TEST(Load, Datagrams) {
  for (const std::size_t in_flight : {1UZ, 4UZ}) {
    Trial it{.options = over_udp(), .time = 10s};
    it.options.in_flight = in_flight;
    simulate(it);
    EXPECT_GT(it.result.messages, 1000u);
    EXPECT_EQ(it.result.wrong + it.result.lost, 0u);
    EXPECT_EQ(it.broken, 0u);
  }
}

TEST(Load, ALostDatagramIsCountedAndNothingWaitsForIt) {
  Trial it{.options = over_udp(), .answer = Answer::go_after_ten, .time = 10s};
  simulate(it);
  EXPECT_EQ(it.result.lost, 1u);
  EXPECT_EQ(it.result.wrong, 0u);
  EXPECT_GT(it.result.messages, 1000u);
}

TEST(Load, AChangedDatagramIsSeen) {
  Trial it{.options = over_udp(), .answer = Answer::change_the_tenth};
  simulate(it);
  EXPECT_EQ(it.result.wrong, 1u);
}

TEST(Load, ADatagramThatComesTwiceCountsOnce) {
  Trial it{.options = over_udp(), .answer = Answer::say_it_twice};
  it.options.connections = 1;
  simulate(it);
  EXPECT_EQ(it.result.wrong, 0u);
  EXPECT_EQ(it.result.lost, 0u);
}

TEST(Load, NobodyAnswersDatagrams) {
  Trial it{.options = over_udp(), .time = 10s};
  it.options.endpoint = *Endpoint::parse("udp://127.0.0.1:9009");
  simulate(it);
  EXPECT_EQ(it.result.messages, 0u);
  EXPECT_GT(it.result.lost, 20u);
  EXPECT_EQ(it.broken, 0u);
}

TEST(Load, AConnectionForEachMessage) {
  for (LoadOptions options : {over_tcp(), over_websocket()}) {
    options.churn = true;
    options.idle = 3;
    Trial it{.options = options, .time = 20s};
    simulate(it);
    ASSERT_TRUE(succeeded(it.connected));
    EXPECT_GT(it.result.messages, 100u) << options.url;
    EXPECT_EQ(it.result.wrong, 0u);
    EXPECT_EQ(it.broken, 0u);
  }
}

TEST(Load, FromSeveralAddresses) {
  for (LoadOptions options : {over_tcp(), over_websocket()}) {
    options.from = {*Address::ip("127.0.0.2", 0), *Address::ip("127.0.0.3", 0)};
    Trial it{.options = options};
    simulate(it);
    ASSERT_TRUE(succeeded(it.connected));
    EXPECT_EQ(it.sources, (std::set<std::string>{"127.0.0.2", "127.0.0.3"}));
  }
}

TEST(Load, ChurningIsToldThatNobodyListens) {
  Trial it{.options = over_tcp()};
  it.options.endpoint = *Endpoint::parse("tcp://127.0.0.1:9009");
  it.options.churn = true;
  simulate(it);
  EXPECT_TRUE(failed_with(it.connected, Errc::refused));
  it.options.idle = 1;
  simulate(it);
  EXPECT_TRUE(failed_with(it.connected, Errc::refused));
}

TEST(Load, NobodyListens) {
  Trial it{.options = over_tcp()};
  it.options.endpoint = *Endpoint::parse("tcp://127.0.0.1:9009");
  simulate(it);
  EXPECT_TRUE(failed_with(it.connected, Errc::refused));
}

TEST(Load, AtARateWhateverComesBack) {
  for (LoadOptions options : {over_tcp(), over_websocket()}) {
    options.rate = 1000;
    Trial it{.options = options, .time = 10s};
    simulate(it);
    EXPECT_NEAR(static_cast<double>(it.result.messages), 10'000, 50) << options.url;
    EXPECT_EQ(it.result.wrong, 0u);
    EXPECT_LT(it.result.lateness.percentile(0.99), 3ms);
  }
}

}  // namespace
}  // namespace parley::cli
