#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <string>
#include <vector>

#include "ws/raw_peer.h"

namespace parley::ws {
namespace {

constexpr const char* url = "ws://127.0.0.1:9000/chat?room=1";

Task<> echo(Session peer) {
  while (auto message = co_await peer.receive()) {
    co_await peer.send(*message);
  }
}

Task<> serve_until_stopped(Loop& loop, Handler handler, ServeOptions options, Result<void>& served) {
  served = co_await serve(loop, "ws://127.0.0.1:9000", handler, std::move(options));
}

// Runs `client` beside a server, which is stopped when the client is done.
template <class Client>
void run(Client client, Handler handler = echo, ServeOptions options = {}, std::uint64_t seed = 0) {
  Simulation simulation(SimulationOptions::harmless(seed));
  {
    Loop loop(simulation);
    Result<void> served = parley::fail(Errc::system);
    const auto both = [](Loop& on, Client& task, Handler h, ServeOptions o, Result<void>& result) -> Task<> {
      TaskGroup server(on);
      server.spawn(serve_until_stopped(on, h, std::move(o), result));
      co_await yield();
      co_await task(on);
      server.stop(Stop::receiving);
      co_await server.join();
    };
    loop.run(both(loop, client, handler, std::move(options), served));
    EXPECT_TRUE(served);
  }
  EXPECT_TRUE(simulation.finish().clean()) << simulation.finish().to_string();
}

// A seed may deliver byte by byte, each of them late.
constexpr Limits patient{.close_seconds = 3600, .keepalive_seconds = 0};

Task<> talk(Loop& loop) {
  auto session = co_await ws::connect(loop, url, {.limits = patient, .handshake_seconds = 3600});
  EXPECT_TRUE(session) << name(session.error().code);
  if (!session) co_return;
  for (std::size_t size : {0u, 1u, 125u, 126u, 1000u, 65535u, 65536u, 300'000u}) {
    const std::string text(size, 'x');
    co_await session->send(text);
    auto answer = co_await session->receive();
    EXPECT_TRUE(answer) << size << " " << name(answer.error().code) << session->closed().reason;
    EXPECT_TRUE(answer && answer->is_text() && answer->text() == text) << size;
  }
  EXPECT_TRUE(session->close(1000, "bye"));
  auto end = co_await session->receive();
  EXPECT_EQ(end.error(), Errc::end);
  EXPECT_EQ(session->closed().code, 1000);
}

TEST(Server, EchoesBySeed) {
  ServeOptions options;
  options.limits = patient;
  options.handshake_seconds = 3600;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    run(talk, echo, options, seed);
  }
}

Task<> talk_compressed(Loop& loop) {
  auto session = co_await ws::connect(
      loop, url,
      {.limits = patient, .deflate = true, .deflate_options = {.message_bytes_min = 0}, .handshake_seconds = 3600});
  EXPECT_TRUE(session) << name(session.error().code);
  if (!session) co_return;
  EXPECT_TRUE(session->compresses());
  for (std::size_t size : {0u, 1u, 125u, 126u, 1000u, 65536u, 1'000'000u}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i % 23);
    co_await session->send(text);
    auto answer = co_await session->receive();
    EXPECT_TRUE(answer && answer->is_text() && answer->text() == text) << size;
  }
}

TEST(Server, EchoesCompressedBySeed) {
  ServeOptions options;
  options.limits = patient;
  options.handshake_seconds = 3600;
  options.deflate = true;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    options.deflate_options.server_no_context_takeover = seed % 2 != 0;
    options.deflate_options.client_max_window_bits = static_cast<std::uint8_t>(8 + seed % 8);
    run(talk_compressed, echo, options, seed);
  }
}

Task<> does_not_compress(Loop& loop) {
  auto session = co_await ws::connect(loop, url, {.deflate = true});
  EXPECT_TRUE(session && !session->compresses());
}

TEST(Server, CompressesOnlyIfBothWantIt) { run(does_not_compress); }

Task<> tell_request(Session peer) {
  const Request* request = peer.request();
  const std::string text =
      std::string(request->path()) + "|" + std::string(request->query()) + "|" + std::string(request->host()) + "|" +
      std::string(request->header("x-Extra").value_or("none")) + "|" + std::string(peer.subprotocol());
  co_await peer.send(text);
  (void)co_await peer.receive();
  EXPECT_EQ(peer.request(), nullptr);
}

