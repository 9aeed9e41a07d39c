// The latencies of a run as a picture: on the left how many took how long, on the right how long the slowest share
// took. Both scales of time are logarithmic.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "cli/bench.h"

namespace parley::cli {
namespace {

using Time = Histogram::Time;

constexpr double width = 960;
constexpr double height = 360;
constexpr double top = 56;
constexpr double bottom = 310;
constexpr double left_begin = 64;
constexpr double left_end = 460;
constexpr double right_begin = 548;
constexpr double right_end = 916;
constexpr std::size_t bars = 66;

constexpr std::string_view style = R"(<style>
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 14px; font-weight: 600 }
.bar { fill: #2f6fab } .line { fill: none; stroke: #2f6fab; stroke-width: 2 } .grid { stroke: #8884; stroke-width: 1 }
.dot { fill: #2f6fab } .paper { fill: #fff } .end { text-anchor: end } .middle { text-anchor: middle }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .paper { fill: #16191d } .bar, .dot { fill: #6aa9e0 }
.line { stroke: #6aa9e0 } }
</style>
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '&': safe += "&amp;"; break;
      case '"': safe += "&quot;"; break;
      case '\n': safe += c; break;
      default: safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return safe;
}

// A logarithmic scale of time over whole powers of ten.
class Scale {
 public:
  Scale(const Histogram& latency, double begin, double end) : begin_(begin), end_(end) {
    const auto power = [](Time time) { return std::log10(std::max<double>(static_cast<double>(time.count()), 1)); };
    low_ = static_cast<int>(std::floor(power(latency.least())));
    high_ = std::max(static_cast<int>(std::ceil(power(latency.most()))), low_ + 1);
  }

  int low() const { return low_; }
  int high() const { return high_; }
  double at(double nanoseconds) const {
    const double share = (std::log10(std::max(nanoseconds, 1.0)) - low_) / (high_ - low_);
    return begin_ + std::clamp(share, 0.0, 1.0) * (end_ - begin_);
  }
  Time inverse(double share) const {
    return Time(static_cast<Time::rep>(std::pow(10.0, low_ + share * (high_ - low_))));
  }

 private:
  double begin_, end_;
  int low_ = 0;
  int high_ = 1;
};

std::string power_of_ten(int power) {
  constexpr const char* units[] = {"ns", "µs", "ms", "s"};
  const int unit = std::min(power / 3, 3);
  return fmt::format("{} {}", static_cast<int>(std::pow(10, power - 3 * unit)), units[unit]);
}

std::string histogram(const Histogram& latency) {
  const Scale x(latency, left_begin, left_end);
  std::array<std::uint64_t, bars> counts{};
  for (std::size_t i = 0; i < bars; ++i) {
    counts[i] = latency.between(x.inverse(static_cast<double>(i) / bars), x.inverse(static_cast<double>(i + 1) / bars));
  }
  const auto largest = static_cast<double>(std::max<std::uint64_t>(*std::ranges::max_element(counts), 1));
  std::string text = fmt::format(R"(<text x="{}" y="44">how many took how long</text>)", left_begin);
  for (int power = x.low(); power <= x.high(); ++power) {
    const double at = x.at(std::pow(10.0, power));
    text += fmt::format(R"(<line class="grid" x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}"/>)", at, top, bottom);
    text += fmt::format(R"(<text class="middle" x="{:.1f}" y="{}">{}</text>)", at, bottom + 18, power_of_ten(power));
  }
  const double step = (left_end - left_begin) / bars;
  for (std::size_t i = 0; i < bars; ++i) {
    if (counts[i] == 0) continue;
    const double tall = std::max(1.0, (bottom - top) * static_cast<double>(counts[i]) / largest);
    text += fmt::format(R"(<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
                        left_begin + step * static_cast<double>(i), bottom - tall, step - 0.5, tall);
  }
  return text + "\n";
}

// Across: how few are slower, each step ten times fewer.
std::string percentiles(const Histogram& latency) {
  constexpr std::array<std::pair<const char*, double>, 6> marks{
      {{"0 %", 0}, {"90 %", 1}, {"99 %", 2}, {"99.9 %", 3}, {"99.99 %", 4}, {"99.999 %", 5}}};
  const Scale y(latency, bottom, top);
  const auto across = [](double nines) { return right_begin + (right_end - right_begin) * nines / 5; };
  std::string text = fmt::format(R"(<text x="{}" y="44">so many were faster</text>)", right_begin);
  for (int power = y.low(); power <= y.high(); ++power) {
    const double at = y.at(std::pow(10.0, power));
    text +=
        fmt::format(R"(<line class="grid" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>)", right_begin, at, right_end, at);
    text +=
        fmt::format(R"(<text class="end" x="{}" y="{:.1f}">{}</text>)", right_begin - 6, at + 4, power_of_ten(power));
  }
  for (const auto& [label, nines] : marks) {
    text += fmt::format(R"(<text class="middle" x="{:.1f}" y="{}">{}</text>)", across(nines), bottom + 18, label);
  }
  text += R"(<polyline class="line" points=")";
  for (double nines = 0; nines <= 5; nines += 0.05) {
    const Time time = latency.percentile(1 - std::pow(10.0, -nines));
    text += fmt::format("{:.1f},{:.1f} ", across(nines), y.at(static_cast<double>(time.count())));
  }
  return text + "\"/>\n";
}

}  // namespace

std::string svg_of(const BenchReport& report) {
  const double rate = report.seconds > 0 ? static_cast<double>(report.result.messages) / report.seconds : 0;
  std::string text = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img">)", width,
      height);
  text += '\n' + std::string(style) + R"(<rect class="paper" width="100%" height="100%"/>)";
  text += fmt::format(R"(<text class="title" x="{}" y="22">{}: {:.0f} messages/s, {} connections, {} bytes {}</text>)",
                      left_begin, escaped(report.url), rate, report.load.connections, report.load.bytes,
                      name(report.load.content));
  text += '\n';
  if (report.result.latency.count() > 0) text += histogram(report.result.latency) + percentiles(report.result.latency);
  if (const std::string why = bottleneck(report); !why.empty()) {
    text += fmt::format(R"(<text x="{}" y="{}">warning: {}</text>)", left_begin, height - 10, escaped(why)) + '\n';
  }
  return text + "</svg>\n";
}

std::string html_of(const BenchReport& report) {
  return "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escaped(report.url) + "</title>\n" + svg_of(report) + "<pre>" + escaped(text_of(report)) + "</pre>\n";
}

}  // namespace parley::cli
