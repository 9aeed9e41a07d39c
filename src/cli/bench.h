// `parley bench`: how much a server takes, measured honestly: every message is checked, and when this program was
// itself what was slow, it says so.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/process.h"

namespace parley::cli {

// What was measured.
struct BenchReport {
  std::string url;
  LoadOptions load;
  double seconds = 0;
  LoadResult result = {};
  std::chrono::nanoseconds own{};         // on the processor
  std::optional<ProcessUse> server = {};  // what it used meanwhile, and its memory at the end
  std::size_t broken = 0;                 // connections
  std::optional<double> idle_bytes = {};  // what each idle connection costs the server
};

std::string text_of(const BenchReport& report);
std::string json_of(const BenchReport& report);
std::string csv_of(const BenchReport& report);  // two lines
// The latencies as a picture: by how many, and by what share.
std::string svg_of(const BenchReport& report);
std::string html_of(const BenchReport& report);
// Why the figures are not the server's alone; empty: they are.
std::string bottleneck(const BenchReport& report);

ExitCode run_bench(const BenchCommand& command, Sink& sink, Log& log);

}  // namespace parley::cli
