// ws_hub: a WebSocket hub as users of the library write it, to be measured. The path is the room: what one says, all
// others there get.
//
//   ws_hub
//
// Listens on a free port of 127.0.0.1, prints its number, and serves until it is killed.
#include <parley/hub.h>
#include <parley/parley.h>
#include <parley/ws.h>

#include <cstdio>
#include <string>

#include "arguments.h"

namespace {

parley::Task<> relay(parley::ws::Session me, parley::Hub& hub) {
  const std::string room(me.request()->path());
  parley::Subscriber here(hub, me);
  if (!here.subscribe(room)) co_return;
  while (auto message = co_await me.receive()) {
    (void)here.publish(room, *message);
  }
}

}  // namespace

int main(int count, char** words) {
  const bench::Arguments arguments(count, words);
  arguments.end();

  parley::Loop loop;
  parley::Hub hub(loop);
  auto listener = parley::listen(loop, "tcp://127.0.0.1:0");
  if (!listener) bench::die("ws_hub", listener.error().message());
  std::printf("%u\n", unsigned{listener->local_address().port()});
  std::fflush(stdout);
  const parley::ws::ServeOptions options{.limits = {.when_full = parley::ws::WhenFull::drop_newest}};
  return loop.run(parley::ws::serve(loop, std::move(*listener), {relay, hub}, options)) ? 0 : 1;
}