Task<> ask_about_request(Loop& loop) {
  auto session = co_await ws::connect(
      loop, url, {.subprotocols = "unknown, chat.v2, chat.v1", .headers = "X-Extra: yes\nX-More: too"});
  if (!session) co_return;
  EXPECT_EQ(session->subprotocol(), "chat.v2");
  auto answer = co_await session->receive();
  EXPECT_TRUE(answer);
  EXPECT_EQ(answer ? answer->text() : "", "/chat|room=1|127.0.0.1:9000|yes|chat.v2");
}

TEST(Server, TheHandlerSeesTheRequest) {
  ServeOptions options;
  options.subprotocols = "chat.v1, chat.v2";
  run(ask_about_request, tell_request, options);
}

Task<> from_elsewhere(Loop& loop) {
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:9001", "null"}) {
    ConnectOptions options;
    options.origin = origin;
    Refusal refusal;
    auto session = co_await ws::connect(loop, url, options, &refusal);
    EXPECT_EQ(session.error(), Errc::refused);
    EXPECT_EQ(refusal.status, 403u);
  }
  ConnectOptions options;
  options.origin = "http://127.0.0.1:9000";
  auto session = co_await ws::connect(loop, url, options);
  EXPECT_TRUE(session);
}

TEST(Server, APageFromElsewhereIsRefused) { run(from_elsewhere); }

Task<> to_a_path(Loop& loop) {
  Refusal refusal;
  auto session = co_await ws::connect(loop, "ws://127.0.0.1:9000/nowhere", {}, &refusal);
  EXPECT_EQ(session.error(), Errc::refused);
  EXPECT_EQ(refusal.status, 404u);
}

TEST(Server, TheApplicationMayRefuse) {
  ServeOptions options;
  options.refuse = [](const Request& request, void*) { return request.path() == "/chat" ? 0u : 404u; };
  run(to_a_path, echo, options);
}

// What a server answers to `request`, up to the end of the connection.
Task<> ask_raw(Loop& loop, std::string request, std::size_t step, std::string& answer) {
  auto peer = co_await parley::connect(loop, *Address::parse("127.0.0.1:9000"));
  if (!peer) co_return;
  for (std::size_t at = 0; at < request.size(); at += step) {
    const std::string part = request.substr(at, step);
    co_await peer->send(part);
    co_await sleep_for(std::chrono::milliseconds(1));
  }
  while (auto bytes = co_await peer->receive()) answer += as_text(*bytes);
}

std::string answer_to(const std::string& request, std::size_t step = 1'000'000) {
  std::string answer;
  run([&](Loop& loop) { return ask_raw(loop, request, step, answer); });
  return answer;
}

const std::string good_request =
    "GET /chat HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

TEST(Server, TheHandshakeOfTheRfcByteByByteWithAFrameBehindIt) {
  const std::string close = std::string("\x88\x82\x00\x00\x00\x00\x03\xe8", 8);
  const std::string hello = std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  for (std::size_t step : {1u, 50u, 100'000u}) {
    const std::string answer = answer_to(good_request + "\r\n" + hello + close, step);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
    EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with(std::string("\r\n\r\n\x81\x05Hello\x88\x02\x03\xe8", 15))) << answer;
  }
}

