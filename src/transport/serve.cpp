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
  const auto begin = [&](Stream peer) {
    if (options.tls) {
      connections.spawn(secure_and_serve(loop, options.tls, std::move(peer), handler, connections));
    } else {
      connections.serve(handler, std::move(peer));
    }
  };
  Task<Result<void>> accepting =
      connections.accept_all(std::move(listener), options.connections_max, options.drain_seconds, begin);
  co_return co_await accepting;
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
