// One thread of a server: its loop, its sockets, and what runs there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <parley/event.h>
#include <parley/hub.h>
#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/task.h>
#include <parley/tls.h>
#include <parley/udp.h>
#include <parley/ws/server.h>

#include "cli/limits.h"
#include "cli/options.h"
#include "cli/output.h"

namespace parley::cli {

struct Server;

// Where connections come in.
struct Entrance {
  Listener listener;
  Protocol protocol;
  Speech speech;
  std::string url;
  std::optional<ws::Acceptor> acceptor = {};  // unless it is raw
  Door door = {};
  std::size_t accepted = 0;
  bool secure = false;  // TLS, and nothing else
};

struct Datagrams {
  UdpSocket socket;
  std::string url;
};

struct Worker {
  Worker(Server& of, Loop& on, unsigned number);

  Server& server;
  Loop& loop;
  const unsigned index;
  TaskGroup background;  // flushes what is printed, waits for signals
  TaskGroup acceptors;
  TaskGroup conversations;
  TaskGroup leaving;  // conversations whose last answers are on their way to a peer that still sends
  Output output;
  Event halt;             // set to stop in order
  Event all_closed;       // set when no thread accepts any more
  bool stopping = false;  // nothing is accepted any more
  std::deque<Entrance> entrances;
  std::deque<Datagrams> datagrams;
  std::size_t connections = 0;
  std::size_t messages = 0;
};

// What all threads share. Only the atomics, and `places`, which guards itself, change while they run.
struct Server {
  Server(const ServeCommand& what, tls::Server secure, Sink& to, Log& complaints)
      : command(what), tls(std::move(secure)), sink(to), log(complaints), places(what.connections_max) {}

  const ServeCommand& command;
  tls::Server tls;  // if there is a certificate
  Sink& sink;
  Log& log;
  Places places;
  std::optional<Hub> hub = {};  // of a chat
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<unsigned> still_open = 0;   // threads that accept
  std::atomic<unsigned> others_left = 0;  // threads besides the first that still run
  Event others_done;                      // of the first thread
};

// How long a peer may be silent, or not take an answer.
std::chrono::nanoseconds idle_limit(const Worker& worker);

// A conversation is over: says so, and gives its place back.
void ended(Worker& worker, const Peer& peer, Error error);

// Accept, and serve, until the group that they run in is asked to stop.
Task<> accept_all(Worker& worker, Entrance& entrance);
Task<> serve_datagrams(Worker& worker, Datagrams& datagrams);

}  // namespace parley::cli
