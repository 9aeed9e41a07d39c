// A chat room: what one says, all others hear: ws_chat [URL]. Names come with the request: ws://127.0.0.1:9000/?ada
#include <parley/parley.h>
#include <parley/ws.h>

#include <iostream>
#include <list>
#include <string>

using parley::ws::Session;
using Room = std::list<Session*>;

// With WhenFull::drop_oldest, below, a send() never waits: who reads slowly misses messages and holds nobody up, and
// nobody can leave in the middle of this.
parley::Task<> tell_others(Room& room, Session* speaker, std::string text) {
  for (Session* member : room) {
    if (member != speaker) (void)co_await member->send(text);
  }
}

parley::Task<> join(Session me, Room& room) {
  const std::string query(me.request()->query());
  const std::string name = query.empty() ? "somebody" : query;
  room.push_back(&me);
  co_await tell_others(room, &me, name + " is here");
  while (auto message = co_await me.receive()) {
    if (message->is_text()) co_await tell_others(room, &me, name + ": " + std::string(message->text()));
  }
  room.remove(&me);
  co_await tell_others(room, &me, name + " has gone");
}

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
  parley::Loop loop;
  Room room;
  auto listener = parley::listen(loop, url);
  if (!listener) {
    std::cerr << "ws_chat: " << url << ": " << listener.error().message() << '\n';
    return 1;
  }
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  const parley::ws::ServeOptions options{
      .limits = {.message_bytes_max = 4096, .when_full = parley::ws::WhenFull::drop_oldest, .idle_seconds = 3600},
      .deflate = true,
  };
  auto served = loop.run(parley::ws::serve(loop, std::move(*listener), {join, room}, options));
  if (!served) std::cerr << "ws_chat: " << served.error().message() << '\n';
  return served ? 0 : 1;
}
