#include <parley/listener.h>
#include <parley/loop.h>

#include "transport/connections.h"

namespace parley {

Task<Result<void>> serve(Loop& loop, Listener listener, Handler handler, ServeOptions options) {
  Connections connections(loop, options.thrown);
  Result<void> outcome;
  for (;;) {
    if (options.connections_max != 0) {
      Result<void> room = co_await connections.at_most(options.connections_max - 1);
      if (!room) break;
    }
    Result<Stream> peer = co_await listener.accept();
    if (!peer) {
      if (peer.error() != Errc::cancelled) outcome = std::unexpected(peer.error());
      break;
    }
    connections.serve(handler, std::move(*peer));
  }
  listener.close();
  co_await connections.drain(options.drain_seconds);
  co_return outcome;
}

Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, ServeOptions options) {
  Result<Listener> listener = listen(loop, url, options.listen);
  if (!listener) co_return std::unexpected(listener.error());
  co_return co_await serve(loop, std::move(*listener), handler, options);
}

}  // namespace parley
