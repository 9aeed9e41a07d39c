// The words of `parley bench`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace CLI {
class App;
}

namespace parley::cli {

// Options as they were typed.
struct TypedBench {
  ClientSecurity security;
  bool resume = false;
  std::string url, connections, in_flight, size, content = "binary", rate, warm_up, duration, server_pid, idle, plot;
  std::vector<std::string> from;
  bool compress = false;
  bool churn = false;
  bool json = false;
  bool csv = false;
};

inline constexpr const char* bench_examples =
    "It must be an echo server: every answer is compared with what was sent. A closed loop (the default) sends when\n"
    "an answer has come; with --rate messages leave when they are due, and their time counts from then.\n"
    "\n"
    "Examples:\n"
    "  parley bench ws://127.0.0.1:9000/\n"
    "  parley bench tcp://127.0.0.1:9000 --connections 1000 --size 1024 --duration 30\n"
    "  parley bench ws://127.0.0.1:9000/ --content json --size 1024 --compress --rate 20000\n"
    "  parley bench ws://127.0.0.1:9000/ --server-pid $(pidof my_server) --json\n"
    "  parley bench ws://127.0.0.1:9000/ --churn --idle 10000\n"
    "  parley bench udp://127.0.0.1:9000 --in-flight 8 --plot latency.svg\n"
    "\n";

void add_bench_options(CLI::App& bench, TypedBench& typed);

// What is wrong with them, if something is.
std::optional<std::string> set_bench(const TypedBench& typed, const CLI::App& bench, BenchCommand& command);

}  // namespace parley::cli
