// `parley serve`.
#pragma once

#include "cli/options.h"
#include "cli/output.h"

namespace parley::cli {

// Serves until a signal says to stop. A second signal ends the program from inside.
ExitCode run_serve(const ServeCommand& command, Sink& sink, Log& log);

}  // namespace parley::cli
