#include "cli/serve.h"

#include <signal.h>

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include <parley/signals.h>
#include <parley/threads.h>

#include "cli/bind.h"
#include "cli/web.h"
#include "cli/worker.h"

namespace parley::cli {
namespace {

// Descriptors ran out, or came back. Called on any thread.
void paused(void* state, Error why) {
  auto& server = *static_cast<Server*>(state);
  Output output(server.sink, {server.command.json ? Style::json : Style::plain, server.command.quiet});
  if (why.code != Errc::none) {
    server.log.error("accepting paused", why.message());
    output.paused(Pause::descriptors);
  } else {
    server.log.error("accepting resumed");
    output.resumed();
  }
}

// Gives each thread its sockets.
void distribute(Server& server, std::vector<BoundPlace>& places) {
  for (BoundPlace& place : places) {
    const std::string url = place.endpoint.to_string();
    if (auto* listeners = std::get_if<std::vector<Listener>>(&place.sockets)) {
      for (std::size_t i = 0; i < listeners->size(); ++i) {
        Worker& worker = *server.workers[i];
        Entrance& entrance = worker.entrances.emplace_back(std::move((*listeners)[i]),
                                                           protocol_of(place.endpoint.scheme), place.speech, url);
        entrance.door.loop = &worker.loop;
        entrance.secure = place.secure;
        if (place.speech == Speech::raw) continue;
        entrance.acceptor = make_acceptor(worker.loop, server.command, place.speech != Speech::websocket);
      }
    } else {
      auto& sockets = std::get<std::vector<UdpSocket>>(place.sockets);
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        server.workers[i]->datagrams.emplace_back(std::move(sockets[i]), url);
      }
    }
  }
}

void print_places(Server& server, const std::vector<BoundPlace>& places) {
  Output output(server.sink, {server.command.json ? Style::json : Style::plain, server.command.quiet});
  if (server.command.listen.empty()) output.bound(places.front().address.port());
  for (const BoundPlace& place : places) {
    if (place.speech == Speech::websocket) continue;
    if (place.speech == Speech::web && place.endpoint.scheme != Scheme::local) continue;
    output.bound(place.endpoint, place.secure ? Protocol::tls : protocol_of(place.endpoint.scheme), place.address);
  }
  for (const BoundPlace& place : places) {
    if (place.endpoint.scheme != Scheme::tcp || place.speech == Speech::raw) continue;
    output.bound(place.endpoint, place.secure ? Protocol::wss : Protocol::ws, place.address);
    if (place.speech == Speech::websocket) continue;
    output.bound(place.endpoint, Protocol::http, place.address);
    if (!server.tls) continue;
    if (place.speech == Speech::any) output.bound(place.endpoint, Protocol::tls, place.address);
    for (const Protocol each : {Protocol::wss, Protocol::https}) output.bound(place.endpoint, each, place.address);
  }
  if (server.command.security.self_signed) output.certificate(server.tls.fingerprint());
}

// What a certificate of its own is for: this machine, and where it listens.
std::string own_names(const ServeCommand& command) {
  std::string names = "localhost,127.0.0.1,::1";
  for (const Place& place : command.listen) {
    const bool is_named = place.endpoint.scheme != Scheme::local && !place.endpoint.host.empty();
    if (is_named && !place.endpoint.host.contains('%')) names += "," + place.endpoint.host;
  }
  return names;
}

// The next signal that is to stop something; SIGHUP reads the certificates again.
Task<Result<int>> next_stop(Server& server, Signals& signals) {
  for (;;) {
    auto number = co_await signals.receive();
    if (!number || *number != SIGHUP) co_return number;
    std::string problem;
    if (server.tls.reload(&problem)) {
      server.log.error("certificates read again");
    } else {
      server.log.error("--tls", problem + "; what was read before still counts");
    }
  }
}

struct Run {
  Server& server;
  Signals& signals;
  std::vector<BoundPlace>& places;
};

// Runs on the first thread. The first signal stops every thread in order, the second ends the program.
Task<> watch(Run& run) {
  Task<Result<int>> waiting = next_stop(run.server, run.signals);
  auto first = co_await waiting;
  if (!first) co_return;
  for (auto& each : run.server.workers) {
    each->loop.post([halt = &each->halt] { halt->set(); });
  }
  waiting = next_stop(run.server, run.signals);
  auto second = co_await waiting;
  if (!second) co_return;
  run.server.workers.front()->output.flush();
  for (BoundPlace& place : run.places) place.file.remove();
  std::_Exit(static_cast<int>(ExitCode::signal_base) + *second);
}

// Accepts nothing more, on this thread; then, the last to come here says so, and it is true of all threads.
Task<> close_doors(Worker& worker) {
  Server& server = worker.server;
  worker.acceptors.stop(Stop::receiving);
  (void)co_await worker.acceptors.join();
  for (Entrance& entrance : worker.entrances) entrance.listener.close();
  for (Datagrams& datagrams : worker.datagrams) datagrams.socket.close();
  if (--server.still_open == 0) {
    worker.output.stopping();
    worker.output.flush();
    for (auto& each : server.workers) {
      each->loop.post([closed = &each->all_closed] { closed->set(); });
    }
  }
  (void)co_await worker.all_closed.wait();
}

Task<Result<void>> drain(Worker& worker) {
  (void)co_await worker.conversations.join();
  (void)co_await worker.leaving.join();
  co_return Result<void>();
}

// The threads end one by one. The first ends last, so that signals are heard to the end.
Task<> await_others(Worker& worker) {
  Server& server = worker.server;
  if (worker.index != 0) {
    if (--server.others_left == 0) {
      server.workers.front()->loop.post([&server] { server.others_done.set(); });
    }
  } else if (server.workers.size() > 1) {
    (void)co_await server.others_done.wait();
  }
}

Task<Result<void>> work(Loop&, unsigned index, Run& run) {
  Server& server = run.server;
  Worker& worker = *server.workers[index];
  if (index == 0) worker.background.spawn(watch(run));
  for (Entrance& entrance : worker.entrances) worker.acceptors.spawn(accept_all(worker, entrance));
  for (Datagrams& datagrams : worker.datagrams) worker.acceptors.spawn(serve_datagrams(worker, datagrams));
  (void)co_await worker.halt.wait();

  Task<> closing = close_doors(worker);
  co_await closing;
  worker.stopping = true;
  worker.conversations.stop(Stop::receiving);
  Task<Result<void>> drained = drain(worker);
  (void)co_await within(server.command.drain, std::move(drained));

  Task<> others = await_others(worker);
  co_await others;
  worker.background.stop();
  (void)co_await worker.background.join();
  server.log.detail(fmt::format("thread {}: {} connections, {} messages", index, worker.connections, worker.messages));
  co_return Result<void>();
}

}  // namespace

