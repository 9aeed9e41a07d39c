// One tls::Server and one tls::Client for several loops, while the certificates are read again.
#include <parley/tls.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley {
namespace {

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

}  // namespace
}  // namespace parley
