// The command line, as values.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include <parley/endpoint.h>

#include "cli/service.h"

namespace parley::cli {

inline constexpr const char* default_range = "tcp://127.0.0.1:9000-9998";

// The exit codes, which --help and the man page list.
enum class ExitCode : int { ended = 0, failed = 1, usage = 2, signal_base = 128 };

struct ServeCommand {
  Service service = Reply{};
  std::vector<Endpoint> listen = {};  // empty: TCP and UDP at the first port of the default range that is free for both
  unsigned threads = 1;
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  std::size_t connections_max = 0;  // 0: no limit
  std::chrono::nanoseconds idle{};  // 0: never
  std::chrono::nanoseconds drain = std::chrono::seconds(5);
};

struct ConnectCommand {
  Endpoint endpoint;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);  // 0: don't wait for answers
  std::string timeout_text = "5";                              // as it was written, for the error
};

// Nothing to run: text for standard output, or one line for standard error.
struct Finished {
  ExitCode code = ExitCode::ended;
  std::string text;
};

using Command = std::variant<ServeCommand, ConnectCommand, Finished>;

Command parse(int count, const char* const* words);

}  // namespace parley::cli
