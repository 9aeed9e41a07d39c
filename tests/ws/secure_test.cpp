// WebSocket over TLS: what "wss:" means to a client and to a server.
#include <parley/ws.h>

#include <gtest/gtest.h>

#include <string>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley::ws {
namespace {

Task<> echo(Session peer) {
  for (;;) {
    auto message = co_await peer.receive();
    if (!message) co_return;
    (void)co_await peer.send(*message);
  }
}

Task<> serve_it(Loop& loop, Listener listener, tls::Server tls) {
  ServeOptions options;
  options.tls = std::move(tls);
  Task<Result<void>> serving = serve(loop, std::move(listener), echo, options);
  auto served = co_await serving;
  EXPECT_TRUE(succeeded(served));
}

Task<> talk(Loop& loop, std::string url, tls::Client tls, Errc expected) {
  ConnectOptions options;
  options.connect.tls = std::move(tls);
  Task<Result<Session>> connecting = connect(loop, url, options);
  auto session = co_await connecting;
  if (expected != Errc::none) {
    EXPECT_TRUE(failed_with(session, expected));
    co_return;
  }
  EXPECT_TRUE(succeeded(session));
  if (!session) co_return;
  (void)co_await session->send("over TLS");
  auto message = co_await session->receive();
  EXPECT_TRUE(succeeded(message));
  if (message) {
    EXPECT_EQ(message->text(), "over TLS");
  }
  (void)session->close();
  message = co_await session->receive();
  EXPECT_TRUE(failed_with(message, Errc::end));
}

Task<> all(Loop& loop) {
  const TlsEnds& ends = TlsEnds::get();
  auto listener = listen(loop, "tcp://127.0.0.1:0");
  EXPECT_TRUE(succeeded(listener));
  if (!listener) co_return;
  const std::string place = "127.0.0.1:" + std::to_string(listener->local_address().port());
  TaskGroup server(loop);
  server.spawn(serve_it(loop, std::move(*listener), ends.server));
  Task<> talking = talk(loop, "wss://" + place + "/", ends.client, Errc::none);
  co_await talking;
  talking = talk(loop, "wss://" + place + "/", {}, Errc::certificate_chain_incomplete);
  co_await talking;
  talking = talk(loop, "ws://" + place + "/", {}, Errc::end);  // or an alert, which is no HTTP
  co_await talking;
  server.stop();
  (void)co_await server.join();
}

TEST(Secure, AClientVerifiesAndAServerSpeaksNothingElse) {
  Loop loop;
  EXPECT_TRUE(succeeded(loop.run(all(loop))));
}

// Sends its client elsewhere.
struct Elsewhere {
  Loop& loop;
  std::string location;
};

Task<> redirect(Stream peer, Elsewhere& elsewhere) {
  (void)co_await peer.receive();
  const std::string answer = "HTTP/1.1 302 Found\r\nLocation: " + elsewhere.location + "\r\n\r\n";
  (void)co_await peer.send(answer);
  (void)peer.shutdown();
  (void)co_await peer.receive();
}

Task<> serve_redirects(Loop& loop, Listener listener, Elsewhere& elsewhere) {
  auto served =
      co_await parley::serve(loop, std::move(listener), {redirect, elsewhere}, {.tls = TlsEnds::get().server});
  EXPECT_TRUE(succeeded(served));
}

Task<> be_led_astray(Loop& loop) {
  auto listener = listen(loop, "tcp://127.0.0.1:0");
  EXPECT_TRUE(succeeded(listener));
  if (!listener) co_return;
  const std::string place = "127.0.0.1:" + std::to_string(listener->local_address().port());
  Elsewhere elsewhere{loop, "ws://" + place + "/"};
  TaskGroup server(loop);
  server.spawn(serve_redirects(loop, std::move(*listener), elsewhere));
  ConnectOptions options;
  options.connect.tls = TlsEnds::get().client;
  options.redirects_max = 3;
  Refusal refusal;
  Task<Result<Session>> connecting = connect(loop, "wss://" + place + "/", options, &refusal);
  auto session = co_await connecting;
  EXPECT_TRUE(failed_with(session, Errc::refused));
  EXPECT_EQ(refusal.location, elsewhere.location);
  server.stop();
  (void)co_await server.join();
}

TEST(Secure, ARedirectDoesNotLeadOutOfTls) {
  Loop loop;
  EXPECT_TRUE(succeeded(loop.run(be_led_astray(loop))));
}

TEST(Secure, AServerIsSecureExactlyIfItsUrlSaysSo) {
  Loop loop;
  EXPECT_TRUE(failed_with(loop.run(serve(loop, "wss://127.0.0.1:0", echo)), Errc::invalid_argument));
  ServeOptions secure;
  secure.tls = TlsEnds::get().server;
  EXPECT_TRUE(failed_with(loop.run(serve(loop, "ws://127.0.0.1:0", echo, secure)), Errc::invalid_argument));
}

}  // namespace
}  // namespace parley::ws
