#include "cli/connect.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <parley/connect.h>
#include <parley/signals.h>
#include <parley/text.h>
#include <parley/ws/client.h>

#include "cli/client.h"
#include "cli/input.h"
#include "cli/terminal.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_bytes_max = std::size_t{1} << 30;  // of what a server sends
constexpr unsigned handshake_seconds_max = 3600;
constexpr unsigned close_seconds = 1;

struct Session {
  Session(const ConnectCommand& what, Sink& sink, Log& complaints)
      : command(what), log(complaints), background(loop), output(sink, {}, &background) {}

  const ConnectCommand& command;
  Log& log;
  Loop loop;
  TaskGroup background;
  Output output;
  const bool on_terminal = is_terminal(STDIN_FILENO, STDOUT_FILENO);
  ws::Refusal refusal;
  std::unique_ptr<Client> client;
  std::unique_ptr<Terminal> terminal;  // at most one of these two
  std::unique_ptr<LineReader> reader;
  tls::Client tls = {};
};

void print(Session& session, std::string_view line) {
  if (session.terminal) return session.terminal->print(line);
  session.output.line(line);
}

// Lines come on a thread of their own.
void open_input(Session& session) {
  auto on_line = [&session](std::optional<std::string> line) {
    session.loop.post([&session, line = std::move(line)]() mutable { session.client->type(std::move(line)); });
  };
  if (session.on_terminal) {
    session.terminal = std::make_unique<Terminal>(STDIN_FILENO, STDOUT_FILENO, on_line);
  } else {
    session.reader = std::make_unique<LineReader>(STDIN_FILENO, on_line);
  }
}

void line_taken(Session& session) {
  if (session.reader) session.reader->taken();
}

Task<> watch(Session& session, Signals& signals) {
  for (;;) {
    auto number = co_await signals.receive();
    if (!number) co_return;
    if (*number == SIGWINCH || *number == SIGTSTP) {
      if (session.terminal) *number == SIGWINCH ? session.terminal->resized() : session.terminal->suspend();
      continue;
    }
    session.terminal.reset();
    session.output.flush();
    std::_Exit(static_cast<int>(ExitCode::signal_base) + *number);
  }
}

template <class Socket>
Result<Link> link_of(Result<Socket> socket) {
  if (!socket) return std::unexpected(socket.error());
  return Link(std::move(*socket));
}

void show_frame(const ws::Frame& frame, void* state) { print(*static_cast<Session*>(state), frame_line(frame)); }

Task<Result<ws::Session>> open_websocket(Session& session) {
  const WebSocketWishes& wishes = session.command.websocket;
  ws::ConnectOptions options;
  options.subprotocols = wishes.subprotocols;
  options.origin = wishes.origin;
  options.proxy = wishes.proxy;
  options.user = wishes.user;
  options.password = wishes.password;
  options.headers = wishes.headers;
  options.deflate = wishes.compress;
  options.limits.message_bytes_max = message_bytes_max;
  options.limits.close_seconds = close_seconds;
  options.connect.tls = session.tls;
  options.handshake_seconds = handshake_seconds_max;  // --timeout is shorter, or there is none
  if (wishes.frames) {
    options.frame = show_frame;
    options.frame_state = &session;
  }
  return ws::connect(session.loop, wishes.url, options, &session.refusal);
}

Task<Result<Link>> reach(Session& session) {
  const auto timeout = session.command.timeout;
  const auto limit = timeout > 0ns ? timeout : std::chrono::nanoseconds::max();
  if (!session.command.websocket.url.empty()) {
    co_return link_of(co_await within(limit, open_websocket(session)));
  }
  const Endpoint& endpoint = session.command.endpoint;
  if (endpoint.scheme == Scheme::udp) {
    Task<Result<UdpSocket>> connecting = connect_udp(session.loop, endpoint);
    co_return link_of(co_await within(limit, std::move(connecting)));
  }
  ConnectOptions options;
  options.tls = session.tls;
  Task<Result<Stream>> connecting = parley::connect(session.loop, endpoint, options);
  co_return link_of(co_await within(limit, std::move(connecting)));
}

std::string url_of(const ConnectCommand& command) {
  return command.websocket.url.empty() ? command.endpoint.to_string() : command.websocket.url;
}

