// Counts aloud to a server, and shows what it says; when the connection is lost it connects again, and nothing that it
// has counted is left out: ws_stay_connected [URL [COUNT]]
#include <parley/parley.h>
#include <parley/ws.h>

#include <charconv>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

// Runs once for each connection.
parley::Task<> show(parley::ws::Session& server) {
  while (auto message = co_await server.receive()) std::cout << message->text() << '\n' << std::flush;
}

parley::Task<> count_aloud(parley::ws::Outbox& outbox, unsigned count, parley::TaskGroup& connection) {
  for (unsigned i = 1; i <= count; ++i) {
    outbox.send(std::to_string(i));  // kept until the server has received it, connected or not
    co_await parley::sleep_for(100ms);
  }
  while (outbox.messages() > 0) co_await outbox.room();
  connection.stop();
}

void report(const parley::ws::Connection& connection, void*) {
  using State = parley::ws::Connection::State;
  if (connection.state == State::open) std::cerr << "connected\n";
  if (connection.state != State::open) std::cerr << connection.error.message() << '\n';
}

parley::Task<> connect(parley::Loop& loop, std::string_view url, parley::ws::Outbox& outbox) {
  co_await parley::ws::reconnect(loop, url, show, outbox, {}, {.told = report});
}

parley::Task<> run(parley::Loop& loop, std::string_view url, unsigned count) {
  parley::ws::Outbox outbox;
  parley::TaskGroup connection(loop);
  parley::TaskGroup counting(loop);
  connection.spawn(connect(loop, url, outbox));
  counting.spawn(count_aloud(outbox, count, connection));
  co_await connection.join();
  counting.stop();
  co_await counting.join();
}

int main(int argc, char** argv) {
  const std::string_view url = argc > 1 ? argv[1] : "ws://127.0.0.1:9000/";
  const std::string_view number = argc > 2 ? argv[2] : "1000";
  unsigned count = 0;
  std::from_chars(number.data(), number.data() + number.size(), count);
  parley::Loop loop;
  return loop.run(run(loop, url, count)) ? 0 : 1;
}
