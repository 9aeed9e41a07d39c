#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/bench.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

BenchReport measured() {
  BenchReport report{.url = "ws://a/?<b>&\"c\"", .load = {.endpoint = {}, .bytes = 100}};
  report.seconds = 2;
  report.result.messages = 2000;
  for (int i = 1; i <= 2000; ++i) report.result.latency.add(std::chrono::microseconds(i));
  report.own = 1s;
  return report;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(BenchPlot, HasBarsAndACurve) {
  const std::string svg = svg_of(measured());
  EXPECT_THAT(svg, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("1000 messages/s, 64 connections, 100 bytes binary"));
  EXPECT_GT(count(svg, "class=\"bar\""), 20u);
  EXPECT_EQ(count(svg, "<polyline"), 1u);
  EXPECT_THAT(svg, HasSubstr(">10 ms<"));
  EXPECT_THAT(svg, Not(HasSubstr("warning")));
}

// What stands in a URL is text.
TEST(BenchPlot, EscapesWhatItIsGiven) {
  for (const std::string& picture : {svg_of(measured()), html_of(measured())}) {
    EXPECT_THAT(picture, HasSubstr("ws://a/?&lt;b&gt;&amp;&quot;c&quot;"));
    EXPECT_THAT(picture, Not(HasSubstr("<b>")));
  }
}

TEST(BenchPlot, SaysWhatTheTextSays) {
  BenchReport report = measured();
  report.own = 2s;
  EXPECT_THAT(svg_of(report), HasSubstr("warning: this program was busy"));
  EXPECT_THAT(html_of(report), HasSubstr("<pre>ws://a/"));
  EXPECT_THAT(html_of(report), HasSubstr("\nlatency "));
}

TEST(BenchPlot, OfNothingAndOfOne) {
  BenchReport report{.url = "tcp://a:1", .load = {}};
  EXPECT_THAT(svg_of(report), Not(HasSubstr("polyline")));
  report.result.latency.add(0ns);
  EXPECT_THAT(svg_of(report), HasSubstr("polyline"));
  EXPECT_THAT(svg_of(report), Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace parley::cli
