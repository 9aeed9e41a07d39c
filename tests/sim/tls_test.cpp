// Conversations under TLS, by seed, also such of WebSocket; and a handshake that is cut off after each of its bytes.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <parley/parley.h>
#include <parley/ws.h>

#include "authority.h"
#include "sim/echoes.h"

namespace parley::sim {
namespace {

constexpr std::uint64_t seeds = 100;  // each takes longer than without

// A window of 64 bytes is slow: only what the network does ends a handshake.
struct Patient {
  static const Patient& get() {
    static const Patient ends;
    return ends;
  }

  Authority authority{"authority"};
  tls::Server server = *tls::Server::make({.certificates = {authority.sign()}, .limits = {.seconds = 1'000'000}});
  tls::Client client = *tls::Client::make({.authorities = authority.pem(), .limits = {.seconds = 1'000'000}});
};

Task<Result<Stream>> secure_at_last(World& world, Address server) {
  Task<Result<Stream>> connecting = connect_at_last(world, server);
  auto peer = co_await connecting;
  if (!peer) co_return peer;
  connecting = Patient::get().client.connect(world.loop, std::move(*peer), "localhost");
  co_return co_await connecting;
}

EchoWay over_tls() { return {secure_at_last, {.tls = Patient::get().server}}; }

TEST(TlsEcho, EveryByteComesBackInOrder) {
  for_seeds(
      SimulationOptions::harmless,
      [](World& world) -> Task<> {
        co_await echo_to_several(
            world,
            [](const EchoClient& client) {
              EXPECT_EQ(client.received, client.sent);
              EXPECT_GT(client.received, 0u);
              EXPECT_EQ(client.end, Errc::end);
            },
            over_tls());
      },
      seeds);
}

TEST(TlsEcho, NobodyIsToldOfAnOrderlyEndWhenBytesAreMissing) {
  for_seeds(
      SimulationOptions::hostile,
      [](World& world) -> Task<> {
        co_await echo_to_several(
            world,
            [](const EchoClient& client) {
              if (client.end == Errc::end) {
                EXPECT_EQ(client.received, client.sent);
              } else {
                EXPECT_TRUE(client.end == Errc::reset || client.end == Errc::truncated) << client.end.message();
              }
            },
            over_tls());
      },
      seeds);
}

// ---- WebSocket

Task<> echo_messages(ws::Session peer) {
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) co_return;
    auto sent = co_await peer.send(*message);
    if (!sent) co_return;
  }
}

Task<> accept_messages(Stream stream, ws::Acceptor& acceptor) {
  Task<Result<ws::Session>> accepting = acceptor.accept(std::move(stream));
  auto session = co_await accepting;
  if (!session) co_return;
  Task<> echoing = echo_messages(std::move(*session));
  co_await echoing;
}

TEST(TlsWebSocket, MessagesComeBackAsTheyWere) {
  for_seeds(
      SimulationOptions::harmless,
      [](World& world) -> Task<> {
        const ws::Limits patient{.close_seconds = 1'000'000, .keepalive_seconds = 0};
        ws::Acceptor acceptor(world.loop, {.limits = patient, .deflate = true, .handshake_seconds = 1'000'000});
        Server server(world, Handler(accept_messages, acceptor), {.tls = Patient::get().server});
        Task<Result<Stream>> connecting = secure_at_last(world, server.address());
        auto peer = co_await connecting;
        EXPECT_TRUE(succeeded(peer));
        if (!peer) co_return;
        // The client's handshake is made over a Stream that exists: what connect() does with wss: is ws/client_test's.
        const std::string request =
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        (void)co_await peer->send(request);
        std::string heard;
        while (!heard.contains("\r\n\r\n")) {
          auto bytes = co_await peer->receive();
          EXPECT_TRUE(succeeded(bytes));
          if (!bytes) co_return;
          heard += as_text(*bytes);
        }
        EXPECT_TRUE(heard.starts_with("HTTP/1.1 101 ")) << heard;
        const std::string_view frame("\x82\x85\0\0\0\0hello", 11);  // masked with zero
        (void)co_await peer->send(frame);
        std::string back;
        while (back.size() < 7) {
          auto bytes = co_await peer->receive();
          EXPECT_TRUE(succeeded(bytes));
          if (!bytes) co_return;
          back += as_text(*bytes);
        }
        EXPECT_EQ(back, std::string_view("\x82\x05hello"));
        peer->abort();
        co_await server.stop(Stop::all);
      },
      seeds);
}

// ---- A handshake, cut off

// Passes on what comes, until `left` bytes have gone in both directions together.
Task<> pass(Stream& from, Stream& to, std::size_t& left, Event& over) {
  for (;;) {
    auto bytes = co_await from.receive();
    if (!bytes) break;
    const Bytes now = bytes->first(std::min(left, bytes->size()));
    left -= now.size();
    if (!now.empty()) (void)co_await to.send(now);
    if (left == 0) break;
  }
  over.set();
}

struct Cut {
  std::size_t at;
  bool reset;
  std::size_t left = 0;  // when it was over, if it was not cut
};

Task<> shake_and_cut(Loop& loop, Cut& cut) {
  auto [a, far_a] = pipe(loop);
  auto [b, far_b] = pipe(loop);
  cut.left = cut.at;
  Event over;
  TaskGroup between(loop);
  between.spawn(pass(far_a, far_b, cut.left, over));
  between.spawn(pass(far_b, far_a, cut.left, over));
  struct Ends {
    static Task<> wait_and_cut(Event& over, Cut& cut, Stream& one, Stream& other, TaskGroup& between) {
      (void)co_await over.wait();
      between.stop();
      (void)co_await between.join();
      cut.reset ? one.abort() : one.close();
      cut.reset ? other.abort() : other.close();
    }
    static Task<> finish(Result<Stream>& end) {
      if (!end) co_return;
      auto more = co_await end->receive();  // the server's tickets are no bytes
      EXPECT_FALSE(more);
      if (!more) end = std::unexpected(more.error());
    }
  };
  TaskGroup cutting(loop);
  cutting.spawn(Ends::wait_and_cut(over, cut, far_a, far_b, between));
  const Patient& tls = Patient::get();
  const tls::Client fresh = *tls::Client::make({.authorities = tls.authority.pem(), .sessions_max = 0});
  Task<Secured> securing = secure(loop, std::move(a), std::move(b), fresh, tls.server);
  Secured ends = co_await securing;
  if (cut.left != 0) over.set();
  Task<> finishing = Ends::finish(ends.client);
  co_await finishing;
  finishing = Ends::finish(ends.server);
  co_await finishing;
  (void)co_await cutting.join();
  for (const Result<Stream>* end : {&ends.client, &ends.server}) {
    EXPECT_FALSE(*end);
    if (*end) continue;
    const Errc how = end->error().code;
    EXPECT_TRUE(how == Errc::end || how == Errc::truncated || how == Errc::reset) << name(how) << " at " << cut.at;
  }
}

TEST(TlsHandshake, CutOffAfterEachOfItsBytesBothEndsLearnIt) {
  for (const bool reset : {false, true}) {
    Cut cut{.at = 0, .reset = reset};
    for (; cut.left == 0 && !testing::Test::HasFailure(); ++cut.at) {
      Simulation simulation;
      Loop loop(simulation);
      EXPECT_TRUE(succeeded(loop.run(shake_and_cut(loop, cut))));
      EXPECT_LT(loop.now(), std::chrono::hours(1)) << "somebody waited for a time limit";
    }
    EXPECT_GT(cut.at, 1000u);  // a whole handshake is longer than that
  }
}

}  // namespace
}  // namespace parley::sim
