#include "cli/web.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <parley/text.h>

#include "cli/console.h"
#include "cli/worker.h"

namespace parley::cli {
namespace {

// The page needs nothing but itself and WebSockets.
constexpr std::string_view page_headers =
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src ws: wss:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\n"
    "Referrer-Policy: no-referrer\n"
    "Cache-Control: no-cache\n";

bool respond(const ws::Request& request, ws::Response& response, void*) {
  if (request.method() != "GET" && request.method() != "HEAD") return false;
  if (request.path() == "/") {
    response = {.content_type = "text/html; charset=utf-8", .headers = page_headers, .body = console_page()};
  } else {
    response = {.status = 404, .body = "There is only one page here: /\n"};
  }
  return true;
}

// Whom a session of a chat is heard by, and hears.
struct Room {
  Room(Hub& hub, ws::Session& session) : here(hub, session), name(session.request()->path()) {
    (void)here.subscribe(name);
  }

  Subscriber here;
  const std::string name;
};

// Answers one message.
Task<Result<void>> answer(Worker& worker, ws::Session& session, const Peer& peer, const ws::Message& message,
                          std::optional<Room>& room) {
  worker.messages += 1;
  if (room) {
    if (message.size() != 0) worker.output.received(peer, message.text());
    if (!room->here.publish(room->name, message)) {
      worker.server.log.detail(
          fmt::format("{}: another thread has too much to do, and its clients miss a message", peer.name));
    }
    co_return Result<void>();
  }
  const auto* service = std::get_if<Reply>(&worker.server.command.service);
  const std::string_view text = message.text();
  if (!service) {
    if (!text.empty()) worker.output.received(peer, text);
    co_return co_await within(idle_limit(worker), session.send(message));
  }
  Parameters parameters(text, service->separator);
  while (auto parameter = parameters.next()) {
    worker.output.received(peer, *parameter);
    const ws::Message reply(service->text);
    auto sent = co_await within(idle_limit(worker), session.send(reply));
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

std::string closed_by(const ws::Closed& closed) {
  const std::string reason = closed.reason.empty() ? "" : " (" + escape_controls(closed.reason) + ")";
  return fmt::format("closed with {}{}{}", closed.code, reason, closed.by_peer ? " by the peer" : "");
}

Task<> converse(Worker& worker, ws::Session session, Peer peer) {
  std::optional<Room> room;
  if (worker.server.hub) room.emplace(*worker.server.hub, session);
  Error end;
  for (;;) {
    auto message = co_await within(idle_limit(worker), session.receive());
    if (!message) {
      end = message.error();
      break;
    }
    auto answered = co_await answer(worker, session, peer, *message, room);
    if (answered) continue;
    end = answered.error();
    break;
  }
  if (end == Errc::cancelled) (void)session.close(1001, "the server stops");
  if (end == Errc::timed_out) (void)session.close(1001, "idle for too long");
  if (const auto dropped = session.counters().dropped; dropped != 0) {
    worker.server.log.detail(fmt::format("{}: read too slowly, and missed {} messages", peer.name, dropped));
  }
  const ws::Closed closed = session.closed();
  if (end == Errc::end || end == Errc::protocol) {
    worker.server.log.detail(fmt::format("{}: {}", peer.name, closed_by(closed)));
  }
  ended(worker, peer, end);
}

}  // namespace

ws::Acceptor make_acceptor(Loop& loop, const ServeCommand& command, bool page) {
  const ws::Origins origins = command.any_origin        ? ws::Origins::any
                              : command.origins.empty() ? ws::Origins::same_host
                                                        : ws::Origins::listed;
  ws::ServeOptions options;
  options.origins = origins;
  options.allowed_origins = command.origins;
  options.deflate = command.deflate;
  if (std::holds_alternative<Chat>(command.service)) options.limits.when_full = ws::WhenFull::drop_oldest;
  // A peer that does not answer a Close frame must not hold up the end for longer than --drain says.
  const auto drain = std::chrono::ceil<std::chrono::seconds>(command.drain).count();
  options.limits.close_seconds =
      static_cast<unsigned>(std::clamp<std::int64_t>(drain, 1, options.limits.close_seconds));
  options.respond = page ? respond : nullptr;
  return ws::Acceptor(loop, options);
}

Task<> serve_web(Worker& worker, ws::Acceptor& acceptor, Stream stream, Peer peer, std::string before, Bytes last) {
  const bool is_secure = peer.protocol == Protocol::tls;
  Task<Result<ws::Session>> accepting = acceptor.accept(std::move(stream), std::move(before), last);
  auto session = co_await accepting;
  if (!session) {
    peer.protocol = is_secure ? Protocol::https : Protocol::http;
    ended(worker, peer, session.error());
    co_return;
  }
  peer.protocol = is_secure ? Protocol::wss : Protocol::ws;
  const ws::Request* request = session->request();
  worker.output.upgraded(peer, request ? request->target() : "/");
  worker.conversations.spawn(converse(worker, std::move(*session), std::move(peer)));
}

}  // namespace parley::cli
