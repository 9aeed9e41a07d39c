// One tls::Server and one tls::Client for several loops, while the certificates are read again.
#include <parley/tls.h>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

constexpr unsigned loops = 3;  // two serve, one connects
constexpr int connections = 40;

struct Shared {
  std::vector<Listener> listeners;
  tls::Server server;
  tls::Client client;
  std::string url;
  Threads& threads;
};

Task<> answer(Stream peer) {
  for (;;) {
    auto bytes = co_await peer.receive();
    if (!bytes) co_return;
    (void)co_await peer.send(*bytes);
  }
}

Task<Result<void>> talk(Loop& loop, Shared& shared) {
  for (int i = 0; i < connections; ++i) {
    Task<Result<Stream>> connecting = connect(loop, shared.url, {.tls = shared.client});
    auto peer = co_await connecting;
    EXPECT_TRUE(succeeded(peer));
    if (!peer) break;
    (void)co_await peer->send("hello");
    auto bytes = co_await peer->receive();
    EXPECT_TRUE(succeeded(bytes));
    if (i % 8 == 7) {
      EXPECT_TRUE(succeeded(shared.server.reload()));
    }
  }
  shared.threads.stop();
  co_return Result<void>();
}

Task<Result<void>> work(Loop& loop, unsigned index, Shared& shared) {
  if (index == loops - 1) return talk(loop, shared);
  return serve(loop, std::move(shared.listeners[index]), answer, {.tls = shared.server});
}

TEST(TlsThreads, a_server_and_a_client_are_shared_by_loops_and_read_again_meanwhile) {
  const Authority authority("authority");
  Threads threads(loops);
  auto listeners = listen(threads, "tcp://127.0.0.1:0");
  ASSERT_TRUE(succeeded(listeners));
  const std::string url = "tls://127.0.0.1:" + std::to_string(listeners->front().local_address().port());
  listeners->pop_back();  // of the loop that connects: the kernel must not give it any
  Shared shared{std::move(*listeners), *tls::Server::make({.certificates = {authority.sign()}}),
                *tls::Client::make({.authorities = authority.pem()}), url, threads};
  EXPECT_TRUE(succeeded(threads.run(work, shared)));
}

struct Both {
  tls::Server server;
  tls::Client client;
  int accepted = 0;
  int given_up = 0;
};

Task<> accept_within(Loop& loop, Both& both, Stream peer, std::chrono::microseconds limit) {
  Task<Result<Stream>> accepting = both.server.accept(loop, std::move(peer));
  auto stream = co_await within(limit, std::move(accepting));
  ++(stream ? both.accepted : both.given_up);
  if (!stream) {
    EXPECT_TRUE(failed_with(stream, Errc::timed_out));
  }
}

Task<> connect_once(Loop& loop, Both& both, Stream peer) {
  Task<Result<Stream>> connecting = both.client.connect(loop, std::move(peer), "localhost");
  auto stream = co_await connecting;
  if (stream) (void)co_await stream->receive();
}

// The thread beside the loop may be in the middle of it, with a certificate that nobody else has any more.
TEST(TlsThreads, a_handshake_may_be_given_up_whatever_is_being_done_for_it) {
  const Authority authority("authority");
  Both both{*tls::Server::make({.certificates = {authority.sign()}}),
            *tls::Client::make({.authorities = authority.pem(), .sessions_max = 0})};
  Loop loop;
  auto main = [](Loop& on, Both& ends) -> Task<> {
    for (auto limit = 0us; limit < 3ms && ends.accepted < 5; limit += 20us) {
      auto [a, b] = pipe(on);
      TaskGroup group(on);
      group.spawn(accept_within(on, ends, std::move(a), limit));
      group.spawn(connect_once(on, ends, std::move(b)));
      EXPECT_TRUE(succeeded(ends.server.reload()));
      co_await group.join();
    }
  };
  EXPECT_TRUE(succeeded(loop.run(main(loop, both))));
  EXPECT_GT(both.given_up, 0);
}

}  // namespace
}  // namespace parley