std::string name_of(const Link& link, const ConnectCommand& command) {
  const Address address = std::visit([](const auto& socket) { return socket.peer_address(); }, link);
  if (!command.websocket.proxy.empty()) return url_of(command);  // the address is the proxy's
  return address.family() == Family::ipv4 || address.family() == Family::ipv6 ? address.to_string() : url_of(command);
}

std::string why_not(const Session& session, Error error) {
  if (session.refusal.status == 0) {
    return fmt::format("{}{}", session.refusal.by_proxy ? "the proxy: " : "", error.message());
  }
  if (session.refusal.by_proxy) return fmt::format("the proxy answered {}", session.refusal.status);
  const std::string where = session.refusal.location.empty() ? "" : " to " + escape_controls(session.refusal.location);
  return fmt::format("the server answered {}{} instead of accepting", session.refusal.status, where);
}

ExitCode code_of(Session& session, Outcome outcome, const std::string& server) {
  switch (outcome) {
    case Outcome::answered: return session.client->is_closed_in_order() ? ExitCode::ended : ExitCode::failed;
    case Outcome::disconnected: break;
    case Outcome::overdue:
      session.log.error(server, fmt::format("no answer within {} s", session.command.timeout_text));
      break;
    case Outcome::failed: {
      const bool not_hex = session.command.websocket.hex && session.client->failure() == Errc::invalid_argument;
      session.log.error(server, not_hex ? "a line is no hexadecimal bytes" : session.client->failure().message());
      break;
    }
    case Outcome::unmet:
      session.log.error(server, session.command.websocket.expect.empty() ? "fewer messages than --count came"
                                                                         : "no message matched --expect");
      return ExitCode::unmet;
  }
  return ExitCode::failed;
}

Task<ExitCode> talk(Session& session) {
  Task<Result<Link>> reaching = reach(session);
  auto link = co_await reaching;
  if (!link) {
    session.log.error(url_of(session.command), why_not(session, link.error()));
    const bool is_usage = link.error() == Errc::invalid_address || link.error() == Errc::invalid_argument;
    co_return is_usage ? ExitCode::usage : ExitCode::failed;
  }
  const std::string server = name_of(*link, session.command);
  session.output.line(connected_line(server));
  if (!session.tls.verifies()) session.log.error(server, "the server's certificate was not verified (--insecure)");
  session.output.flush();
  const WebSocketWishes& wishes = session.command.websocket;
  Client::Options options{.timeout = session.command.timeout,
                          .one_by_one = !session.on_terminal && wishes.url.empty(),  // messages stay apart
                          .binary = wishes.binary,
                          .hex = wishes.hex,
                          .ping = wishes.ping,
                          .count = wishes.count,
                          .expect = wishes.expect};
  session.client = std::make_unique<Client>(
      session.loop, std::move(*link), std::move(options), [&session](std::string_view line) { print(session, line); },
      [&session] { line_taken(session); });
  open_input(session);
  Task<Outcome> talking = session.client->run();
  const Outcome outcome = co_await talking;
  session.terminal.reset();
  session.reader.reset();
  session.output.flush();
  if (const std::string closed = session.client->closed_line(); !closed.empty()) session.log.error(server, closed);
  co_return code_of(session, outcome, server);
}

Task<ExitCode> main_task(Session& session, Signals& signals) {
  session.background.spawn(watch(session, signals));
  Task<ExitCode> talking = talk(session);
  const ExitCode code = co_await talking;
  session.background.stop();
  (void)co_await session.background.join();
  co_return code;
}

}  // namespace

ExitCode run_connect(const ConnectCommand& command, Sink& sink, Log& log) {
  Session session(command, sink, log);
  if (auto made = make_client(command.security)) {
    session.tls = *made;
  } else {
    log.error(made.error());
    return ExitCode::failed;
  }
  std::unique_ptr<Signals> signals;
  if (session.on_terminal) {
    signals = std::make_unique<Signals>(session.loop, std::initializer_list<int>{SIGINT, SIGTERM, SIGWINCH, SIGTSTP});
  } else {
    signals = std::make_unique<Signals>(session.loop, std::initializer_list<int>{SIGINT, SIGTERM});
  }
  auto code = session.loop.run(main_task(session, *signals));
  if (code) return *code;
  log.error("connect", code.error().message());
  return ExitCode::failed;
}

}  // namespace parley::cli
