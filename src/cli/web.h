// web: what a server does with a connection that speaks HTTP: WebSocket, and a page for browsers.
#pragma once

#include <string>

#include <parley/bytes.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/ws/server.h>

#include "cli/output.h"

namespace parley::cli {

struct ServeCommand;
struct Worker;

// How a server shakes hands, by its options. `page`: browsers that ask for "/" get the console.
ws::Acceptor make_acceptor(Loop& loop, const ServeCommand& command, bool page);

// Shakes hands; what then serves to the end is a task of its own. `before` and `last`: what has been received, see
// ws::Acceptor.
Task<> serve_web(Worker& worker, ws::Acceptor& acceptor, Stream stream, Peer peer, std::string before, Bytes last);

}  // namespace parley::cli
