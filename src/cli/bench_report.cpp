#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/bench.h"

namespace parley::cli {
namespace {

constexpr double busy_share = 0.9;  // of the one core that this program can use
constexpr double late_milliseconds_max = 2;
constexpr double kept_rate_min = 0.99;

constexpr std::pair<const char*, double> percentiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }
double seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

double per_second(const BenchReport& report) {
  return report.seconds > 0 ? static_cast<double>(report.result.messages) / report.seconds : 0;
}

double share_of_a_core(const BenchReport& report, std::chrono::nanoseconds used) {
  return report.seconds > 0 ? seconds(used) / report.seconds : 0;
}

double microseconds_a_message(const BenchReport& report, std::chrono::nanoseconds used) {
  const auto messages = static_cast<double>(std::max<std::uint64_t>(report.result.messages, 1));
  return static_cast<double>(used.count()) / 1e3 / messages;
}

std::string use_line(const BenchReport& report, std::chrono::nanoseconds used) {
  return fmt::format("{:.2f} of a core, {:.2f} us a message", share_of_a_core(report, used),
                     microseconds_a_message(report, used));
}

std::string grouped(double number) {  // 1,234,567
  std::string digits = fmt::format("{:.0f}", number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

// How many took how long, by powers of two.
std::string histogram_of(const Histogram& latency) {
  using Time = Histogram::Time;
  constexpr double width = 50;
  std::string text;
  std::uint64_t largest = 0;
  for (Time from(1); from <= latency.most(); from *= 2) largest = std::max(largest, latency.between(from, from * 2));
  for (Time from(1); from <= latency.most(); from *= 2) {
    const std::uint64_t count = latency.between(from, from * 2);
    if (from * 2 <= latency.least()) continue;
    const auto bar = static_cast<std::size_t>(
        std::ceil(width * static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(largest, 1))));
    const double share = 100.0 * static_cast<double>(count) / static_cast<double>(latency.count());
    text += fmt::format("{:>10.3f} ms {:>7.3f} % {}\n", milliseconds(from * 2), share, std::string(bar, '#'));
  }
  return text.empty() ? text : "took less than\n" + text;
}

}  // namespace

std::string bottleneck(const BenchReport& report) {
  if (const double share = share_of_a_core(report, report.own); share >= busy_share) {
    return fmt::format("this program was busy for {:.0f} % of the time: the server may be able to do more",
                       share * 100);
  }
  if (report.load.rate <= 0) return {};
  const double late = milliseconds(report.result.lateness.percentile(0.99));
  if (late > late_milliseconds_max) {
    return fmt::format("one in a hundred messages was sent {:.1f} ms late or later: the latency is this program's, too",
                       late);
  }
  if (per_second(report) < report.load.rate * kept_rate_min) {
    return fmt::format("of {}/s only {}/s came back", grouped(report.load.rate), grouped(per_second(report)));
  }
  return {};
}

std::string text_of(const BenchReport& report) {
  const LoadOptions& load = report.load;
  const LoadResult& result = report.result;
  const std::string flow = load.churn      ? "a new one for each message"
                           : load.rate > 0 ? fmt::format("{} messages/s in all", grouped(load.rate))
                                           : fmt::format("{} in flight each", load.in_flight);
  std::string text = fmt::format("{}: {} connections, {}, {} bytes {}{}\n", report.url, load.connections, flow,
                                 load.bytes, name(load.content), load.compress ? ", compressed" : "");
  const double rate = per_second(report);
  text += fmt::format("messages   {}/s, {} in {:.1f} s, {:.1f} MB/s each way\n", grouped(rate),
                      grouped(static_cast<double>(result.messages)), report.seconds,
                      rate * static_cast<double>(load.bytes) / 1e6);
  text += "latency   ";
  for (const auto& [label, share] : percentiles) {
    text += fmt::format(" {} {:.3f}", label, milliseconds(result.latency.percentile(share)));
  }
  text += fmt::format(" max {:.3f} ms\n", milliseconds(result.latency.most()));
  text += fmt::format("this end   {}\n", use_line(report, report.own));
  if (report.server) {
    text += fmt::format("server     {}, {:.1f} MiB\n", use_line(report, report.server->processor),
                        static_cast<double>(report.server->resident_bytes) / (1024 * 1024));
  }
  if (result.lost > 0) text += fmt::format("lost       {} datagrams\n", grouped(static_cast<double>(result.lost)));
  if (load.idle > 0) {
    text += fmt::format("idle       {} connections", grouped(static_cast<double>(load.idle)));
    if (report.idle_bytes) text += fmt::format(", {} bytes of the server's memory each", grouped(*report.idle_bytes));
    text += '\n';
  }
  if (const std::string why = bottleneck(report); !why.empty()) text += fmt::format("warning    {}\n", why);
  return text + histogram_of(result.latency);
}

namespace {

nlohmann::ordered_json values_of(const BenchReport& report) {
  nlohmann::ordered_json json;
  json["url"] = report.url;
  json["connections"] = report.load.connections;
  if (report.load.churn) {
    json["churn"] = true;
  } else if (report.load.rate > 0) {
    json["rate"] = report.load.rate;
  } else {
    json["in_flight"] = report.load.in_flight;
  }
  json["bytes"] = report.load.bytes;
  json["content"] = name(report.load.content);
  json["compressed"] = report.load.compress;
  json["seconds"] = report.seconds;
  json["messages"] = report.result.messages;
  json["wrong"] = report.result.wrong;
  json["lost"] = report.result.lost;
  json["broken_connections"] = report.broken;
  json["messages_per_second"] = per_second(report);
  auto& latency = json["latency_ns"];
  for (const auto& [label, share] : percentiles) latency[label] = report.result.latency.percentile(share).count();
  latency["max"] = report.result.latency.most().count();
  if (report.load.rate > 0) json["sent_late_ns"]["p99"] = report.result.lateness.percentile(0.99).count();
  json["own_cpu_ns"] = report.own.count();
  if (report.server) {
    json["server_cpu_ns"] = report.server->processor.count();
    json["server_resident_bytes"] = report.server->resident_bytes;
  }
  if (report.load.idle > 0) json["idle_connections"] = report.load.idle;
  if (report.idle_bytes) json["idle_bytes_each"] = *report.idle_bytes;
  if (const std::string why = bottleneck(report); !why.empty()) json["warning"] = why;
  return json;
}

}  // namespace

std::string json_of(const BenchReport& report) { return values_of(report).dump() + "\n"; }

// RFC 4180: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in double-quotes."
std::string csv_of(const BenchReport& report) {
  std::string names;
  std::string values;
  const auto add = [&](const std::string& name, const nlohmann::ordered_json& value) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    for (std::size_t at = 0; value.is_string() && (at = text.find('"', at)) != std::string::npos; at += 2) {
      text.insert(at, 1, '"');
    }
    names += (names.empty() ? "" : ",") + name;
    values += (values.empty() ? "" : ",") + (value.is_string() ? '"' + text + '"' : text);
  };
  const nlohmann::ordered_json all = values_of(report);
  for (const auto& [name, value] : all.items()) {
    if (!value.is_object()) {
      add(name, value);
      continue;
    }
    for (const auto& [part, inner] : value.items()) add(name + "." + part, inner);
  }
  return names + "\r\n" + values + "\r\n";
}

}  // namespace parley::cli
