#include "cli/bench_options.h"

#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/numbers.h"

namespace parley::cli {
namespace {

constexpr std::size_t connections_most = 1'000'000;
constexpr std::size_t in_flight_most = 1'000'000;
constexpr std::size_t bytes_most = 1024 * 1024 * 1024;
constexpr double rate_most = 1e9;
constexpr int pid_most = 1 << 30;

constexpr std::pair<std::string_view, Content> contents[] = {
    {"binary", Content::binary}, {"text", Content::text}, {"utf8", Content::utf8}, {"json", Content::json}};

bool parse_content(std::string_view text, Content& content) {
  for (const auto& [name, known] : contents) {
    if (name != text) continue;
    content = known;
    return true;
  }
  return false;
}

std::optional<std::string> set_target(const TypedBench& typed, BenchCommand& command) {
  command.url = typed.url;
  command.security = typed.security;
  command.security.resumes = typed.resume;
  const bool is_secure = typed.url.starts_with("wss://") || typed.url.starts_with("tls://");
  if (!is_secure && (typed.security.insecure || typed.resume || !typed.security.ca.empty())) {
    return "--ca, --insecure and --resume: only wss:// and tls:// have them";
  }
  if (typed.url.starts_with("ws://") || typed.url.starts_with("wss://") || typed.url.starts_with("ws+unix:")) {
    command.load.url = typed.url;
    if (!typed.from.empty() && typed.url.starts_with("ws+unix:")) return "--from: a Unix-domain socket has none";
    return std::nullopt;
  }
  const auto endpoint = Endpoint::parse(typed.url);
  const bool has_port = endpoint && (endpoint->scheme == Scheme::local || endpoint->port_first != 0);
  if (!has_port) {
    return fmt::format(
        "bench: '{}' is not a URL like ws://127.0.0.1:9000/, tcp://127.0.0.1:9000, udp://127.0.0.1:9000 or "
        "unix:/run/echo.sock",
        typed.url);
  }
  if (typed.compress) return "--compress: only ws:// and wss:// have it";
  const bool is_tcp = endpoint->scheme == Scheme::tcp || endpoint->scheme == Scheme::tls;
  if (!is_tcp && !typed.from.empty()) return "--from: only ws:// and tcp:// have it, over TLS or not";
  if (endpoint->scheme == Scheme::udp) {
    if (typed.churn || !typed.idle.empty()) return "udp:// has no connections to --churn with, or to be --idle";
    if (command.load.bytes < Load::datagram_bytes_min || command.load.bytes > UdpSocket::datagram_bytes_max) {
      return fmt::format("--size: a datagram begins with its number: {} to {} bytes", Load::datagram_bytes_min,
                         UdpSocket::datagram_bytes_max);
    }
  }
  command.load.endpoint = *endpoint;
  return std::nullopt;
}

std::optional<std::string> set_times(const TypedBench& typed, const CLI::App& bench, BenchCommand& command) {
  for (const auto& [name, text, time] : {std::tuple("--warm-up", &typed.warm_up, &command.warm_up),
                                         std::tuple("--duration", &typed.duration, &command.duration)}) {
    if (bench.count(name) > 0 && !parse_seconds(*text, *time)) {
      return fmt::format("{}: '{}' is not a number of seconds", name, *text);
    }
  }
  if (command.duration.count() == 0) return "--duration: nothing can be measured in no time";
  return std::nullopt;
}

}  // namespace

void add_bench_options(CLI::App& bench, TypedBench& typed) {
  bench
      .add_option("URL", typed.url,
                  "ws:// or wss://HOST[:PORT][/PATH], ws+unix:PATH, tcp://, tls:// or udp://HOST:PORT, or unix:PATH")
      ->type_name("")
      ->required();
  const auto text = [&bench](const char* name, std::string& value, const char* type, const char* help) {
    bench.add_option(name, value, help)->type_name(type);
  };
  text("--connections", typed.connections, "N", "Connections at the same time [64]");
  text("--in-flight", typed.in_flight, "N", "Messages of a connection that are not back yet [1]");
  text("--size", typed.size, "BYTES", "Of a message [64]");
  text("--content", typed.content, "KIND", "binary, text, utf8 (characters of one to four bytes) or json [binary]");
  bench.add_flag("--compress", typed.compress, "WebSocket: compress every message")->disable_flag_override();
  bench.add_flag("--churn", typed.churn, "Connect, send one message, close, again and again")->disable_flag_override();
  text("--idle", typed.idle, "N", "Connections beside, which do nothing [0]");
  bench.add_option("--from", typed.from, "Connect from this address; several take turns")
      ->type_name("ADDRESS")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  text("--rate", typed.rate, "N", "Send so many messages a second in all, whatever comes back");
  text("--warm-up", typed.warm_up, "SECONDS", "Before it is measured [1]");
  text("--duration", typed.duration, "SECONDS", "Measure for so long [5]");
  text("--server-pid", typed.server_pid, "PID", "Tell what this process uses meanwhile: the server");
  text("--ca", typed.security.ca, "FILE", "TLS: trust these authorities [those of the system]");
  bench.add_flag("--insecure", typed.security.insecure, "TLS: do not verify the server")->disable_flag_override();
  bench.add_flag("--resume", typed.resume, "TLS: resume sessions, instead of a full handshake each time")
      ->disable_flag_override();
  bench.add_flag("--json", typed.json, "Print one JSON object")->disable_flag_override();
  bench.add_flag("--csv", typed.csv, "Print a line of names and a line of values")->disable_flag_override();
  text("--plot", typed.plot, "FILE", "Draw the latencies: FILE.svg, or FILE.html");
}

std::optional<std::string> set_bench(const TypedBench& typed, const CLI::App& bench, BenchCommand& command) {
  constexpr const char* not_count = "{}: '{}' is not a whole number from 1 to {}";
  LoadOptions& load = command.load;
  for (const auto& [name, text, most, count] :
       {std::tuple("--connections", &typed.connections, connections_most, &load.connections),
        std::tuple("--in-flight", &typed.in_flight, in_flight_most, &load.in_flight),
        std::tuple("--size", &typed.size, bytes_most, &load.bytes),
        std::tuple("--idle", &typed.idle, connections_most, &load.idle)}) {
    if (bench.count(name) > 0 && !parse_count(*text, most, *count)) return fmt::format(not_count, name, *text, most);
  }
  if (!parse_content(typed.content, load.content)) {
    return fmt::format("--content: '{}' is none of binary, text, utf8 and json", typed.content);
  }
  if (bench.count("--rate") > 0 && !parse_positive(typed.rate, rate_most, load.rate)) {
    return fmt::format("--rate: '{}' is not a number above 0", typed.rate);
  }
  if (bench.count("--rate") > 0 && bench.count("--in-flight") > 0) {
    return "--rate sends whatever comes back: it has no --in-flight";
  }
  if (bench.count("--server-pid") > 0 && !parse_count(typed.server_pid, pid_most, command.server_pid)) {
    return fmt::format(not_count, "--server-pid", typed.server_pid, pid_most);
  }
  if (typed.churn && (bench.count("--rate") > 0 || bench.count("--in-flight") > 0)) {
    return "--churn sends one message on each connection: it has no --rate and no --in-flight";
  }
  if (typed.json && typed.csv) return "--json and --csv: which one?";
  if (!typed.plot.empty() && !typed.plot.ends_with(".svg") && !typed.plot.ends_with(".html")) {
    return fmt::format("--plot: '{}' ends neither in .svg nor in .html", typed.plot);
  }
  for (const std::string& text : typed.from) {
    const auto address = Address::ip(text, 0);
    if (!address) return fmt::format("--from: '{}' is not an IP address", text);
    load.from.push_back(*address);
  }
  load.compress = typed.compress;
  load.churn = typed.churn;
  command.json = typed.json;
  command.csv = typed.csv;
  command.plot = typed.plot;
  if (auto wrong = set_target(typed, command)) return wrong;
  return set_times(typed, bench, command);
}

}  // namespace parley::cli
