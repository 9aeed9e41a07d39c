// Acceptor: connections of which something has been received already.
#include <gtest/gtest.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <string>

namespace parley::ws {
namespace {

const std::string request =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// A frame from a client whose masking key is zero.
std::string frame(char opcode, std::string_view payload) {
  std::string bytes{static_cast<char>(0x80 | opcode)};
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80 | payload.size());
  } else {
    bytes += {'\xFE', static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  }
  return bytes.append(4, '\0').append(payload);
}

const std::string frames = frame(1, "one") + frame(1, "two") + frame(8, "\x03\xE8");

Task<> send_and_read(Loop& loop, const std::string& bytes, std::string& answer) {
  auto peer = co_await parley::connect(loop, *Address::parse("127.0.0.1:9000"));
  if (!peer) co_return;
  (void)co_await peer->send(bytes);
  while (auto more = co_await peer->receive()) answer += as_text(*more);
}

enum class Hold { nothing, views, copies };

struct Served {
  Hold hold = Hold::views;
  std::size_t before_min = 0;  // bytes that are received before the handshake begins
  bool is_busy = false;        // the handler does something else first
  std::string text;
  Errc end = Errc::none;
};

// Receives `before_min` bytes or more, hands them on, and then takes the messages.
Task<> take(Loop& loop, Served& served) {
  auto listener = listen(loop, "tcp://127.0.0.1:9000");
  Acceptor acceptor(loop, {.limits = {.close_seconds = 3600, .keepalive_seconds = 0}, .handshake_seconds = 3600});
  auto peer = co_await listener->accept();
  if (!peer) co_return;
  std::string before;
  Bytes last;
  while (served.hold != Hold::nothing && before.size() + last.size() < served.before_min) {
    before += as_text(last);
    auto bytes = co_await peer->receive();
    if (!bytes) co_return;
    last = *bytes;
  }
  if (served.hold == Hold::copies) before += as_text(std::exchange(last, {}));
  Task<Result<Session>> accepting = acceptor.accept(std::move(*peer), std::move(before), last);
  auto session = co_await accepting;
  EXPECT_TRUE(session) << name(session.error().code);
  if (!session) co_return;
  if (served.is_busy) (void)co_await sleep_for(std::chrono::seconds(1));
  for (;;) {
    auto message = co_await session->receive();
    served.end = message ? Errc::none : message.error().code;
    if (!message) break;
    served.text += std::string(message->text()) + ",";
  }
}

void run(const std::string& bytes, Served& served, SimulationOptions sim, LoopOptions options = {}) {
  Simulation simulation(sim);
  std::string answer;
  {
    Loop loop(simulation, options);
    const auto both = [](Loop& on, Served& to, const std::string& sent, std::string& got) -> Task<> {
      TaskGroup group(on);
      group.spawn(take(on, to));
      group.spawn(send_and_read(on, sent, got));
      (void)co_await group.join();
    };
    EXPECT_TRUE(loop.run(both(loop, served, bytes, answer)));
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
  EXPECT_TRUE(simulation.finish().clean());
}

// Whoever has received the first bytes, and wherever they lie: none is lost and none is taken twice.
TEST(Acceptor, GoesOnFromAnyByte) {
  const std::string all = request + frames;
  for (Hold hold : {Hold::nothing, Hold::views, Hold::copies}) {
    for (std::size_t size = 1; size <= all.size(); size += hold == Hold::nothing ? all.size() : 1) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(hold) << " " << size);
      Served served{.hold = hold, .before_min = size, .is_busy = false, .text = {}, .end = Errc::none};
      run(all, served, SimulationOptions::harmless(size));
      EXPECT_EQ(served.text, "one,two,");
      EXPECT_EQ(served.end, Errc::end);
    }
  }
}

// Frames that a client sent with its request, and that fill the buffer to its last byte while the handler is busy.
TEST(Acceptor, AFullBufferIsNoEnd) {
  constexpr std::size_t capacity = 4096 - 128;
  for (std::size_t more : {0u, 1u, 200u, 300u, 5000u}) {
    SCOPED_TRACE(more);
    std::string all = request;
    while (all.size() + 1000 < capacity + more) all += frame(1, std::string(900, 'x'));
    const std::size_t left = capacity + more - all.size() - frame(8, "\x03\xE8").size() - 8;
    all += frame(1, std::string(left, 'y')) + frame(8, "\x03\xE8");
    Served served{.hold = Hold::nothing, .before_min = 0, .is_busy = true, .text = {}, .end = Errc::none};
    run(all, served, SimulationOptions{}, {.receive_buffer_bytes = 4096});
    EXPECT_EQ(served.end, Errc::end);
    EXPECT_TRUE(served.text.ends_with("y,"));
  }
}

}  // namespace
}  // namespace parley::ws
