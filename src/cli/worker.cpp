#include "cli/worker.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <parley/text.h>
#include <parley/tls.h>

#include "cli/web.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto retry_after = 100ms;  // an error that should not be must not keep a processor busy

Output::Options output_options(const ServeCommand& command) {
  return {command.json ? Style::json : Style::plain, command.quiet};
}

void began(Worker& worker, Places::Change change) {
  if (change == Places::Change::none) return;
  worker.server.log.detail("accepting paused: --max-connections");
  worker.output.paused(Pause::connections_max);
}

bool is_full(Worker& worker, Entrance& entrance) {
  auto change = Places::Change::none;
  const bool full = worker.server.places.are_full(entrance.door, change);
  began(worker, change);
  return full;
}

bool take_place(Worker& worker, Entrance& entrance) {
  auto change = Places::Change::none;
  const bool taken = worker.server.places.take(entrance.door, change);
  began(worker, change);
  return taken;
}

// A Unix-domain client has no address, so it gets a number.
std::string name_of(const Stream& stream, Entrance& entrance) {
  entrance.accepted += 1;
  if (entrance.protocol == Protocol::local) return fmt::format("{}#{}", entrance.url, entrance.accepted);
  return show(stream.peer_address());
}

Ending ending_of(Error error) {
  if (error == Errc::end) return Ending::end;
  if (error == Errc::cancelled) return Ending::stopping;
  if (error == Errc::timed_out && error.os == 0) return Ending::idle;  // with an errno it is the kernel's own limit
  const bool is_lost = error == Errc::reset || error == Errc::truncated || error == Errc::unreachable;
  const bool is_refused = error == Errc::permission_denied || error == Errc::too_large;
  return is_refused || (error.fault() == Fault::peer && !is_lost) ? Ending::refused : Ending::reset;
}

