#include "cli/worker.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <parley/text.h>

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
  if (error == Errc::protocol || error == Errc::permission_denied || error == Errc::too_large) return Ending::refused;
  return Ending::reset;
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

// What a connection is, by what comes first.
struct Beginning {
  bool open = false;   // it isn't known yet
  std::string before;  // what has come until now, and may begin a request

  // Takes what a receive brought. `more`: receive again. `no`: `bytes` are the first message, maybe all of `before`.
  ws::Begins take(Result<Bytes>& bytes) {
    const std::string_view fresh = bytes ? as_text(*bytes) : std::string_view();
    const std::string all = before + std::string(fresh);
    const ws::Begins begins = bytes ? ws::begins_request(as_bytes(all)) : ws::Begins::no;
    if (begins == ws::Begins::yes) return begins;
    const bool is_held = !before.empty();
    before = all;
    if (begins == ws::Begins::more) return begins;
    open = false;
    if (is_held) bytes = as_bytes(before);  // the error, if it was one, comes again
    return begins;
  }
};

Task<> converse_raw(Worker& worker, ws::Acceptor* acceptor, Stream stream, Peer peer) {
  Beginning beginning{acceptor != nullptr, {}};
  Utf8Stream decoder;
  for (;;) {
    const bool was_busy = worker.stopping;  // something was answered since the server was told to stop
    const auto patience = beginning.open && !beginning.before.empty() ? request_within : idle_limit(worker);
    auto bytes = co_await within(patience, stream.receive());
    const ws::Begins begins = beginning.open ? beginning.take(bytes) : ws::Begins::no;
    if (begins == ws::Begins::more) continue;
    if (begins == ws::Begins::yes) {
      Task<> serving = serve_web(worker, *acceptor, std::move(stream), std::move(peer), beginning.before, *bytes);
      co_await serving;
      co_return;
    }
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

Task<> converse(Worker& worker, Entrance& entrance, Stream stream, Peer peer) {
  worker.output.connected(peer);
  ws::Acceptor* const acceptor = entrance.acceptor ? &*entrance.acceptor : nullptr;
  Task<> conversation = entrance.speech == Speech::websocket
                            ? serve_web(worker, *acceptor, std::move(stream), std::move(peer), {}, {})
                            : converse_raw(worker, acceptor, std::move(stream), std::move(peer));
  co_await conversation;
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
    worker.conversations.spawn(converse(worker, entrance, std::move(*stream), std::move(peer)));
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