ExitCode run_serve(const ServeCommand& command, Sink& sink, Log& log) {
  LoopOptions loop_options;
  loop_options.io_uring = command.io_uring;
  Threads threads(command.threads, loop_options);
  const std::string_view driver = threads.loop(0).driver();
  if (command.io_uring && driver == "epoll") log.error("--driver io_uring", "refused here; epoll it is");
  log.detail(fmt::format("driver {}", driver));
  tls::Server tls;
  if (command.security.is_wanted()) {
    auto made = make_server(command.security, own_names(command));
    if (!made) {
      log.error("--tls", made.error());
      return ExitCode::failed;
    }
    tls = *made;
  }
  Server server(command, tls, sink, log);
  const ListenOptions options{.paused = paused, .paused_state = &server};
  std::vector<Place> standard{*Place::parse(default_listen)};
  if (std::holds_alternative<Chat>(command.service)) {
    server.hub.emplace(threads, HubOptions{.topic_bytes_max = ws::ServeOptions().handshake_bytes_max});
    standard.front().leave_only_web();
  }
  auto places = bind_all(threads, command.listen.empty() ? standard : command.listen, options);
  if (!places) {
    log.error(places.error().where, places.error().reason);
    return ExitCode::failed;
  }
  for (unsigned i = 0; i < threads.size(); ++i) {
    server.workers.push_back(std::make_unique<Worker>(server, threads.loop(i), i));
  }
  server.still_open = threads.size();
  server.others_left = threads.size() - 1;
  distribute(server, *places);
  const bool has_files = !command.security.certificates.empty();
  Signals signals(threads.loop(0), has_files ? std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP}
                                             : std::initializer_list<int>{SIGINT, SIGTERM});
  print_places(server, *places);
  Run run{server, signals, *places};
  auto outcome = threads.run(work, run);
  if (!outcome) log.error("serve", outcome.error().message());
  return outcome ? ExitCode::ended : ExitCode::failed;
}

}  // namespace parley::cli
