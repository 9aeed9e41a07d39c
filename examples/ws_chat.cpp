// A chat: what one says, all others in the room hear: ws_chat [URL]. The path is the room, the query a name:
// ws://127.0.0.1:9000/lobby?ada
#include <parley/hub.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <iostream>
#include <string>

parley::Task<> chat(parley::ws::Session me, parley::Hub& hub) {
  const std::string room(me.request()->path());
  const std::string query(me.request()->query());
  const std::string name = query.empty() ? "somebody" : query;

  parley::Subscriber here(hub, me);
  if (!here.subscribe(room)) co_return;  // too long a name
  (void)here.publish(room, name + " is here");
  while (auto message = co_await me.receive()) {
    if (message->is_text()) (void)here.publish(room, name + ": " + std::string(message->text()));
  }
  (void)here.publish(room, name + " has gone");
}

int main(int argc, char** argv) {
  const char* url = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
  parley::Loop loop;
  parley::Hub hub(loop);
  auto listener = parley::listen(loop, url);
  if (!listener) {
    std::cerr << "ws_chat: " << url << ": " << listener.error().message() << '\n';
    return 1;
  }
  std::cout << "Bound to " << listener->local_address().to_string() << '\n' << std::flush;
  // Who reads slowly misses the oldest messages, and holds nobody up.
  const parley::ws::ServeOptions options{
      .limits = {.message_bytes_max = 4096, .when_full = parley::ws::WhenFull::drop_oldest, .idle_seconds = 3600},
      .deflate = true,
  };
  auto served = loop.run(parley::ws::serve(loop, std::move(*listener), {chat, hub}, options));
  if (!served) std::cerr << "ws_chat: " << served.error().message() << '\n';
  return served ? 0 : 1;
}
