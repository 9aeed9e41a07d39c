#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/bench.h"
#include "cli/connect.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/serve.h"

namespace {

using namespace parley::cli;

// A program started without one of these would open a socket in its place, and print into it.
void open_standard_descriptors() {
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) != descriptor) std::abort();
  }
}

ExitCode finish(const Finished& finished, Sink& sink, Log& log) {
  if (finished.code == ExitCode::ended) {
    sink.write(finished.text);
  } else {
    log.error(finished.text);
  }
  return finished.code;
}

}  // namespace

int main(int count, char** words) {
  open_standard_descriptors();
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignored, nullptr);  // so that a reader that goes away is an error of write()

  const Command command = parse(count, words);
  const auto* to_serve = std::get_if<ServeCommand>(&command);
  Sink sink(STDOUT_FILENO);
  Log log(to_serve && to_serve->verbose);
  ExitCode code = ExitCode::ended;
  if (to_serve) {
    code = run_serve(*to_serve, sink, log);
  } else if (const auto* to_connect = std::get_if<ConnectCommand>(&command)) {
    code = run_connect(*to_connect, sink, log);
  } else if (const auto* to_bench = std::get_if<BenchCommand>(&command)) {
    code = run_bench(*to_bench, sink, log);
  } else {
    code = finish(std::get<Finished>(command), sink, log);
  }
  return static_cast<int>(code);
}
