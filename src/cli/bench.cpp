#include "cli/bench.h"

#include <unistd.h>

#include <csignal>
#include <fstream>

#include <fmt/format.h>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/signals.h>

namespace parley::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr nanoseconds look_each = std::chrono::milliseconds(200);

struct Run {
  const BenchCommand& command;
  Log& log;
  Loop loop = {};
  Event interrupted = {};
  int signal = 0;  // that stopped it
};

Task<> watch(Run& run, Signals& signals) {
  auto number = co_await signals.receive();
  if (!number) co_return;
  run.signal = *number;
  run.interrupted.set();
}

// A line that is written over by the next, for whoever looks.
void show_progress(const Load& load, std::string_view phase, nanoseconds passed, std::uint64_t messages) {
  if (!isatty(STDERR_FILENO)) return;
  const double seconds = static_cast<double>(passed.count()) / 1e9;
  fmt::print(stderr, "\r{} {:.1f} s, {:.0f} messages/s, {} wrong, {} broken \x1b[K", phase, seconds,
             seconds > 0 ? static_cast<double>(messages) / seconds : 0, load.result().wrong, load.broken());
}

void end_progress() {
  if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r\x1b[K");
}

// For so long, or until it is interrupted, or nobody is connected any more.
Task<> pass(Run& run, const Load& load, std::string_view phase, nanoseconds time) {
  const auto began = Clock::now();
  for (nanoseconds passed{}; passed < time && run.signal == 0 && load.broken() < load.connected();
       passed = Clock::now() - began) {
    (void)co_await within(std::min(look_each, time - passed), run.interrupted.wait());
    show_progress(load, phase, Clock::now() - began, load.result().messages);
  }
}

Task<> measure(Run& run, Load& load, BenchReport& report) {
  const int pid = run.command.server_pid;
  load.start();
  Task<> warming = pass(run, load, "warming up", run.command.warm_up);
  co_await warming;
  load.reset();
  const auto began = Clock::now();
  const nanoseconds own = own_processor_time();
  const std::optional<ProcessUse> before = pid > 0 ? use_of(pid) : std::nullopt;
  Task<> measuring = pass(run, load, "measuring", run.command.duration);
  co_await measuring;
  report.result = load.result();
  report.own = own_processor_time() - own;
  report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  if (const std::optional<ProcessUse> after = before ? use_of(pid) : std::nullopt) {
    report.server = ProcessUse{after->processor - before->processor, after->resident_bytes};
  }
  report.broken = load.broken();
  end_progress();
  load.stop();
  Task<> joining = load.join();
  co_await joining;
}

// What the idle connections cost the server, if they were asked for and it may be seen.
Task<Result<void>> connect_idle(Run& run, Load& load, BenchReport& report) {
  const int pid = run.command.server_pid;
  const std::optional<ProcessUse> before = pid > 0 ? use_of(pid) : std::nullopt;
  Task<Result<void>> connecting = load.connect_idle();
  const Result<void> connected = co_await connecting;
  const std::optional<ProcessUse> after = before && run.command.load.idle > 0 ? use_of(pid) : std::nullopt;
  if (after && connected) {
    const double grown = static_cast<double>(after->resident_bytes) - static_cast<double>(before->resident_bytes);
    report.idle_bytes = grown / static_cast<double>(run.command.load.idle);
  }
  co_return connected;
}

Task<ExitCode> bench(Run& run, BenchReport& report) {
  LoadOptions options = run.command.load;
  auto tls = make_client(run.command.security);
  if (!tls) {
    run.log.error(tls.error());
    co_return ExitCode::failed;
  }
  options.tls = *tls;
  Load load(run.loop, options);
  Task<Result<void>> connecting = connect_idle(run, load, report);
  Result<void> connected = co_await connecting;
  if (connected) {
    connecting = load.connect();
    connected = co_await connecting;
  }
  if (!connected) {
    run.log.error(report.url, connected.error().message());
    const bool is_usage = connected.error() == Errc::invalid_address || connected.error() == Errc::invalid_argument;
    co_return is_usage ? ExitCode::usage : ExitCode::failed;
  }
  Task<> measuring = measure(run, load, report);
  co_await measuring;
  if (report.broken > 0) {
    run.log.error(report.url, fmt::format("{} connections broke: {}", report.broken, load.first_error().message()));
  }
  if (report.result.wrong > 0) {
    run.log.error(report.url,
                  fmt::format("{} answers were not what was sent: is it an echo server?", report.result.wrong));
  }
  const bool nothing_came = report.result.messages + report.result.wrong == 0;
  if (nothing_came && report.broken == 0 && run.signal == 0) {
    run.log.error(report.url, "no message came back whole: is it an echo server?");
  }
  if (run.signal != 0) co_return static_cast<ExitCode>(static_cast<int>(ExitCode::signal_base) + run.signal);
  co_return report.broken > 0 || report.result.wrong > 0 || report.result.messages == 0 ? ExitCode::failed
                                                                                        : ExitCode::ended;
}

Task<ExitCode> main_task(Run& run, Signals& signals, BenchReport& report) {
  TaskGroup background(run.loop);
  background.spawn(watch(run, signals));
  Task<ExitCode> benching = bench(run, report);
  const ExitCode code = co_await benching;
  background.stop();
  (void)co_await background.join();
  co_return code;
}

bool draw(const BenchReport& report, const std::string& path) {
  std::ofstream file(path);
  file << (path.ends_with(".html") ? html_of(report) : svg_of(report));
  return static_cast<bool>(file.flush());
}

}  // namespace

ExitCode run_bench(const BenchCommand& command, Sink& sink, Log& log) {
  Run run{command, log};
  Signals signals(run.loop, {SIGINT, SIGTERM});
  BenchReport report{.url = command.url, .load = command.load};
  auto code = run.loop.run(main_task(run, signals, report));
  if (!code) {
    log.error(code.error().message());
    return ExitCode::failed;
  }
  if (report.seconds <= 0) return *code;
  sink.write(command.json ? json_of(report) : command.csv ? csv_of(report) : text_of(report));
  if (!command.plot.empty() && !draw(report, command.plot)) {
    log.error(command.plot, "it can't be written");
    return ExitCode::failed;
  }
  return *code;
}

}  // namespace parley::cli