Task<Result<void>> reply(Worker& worker, Stream& stream, const Peer& peer, std::string text) {
  const auto& service = std::get<Reply>(worker.server.command.service);
  Parameters parameters(text, service.separator);
  while (auto parameter = parameters.next()) {
    worker.output.received(peer, *parameter);
    auto sent = co_await within(idle_limit(worker), stream.send(service.text));
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

Task<Result<void>> echo(Worker& worker, Stream& stream, const Peer& peer, Bytes bytes, std::string text) {
  if (!text.empty()) worker.output.received(peer, text);
  co_return co_await within(idle_limit(worker), stream.send(bytes));
}

// Makes a message of what one receive brought; empty at the end of the stream, for what was left half.
Task<Result<void>> answer(Worker& worker, Stream& stream, const Peer& peer, Utf8Stream& decoder, Bytes bytes) {
  const bool is_echo = std::holds_alternative<Echo>(worker.server.command.service);
  std::string text;
  if (bytes.empty()) {
    decoder.finish(text);
  } else if (!is_echo || !worker.output.is_quiet()) {
    decoder.feed(bytes, text);
  }
  worker.messages += bytes.empty() ? 0 : 1;
  return is_echo ? echo(worker, stream, peer, bytes, std::move(text)) : reply(worker, stream, peer, std::move(text));
}

// The last answers are on their way. To close now, with input unread, would be a reset that can overtake them; so the
// peer is told that nothing more comes, and what it still sends is dropped until it has ended too.
Task<> take_leave(Worker& worker, Stream stream, Peer peer) {
  (void)stream.shutdown();
  for (;;) {
    auto dropped = co_await stream.receive();
    if (dropped) continue;
    if (dropped.error() == Errc::cancelled) stream.abort();
    break;
  }
  stream.close();
  ended(worker, peer, Error{Errc::cancelled, 0});
}

// A request comes at once, and whole. What only begins like one is taken as it is after this time.
constexpr auto request_within = 250ms;

// What has been received of a connection already: `before`, and then what its last receive() showed.
struct Received {
  std::string before = {};
  Bytes last = {};

  Bytes first() const noexcept { return before.empty() ? last : as_bytes(before); }
};

// Serves bytes as they come; `received` is the first message.
Task<> converse_raw(Worker& worker, Stream stream, Peer peer, Received received) {
  Utf8Stream decoder;
  for (Bytes first = received.first();; first = {}, received.before = {}) {
    const bool was_busy = worker.stopping;  // something was answered since the server was told to stop
    Result<Bytes> bytes = first;
    if (first.empty()) bytes = co_await within(idle_limit(worker), stream.receive());
    if (!bytes && was_busy && bytes.error() == Errc::cancelled) {
      worker.leaving.spawn(take_leave(worker, std::move(stream), std::move(peer)));
      co_return;
    }
    const Error end = bytes ? Error{} : bytes.error();
    if (!bytes && end != Errc::end) {
      stream.close();
      ended(worker, peer, end);
      co_return;
    }
    auto answered = co_await answer(worker, stream, peer, decoder, bytes ? *bytes : Bytes());
    if (answered && bytes) continue;
    if (!answered) stream.abort();  // what it does not take in time is given up
    stream.close();
    ended(worker, peer, answered ? end : answered.error());
    co_return;
  }
}

Task<> secure(Worker& worker, Entrance& entrance, Stream stream, Peer peer, std::string before, Bytes last);

enum class First : std::uint8_t { bytes, more, request, hello };

First first_of(Bytes bytes, bool may_be_tls) {
  const tls::Begins hello = may_be_tls ? tls::begins_hello(bytes) : tls::Begins::no;
  if (hello != tls::Begins::no) return hello == tls::Begins::yes ? First::hello : First::more;
  switch (ws::begins_request(bytes)) {
    case ws::Begins::no: return First::bytes;
    case ws::Begins::more: return First::more;
    case ws::Begins::yes: break;
  }
  return First::request;
}

// Tells by the first bytes what a connection is. What serves it is a task of its own, so that nothing of this is kept.
Task<> begin(Worker& worker, Entrance& entrance, Stream stream, Peer peer, bool is_secure) {
  const bool may_be_tls = !is_secure && worker.server.tls;
  Received received;
  auto bytes = co_await within(idle_limit(worker), stream.receive());
  if (!bytes) {
    stream.close();
    ended(worker, peer, bytes.error());
    co_return;
  }
  received.last = *bytes;
  const auto until = worker.loop.now() + request_within;
  First first = first_of(*bytes, may_be_tls);
  while (first == First::more) {
    received.before += as_text(std::exchange(received.last, {}));
    const auto left = std::max(until - worker.loop.now(), std::chrono::nanoseconds::zero());
    auto more = co_await within(left, stream.receive());
    if (!more) break;  // too late, or the end, which the next receive() says again
    received.last = *more;
    first = first_of(as_bytes(received.before + std::string(as_text(*more))), may_be_tls);
  }
  if (first == First::request) {
    worker.conversations.spawn(serve_web(worker, *entrance.acceptor, std::move(stream), std::move(peer),
                                         std::move(received.before), received.last));
    co_return;
  }
  if (first == First::hello) {
    worker.conversations.spawn(
        secure(worker, entrance, std::move(stream), std::move(peer), std::move(received.before), received.last));
    co_return;
  }
  if (entrance.speech == Speech::web) {
    stream.close();
    ended(worker, peer, Error{Errc::protocol, 0});
    co_return;
  }
  if (!received.before.empty()) received.before += as_text(std::exchange(received.last, {}));
  worker.conversations.spawn(converse_raw(worker, std::move(stream), std::move(peer), std::move(received)));
}

Task<> converse(Worker& worker, Entrance& entrance, Stream stream, Peer peer, bool is_secure) {
  switch (entrance.speech) {
    case Speech::any:
    case Speech::web: return begin(worker, entrance, std::move(stream), std::move(peer), is_secure);
    case Speech::websocket: return serve_web(worker, *entrance.acceptor, std::move(stream), std::move(peer), {}, {});
    case Speech::raw: break;
  }
  return converse_raw(worker, std::move(stream), std::move(peer), {});
}

// A TLS handshake, and then what goes on beneath it.
Task<> secure(Worker& worker, Entrance& entrance, Stream stream, Peer peer, std::string before, Bytes last) {
  tls::Info info;
  Task<Result<Stream>> accepting =
      worker.server.tls.accept(worker.loop, std::move(stream), std::move(before), last, &info);
  auto secured = co_await accepting;
  if (!secured) {
    ended(worker, peer, secured.error());
    co_return;
  }
  peer.protocol = Protocol::tls;
  worker.server.log.detail(fmt::format("{}: {}{}", peer.name, info.cipher, info.resumed ? ", resumed" : ""));
  worker.conversations.spawn(converse(worker, entrance, std::move(*secured), std::move(peer), true));
}

}  // namespace

std::chrono::nanoseconds idle_limit(const Worker& worker) {
  const std::chrono::nanoseconds idle = worker.server.command.idle;
  return idle == 0ns ? std::chrono::nanoseconds::max() : idle;
}

void ended(Worker& worker, const Peer& peer, Error error) {
  const Ending ending = ending_of(error);
  worker.output.disconnected(peer, ending);
  worker.server.log.detail(fmt::format("{}: {}", peer.name,
                                       ending == Ending::idle       ? "idle for too long"
                                       : ending == Ending::stopping ? "closed, since the server stops"
                                                                    : error.message()));
  if (worker.server.places.give_back() == Places::Change::none) return;
  worker.server.log.detail("accepting resumed");
  worker.output.resumed();
}

Worker::Worker(Server& of, Loop& on, unsigned number)
    : server(of),
      loop(on),
      index(number),
      background(on),
      acceptors(on),
      conversations(on),
      leaving(on),
      output(of.sink, output_options(of.command), &background) {}

Task<> accept_all(Worker& worker, Entrance& entrance) {
  for (;;) {
    while (is_full(worker, entrance)) {
      auto opened = co_await entrance.door.opened.wait();
      if (!opened) co_return;
    }
    auto stream = co_await entrance.listener.accept();
    if (!stream) {
      if (stream.error() == Errc::cancelled) co_return;
      worker.server.log.error(entrance.url, stream.error().message());
      (void)co_await sleep_for(retry_after);
      continue;
    }
    Peer peer{entrance.protocol, name_of(*stream, entrance)};
    while (!take_place(worker, entrance)) {  // another listener took the last one
      auto opened = co_await entrance.door.opened.wait();
      if (!opened) co_return;
    }
    worker.connections += 1;
    worker.output.connected(peer);
    worker.conversations.spawn(entrance.secure
                                   ? secure(worker, entrance, std::move(*stream), std::move(peer), {}, {})
                                   : converse(worker, entrance, std::move(*stream), std::move(peer), false));
  }
}

Task<> serve_datagrams(Worker& worker, Datagrams& datagrams) {
  const auto* service = std::get_if<Reply>(&worker.server.command.service);
  Peer peer{Protocol::udp, {}};
  for (;;) {
    auto datagram = co_await datagrams.socket.receive();
    if (!datagram) {
      if (datagram.error() == Errc::cancelled) co_return;
      worker.server.log.error(datagrams.url, datagram.error().message());
      (void)co_await sleep_for(retry_after);
      continue;
    }
    worker.messages += 1;
    const std::string_view text = as_text(datagram->bytes);
    if (!worker.output.is_quiet()) peer.name = show(datagram->from);
    if (!service) {
      if (!text.empty()) worker.output.received(peer, text);
      (void)co_await datagrams.socket.send(datagram->bytes, datagram->from);
      continue;
    }
    Parameters parameters(text, service->separator);
    while (auto parameter = parameters.next()) {
      worker.output.received(peer, *parameter);
      (void)co_await datagrams.socket.send(service->text, datagram->from);
    }
  }
}

}  // namespace parley::cli
