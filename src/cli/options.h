// The command line, as values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <parley/endpoint.h>
#include <parley/error.h>

#include "cli/load.h"
#include "cli/security.h"
#include "cli/service.h"

namespace parley::cli {

inline constexpr const char* default_range = "tcp://127.0.0.1:9000-9998";
inline constexpr const char* default_listen = "any://127.0.0.1:9000-9998";

// The exit codes, which --help and the man page list.
enum class ExitCode : int { ended = 0, failed = 1, usage = 2, unmet = 3, signal_base = 128 };

// What is spoken where a server listens.
enum class Speech : std::uint8_t {
  any,        // the first bytes decide: TLS, a WebSocket, a browser, or anything else, which is taken as it is
  raw,        // bytes, or datagrams
  web,        // the same, but what is anything else is refused
  websocket,  // WebSocket only
};

struct Place {
  Endpoint endpoint;
  Speech speech = Speech::raw;
  bool with_udp = false;  // at the same port, too
  bool secure = false;    // TLS, and nothing else

  // tcp://, udp://, unix: and ws://, any://, tls:// and wss://, which are written like tcp://.
  static Result<Place> parse(std::string_view url);

  // Neither bytes nor datagrams. False: then nothing is left.
  bool leave_only_web() noexcept;
};

struct ServeCommand {
  Service service = Reply{};
  std::vector<Place> listen = {};  // empty: default_listen
  std::string origins = {};        // of pages that may connect besides those of this host, with commas
  bool any_origin = false;
  bool deflate = true;
  ServerSecurity security = {};
  unsigned threads = 1;
  bool io_uring = false;  // where the kernel allows it
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  std::size_t connections_max = 0;  // 0: no limit
  std::chrono::nanoseconds idle{};  // 0: never
  std::chrono::nanoseconds drain = std::chrono::seconds(5);
};

// What only a WebSocket has.
struct WebSocketWishes {
  std::string url;   // as it was written, without a user; empty: it is none
  std::string user;  // of "ws://user:password@host"
  std::string password;
  std::string headers;  // a line each
  std::string subprotocols;
  std::string origin;
  std::string proxy;
  bool binary = false;  // lines are sent as binary messages
  bool hex = false;     // lines are bytes in hexadecimal, and so are binary messages that come
  bool compress = false;
  bool frames = false;
  std::chrono::nanoseconds ping{};  // 0: none
  std::size_t count = 0;            // end when so many messages have come; 0: don't
  std::string expect;               // end when one has come that this regular expression is found in; empty: don't
};

struct ConnectCommand {
  Endpoint endpoint;
  WebSocketWishes websocket = {};
  ClientSecurity security = {};
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);  // 0: don't wait for answers
  std::string timeout_text = "5";                              // as it was written, for the error
};

// Nothing to run: text for standard output, or one line for standard error.
struct Finished {
  ExitCode code = ExitCode::ended;
  std::string text;
};

struct BenchCommand {
  std::string url;  // as it was written
  LoadOptions load = {};
  ClientSecurity security = {};
  std::chrono::nanoseconds warm_up = std::chrono::seconds(1);
  std::chrono::nanoseconds duration = std::chrono::seconds(5);
  int server_pid = 0;  // 0: none
  bool json = false;
  bool csv = false;
  std::string plot = {};  // a file to draw to; its name ends in .svg or .html
};

using Command = std::variant<ServeCommand, ConnectCommand, BenchCommand, Finished>;

Command parse(int count, const char* const* words);

}  // namespace parley::cli