TEST(Server, RequestsThatAreNoHandshake) {
  EXPECT_TRUE(answer_to("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(answer_to(good_request + "Cookie: " + std::string(9000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(answer_to("POST / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
  std::string old = good_request;
  old.replace(old.find(": 13"), 4, ": 8");
  const std::string answer = answer_to(old + "\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 "));
  EXPECT_NE(answer.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
}

// A bug: its 405 came with a text, which a client that keeps the connection would take for the next response.
TEST(Server, ARefusalOfHeadHasNoBody) {
  const std::string answer = answer_to("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("\r\nContent-Length: "), std::string::npos);
  EXPECT_EQ(answer.find("\r\n\r\n"), answer.size() - 4);
}

Task<> ask_slowly(Loop& loop, std::chrono::nanoseconds& took) {
  auto peer = co_await parley::connect(loop, *Address::parse("127.0.0.1:9000"));
  if (!peer) co_return;
  const auto began = loop.now();
  co_await peer->send("GET / HT");
  while (co_await peer->receive()) continue;
  took = loop.now() - began;
}

TEST(Server, ASlowHandshakeIsCut) {
  ServeOptions options;
  options.handshake_seconds = 3;
  std::chrono::nanoseconds took{};
  run([&](Loop& loop) { return ask_slowly(loop, took); }, echo, options);
  EXPECT_GE(took, std::chrono::seconds(3));
  EXPECT_LT(took, std::chrono::seconds(4));
}

Task<> throws(Session peer) {
  (void)co_await peer.receive();
  throw std::runtime_error("from a handler");
}

int thrown_count = 0;

Task<> make_it_throw(Loop& loop) {
  auto session = co_await ws::connect(loop, url);
  if (!session) co_return;
  co_await session->send("go on");
  auto end = co_await session->receive();
  EXPECT_EQ(end.error(), Errc::end);
  EXPECT_EQ(session->closed().code, 1011);
  EXPECT_TRUE(session->closed().by_peer);
}

TEST(Server, AHandlerThatThrowsClosesItsOwnSession) {
  thrown_count = 0;
  ServeOptions options;
  options.thrown = [](std::exception_ptr) { ++thrown_count; };
  run(make_it_throw, throws, options);
  EXPECT_EQ(thrown_count, 1);
}

Task<> stay(Loop& loop) {
  auto first = co_await ws::connect(loop, url);
  auto second = co_await within(std::chrono::seconds(2), ws::connect(loop, url));
  EXPECT_TRUE(first);
  EXPECT_EQ(second.error(), Errc::timed_out);
}

TEST(Server, MoreThanConnectionsMaxWait) {
  ServeOptions options;
  options.connections_max = 1;
  run(stay, echo, options);
}

bool answer_pages(const Request& request, Response& response, void*) {
  response = {.status = request.path() == "/" ? 200u : 404u, .content_type = "text/html", .body = "<p>"};
  return request.method() != "POST";
}

Task<> fetch(Loop& loop, std::string_view request, std::string& all) {
  auto peer = co_await parley::connect(loop, "tcp://127.0.0.1:9000");
  EXPECT_TRUE(peer);
  if (!peer) co_return;
  co_await peer->send(request);
  while (auto bytes = co_await peer->receive()) all += as_text(*bytes);
}

Task<> fetch_pages(Loop& loop) {
  std::string page, head, nothing, posted;
  Task<> first = fetch(loop, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", page);
  co_await first;
  EXPECT_TRUE(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n<p>")) << page;
  Task<> second = fetch(loop, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", head);
  co_await second;
  EXPECT_EQ(head + "<p>", page);
  Task<> third = fetch(loop, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", nothing);
  co_await third;
  EXPECT_TRUE(nothing.starts_with("HTTP/1.1 404 Not Found\r\n")) << nothing;
  Task<> fourth = fetch(loop, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", posted);
  co_await fourth;
  EXPECT_TRUE(posted.starts_with("HTTP/1.1 405 ")) << posted;
  auto session = co_await ws::connect(loop, url);
  EXPECT_TRUE(session);
}

TEST(Server, AnswersForPagesWhatTheApplicationSays) {
  ServeOptions options;
  options.respond = answer_pages;
  run(fetch_pages, echo, options);
}

Task<> sends_without_reading(Session peer) {
  auto message = co_await peer.receive();
  EXPECT_TRUE(message);
  co_await sleep_for(std::chrono::seconds(2));
  EXPECT_EQ(peer.ended(), Errc::none);
  co_await peer.send("x");
  co_await yield();
  EXPECT_EQ(peer.ended(), Errc::reset);
}

// More than a busy session reads.
Task<> flood_and_abort(Loop& loop) {
  auto peer = co_await parley::connect(loop, "tcp://127.0.0.1:9000");
  EXPECT_TRUE(peer);
  if (!peer) co_return;
  co_await peer->send(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_TRUE(co_await peer->receive());
  std::string frames;
  for (int i = 0; i < 10; ++i) frames += testing::wire(0x82, std::string(60'000, 'x'), true);
  (void)co_await within(std::chrono::seconds(1), peer->send(frames));
  peer->abort();
  co_await sleep_for(std::chrono::seconds(3));
}

TEST(Server, ASendThatFailsEndsASessionThatDoesNotRead) { run(flood_and_abort, sends_without_reading); }

}  // namespace
}  // namespace parley::ws
