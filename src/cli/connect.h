// `parley connect`.
#pragma once

#include "cli/options.h"
#include "cli/output.h"

namespace parley::cli {

// Sends what is typed or piped in and prints what comes back. SIGINT and SIGTERM end the program from inside.
ExitCode run_connect(const ConnectCommand& command, Sink& sink, Log& log);

}  // namespace parley::cli
