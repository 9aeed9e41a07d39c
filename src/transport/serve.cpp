#include <parley/listener.h>
#include <parley/loop.h>

#include "transport/connections.h"

namespace parley {
namespace {

// The handler is a task of its own, so that nothing of the handshake is kept.
Task<> secure_and_serve(Loop& loop, tls::Server tls, Stream peer, Handler handler, Connections& connections) {
  Task<Result<Stream>> securing = tls.accept(loop, std::move(peer));
  Result<Stream> secured = co_await securing;
  if (secured) connections.serve(handler, std::move(*secured));
}

}  // namespace

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
    if (options.tls) {
      connections.spawn(secure_and_serve(loop, options.tls, std::move(*peer), handler, connections));
    } else {
      connections.serve(handler, std::move(*peer));
    }
  }
  listener.close();
  co_await connections.drain(options.drain_seconds);
  co_return outcome;
}

Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, ServeOptions options) {
  Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) co_return std::unexpected(endpoint.error());
  const bool secure = endpoint->scheme == Scheme::tls;
  if (secure != static_cast<bool>(options.tls) && endpoint->scheme != Scheme::local) {
    co_return fail(Errc::invalid_argument);
  }
  if (secure) endpoint->scheme = Scheme::tcp;
  Result<Listener> listener = listen(loop, *endpoint, options.listen);
  if (!listener) co_return std::unexpected(listener.error());
  co_return co_await serve(loop, std::move(*listener), handler, options);
}

}  // namespace parley
