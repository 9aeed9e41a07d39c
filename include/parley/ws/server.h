// A WebSocket server: accepts connections, shakes hands, and runs a handler for each session.
//
//   loop.run(parley::ws::serve(loop, "ws://127.0.0.1:9000", echo));
//
// Safe by default: a browser's page may connect only if it comes from this server's own host (a page elsewhere could
// otherwise use its visitor's connection); nothing that a client sent is reflected; a handshake has limits in bytes,
// header lines and seconds; whoever breaks a limit is answered and closed, and nobody else is touched.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <parley/bytes.h>
#include <parley/error.h>
#include <parley/listener.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/tls.h>
#include <parley/ws/deflate.h>
#include <parley/ws/frame.h>
#include <parley/ws/request.h>
#include <parley/ws/session.h>

namespace parley::ws {

// Which web pages may connect. What sends no Origin is no browser, and may.
enum class Origins : std::uint8_t {
  // Those whose origin has the host and port that the request was sent to. At a loopback address only an address or
  // "localhost" counts: any other name may lead here just for an attack (DNS rebinding). Behind a reverse proxy of this
  // machine, list the origins that people see.
  same_host,
  listed,  // those, and ServeOptions::allowed_origins
  any,
};

// An answer to a request that is for no WebSocket: a page, say. What the views show must live until it is sent.
struct Response {
  unsigned status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view headers = {};  // "Name: value", a line each: more of them
  std::string_view body = {};     // not sent to HEAD
};

// Lists are written with commas and headers as lines, so that options can be written in place, also inside of a
// co_await. The texts are copied by the call that takes the options.
struct ServeOptions {
  Limits limits = {};
  Origins origins = Origins::same_host;
  std::string_view allowed_origins = {};  // "https://example.org, http://example.org:8080, null"
  std::string_view subprotocols = {};     // "chat.v2, chat.v1": of a client's list, the first of these; at most 127
  std::string_view headers = {};          // "Name: value", a line each: for the 101 response
  bool deflate = false;                   // permessage-deflate, with the clients that offer it
  DeflateOptions deflate_options = {};
  // Asked for each request that is right otherwise: 0 to accept it, or the status of the refusal (403, 404, 503 ...).
  // "If the requested service is not available, the server MUST send an appropriate HTTP error code (such as 404 Not
  // Found) and abort the WebSocket handshake." (RFC 6455, 4.2.2)
  unsigned (*refuse)(const Request& request, void* state) = nullptr;
  void* refuse_state = nullptr;
  // Asked for each sound request that is for no WebSocket, of any method. False, and without it: 426.
  bool (*respond)(const Request& request, Response& response, void* state) = nullptr;
  void* respond_state = nullptr;

  std::size_t handshake_bytes_max = 8 * 1024;  // of the request's head; 431
  std::size_t handshake_headers_max = 100;     // lines; 431
  unsigned handshake_seconds = 5;              // for the whole handshake; then the connection is closed

  FrameObserver frame = nullptr;  // is shown every frame of every session
  void* frame_state = nullptr;

  tls::Server tls = {};  // each connection shakes hands with it first; needed for "wss:", and not for "ws:"

  // These are for serve(), and nothing to an Acceptor:
  std::size_t connections_max = 0;  // handshakes and sessions; more wait in the kernel's backlog; 0: no limit
  unsigned drain_seconds = 5;       // how long handlers may go on when serve() is stopped
  ListenOptions listen = {};
  // Called with what a handler threw. That session is closed (1011); all others go on. Without it the exception is
  // dropped.
  void (*thrown)(std::exception_ptr exception) = nullptr;
};

// What runs for each session: a function, or a lambda without captures, of a Session, and perhaps of a State& that
// serve() was given and that outlives it.
class Handler {
 public:
  template <std::convertible_to<Task<> (*)(Session)> F>
  Handler(F function) noexcept  // NOLINT: meant to convert
      : function_(reinterpret_cast<void (*)()>(static_cast<Task<> (*)(Session)>(function))),
        call_([](const Handler& self, Session peer) {
          return reinterpret_cast<Task<> (*)(Session)>(self.function_)(std::move(peer));
        }) {}
  template <class State, std::convertible_to<Task<> (*)(Session, State&)> F>
  Handler(F function, State& state) noexcept
      : function_(reinterpret_cast<void (*)()>(static_cast<Task<> (*)(Session, State&)>(function))),
        state_(&state),
        call_([](const Handler& self, Session peer) {
          return reinterpret_cast<Task<> (*)(Session, State&)>(self.function_)(std::move(peer),
                                                                               *static_cast<State*>(self.state_));
        }) {}

  Task<> operator()(Session peer) const { return call_(*this, std::move(peer)); }

 private:
  void (*function_)();
  void* state_ = nullptr;
  Task<> (*call_)(const Handler&, Session);
};

// Accepts, shakes hands, and runs `handler` for each session, until stopped. Then it stops accepting, lets the handlers
// finish what has arrived (Stop::receiving), after drain_seconds stops them wholly, and ends when the last one has.
// Being stopped is its orderly end. Errors: those of listen().
Task<Result<void>> serve(Loop& loop, Listener listener, Handler handler, const ServeOptions& options = {});
// "ws://127.0.0.1:9000", "ws://:9000", "ws://[::1]:9000-9998", "wss://:443"; "unix:/run/chat.sock" too.
Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, const ServeOptions& options = {});

// Does what came first speak HTTP? For servers that speak something else on the same port, too, see Acceptor. Only a
// whole request line will do, "GET / HTTP/1.1"; `more`: what has come may still become one.
enum class Begins : std::uint8_t { no, more, yes };
Begins begins_request(Bytes bytes) noexcept;

// The handshake alone, for servers that accept connections themselves. It must outlive what it accepts until the
// handshake is over; sessions do not need it.
class Acceptor {
 public:
  Acceptor(Loop& loop, const ServeOptions& options);
  Acceptor(Acceptor&& other) noexcept;
  Acceptor& operator=(Acceptor&& other) noexcept;
  ~Acceptor();

  // Shakes hands with one connection. A request that is refused is answered, the connection closed in order, and the
  // error says why: protocol (no sound request for a WebSocket), permission_denied (origin, or `refuse`), too_large,
  // timed_out, end or reset; and those of tls::Server::accept(). One that `respond` answers ends so, too: Errc::end.
  // Cancelling: the connection is closed.
  Task<Result<Session>> accept(Stream peer);
  // The same when some of it has been received: what the last receive() showed, and all that came `before` that.
  Task<Result<Session>> accept(Stream peer, std::string before, Bytes last);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::ws
