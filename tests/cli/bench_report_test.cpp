#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/bench.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

BenchReport measured() {
  BenchReport report{.url = "ws://127.0.0.1:9000/", .load = {.endpoint = {}, .connections = 8, .bytes = 100}};
  report.seconds = 2;
  report.result.messages = 2'000'000;
  for (int i = 1; i <= 1000; ++i) report.result.latency.add(std::chrono::microseconds(i));
  report.own = 1s;
  return report;
}

TEST(BenchReport, SaysWhatWasMeasured) {
  BenchReport report = measured();
  const std::string text = text_of(report);
  EXPECT_THAT(text, HasSubstr("ws://127.0.0.1:9000/: 8 connections, 1 in flight each, 100 bytes binary\n"));
  EXPECT_THAT(text, HasSubstr("messages   1,000,000/s, 2,000,000 in 2.0 s, 100.0 MB/s each way\n"));
  EXPECT_THAT(text, HasSubstr(" max 1.000 ms\n"));
  EXPECT_THAT(text, HasSubstr("this end   0.50 of a core, 0.50 us a message\n"));
  EXPECT_THAT(text, Not(HasSubstr("server")));
  EXPECT_THAT(text, Not(HasSubstr("warning")));
  report.server = ProcessUse{500ms, 3 * 1024 * 1024};
  EXPECT_THAT(text_of(report), HasSubstr("server     0.25 of a core, 0.25 us a message, 3.0 MiB\n"));
}

TEST(BenchReport, WarnsWhenThisEndWasBusy) {
  BenchReport report = measured();
  report.own = 1900ms;
  EXPECT_THAT(bottleneck(report), HasSubstr("busy for 95 % of the time"));
  EXPECT_THAT(text_of(report), HasSubstr("warning    this program was busy"));
}

TEST(BenchReport, WarnsWhenARateWasNotKept) {
  BenchReport report = measured();
  report.load.rate = 1'000'000;
  EXPECT_THAT(bottleneck(report), IsEmpty());
  report.load.rate = 2'000'000;
  EXPECT_EQ(bottleneck(report), "of 2,000,000/s only 1,000,000/s came back");
  report.result.lateness.add(5ms);
  EXPECT_THAT(bottleneck(report), HasSubstr("5.0 ms late"));
}

TEST(BenchReport, AsJson) {
  BenchReport report = measured();
  report.load.content = Content::json;
  report.server = ProcessUse{500ms, 4096};
  report.own = 2s;
  report.broken = 1;
  const auto json = nlohmann::json::parse(json_of(report));
  EXPECT_EQ(json["url"], "ws://127.0.0.1:9000/");
  EXPECT_EQ(json["messages_per_second"], 1e6);
  EXPECT_EQ(json["content"], "json");
  EXPECT_EQ(json["in_flight"], 1);
  EXPECT_EQ(json["latency_ns"]["max"], 1'000'000);
  EXPECT_NEAR(json["latency_ns"]["p50"].get<double>(), 500'000, 8000);
  EXPECT_EQ(json["server_cpu_ns"], 500'000'000);
  EXPECT_EQ(json["broken_connections"], 1);
  EXPECT_TRUE(json.contains("warning"));
  EXPECT_FALSE(json.contains("rate"));
  report.load.rate = 5;
  EXPECT_EQ(nlohmann::json::parse(json_of(report))["rate"], 5);
}

TEST(BenchReport, HowManyTookHowLong) {
  BenchReport report{.url = "tcp://a:1", .load = {}};
  for (int i = 0; i < 3; ++i) report.result.latency.add(100us);
  report.result.latency.add(1ms);
  EXPECT_THAT(text_of(report),
              HasSubstr("took less than\n"
                        "     0.131 ms  75.000 % ##################################################\n"));
  EXPECT_THAT(text_of(report), HasSubstr("     1.049 ms  25.000 % #################\n"));
}

TEST(BenchReport, OfDatagramsAndIdleConnections) {
  BenchReport report = measured();
  report.load.churn = true;
  report.load.idle = 1000;
  report.result.lost = 1234;
  EXPECT_THAT(text_of(report), HasSubstr("8 connections, a new one for each message, 100 bytes"));
  EXPECT_THAT(text_of(report), HasSubstr("lost       1,234 datagrams\n"));
  EXPECT_THAT(text_of(report), HasSubstr("idle       1,000 connections\n"));
  report.idle_bytes = 304.4;
  EXPECT_THAT(text_of(report), HasSubstr("idle       1,000 connections, 304 bytes of the server's memory each\n"));
  const auto json = nlohmann::json::parse(json_of(report));
  EXPECT_EQ(json["churn"], true);
  EXPECT_EQ(json["lost"], 1234);
  EXPECT_EQ(json["idle_connections"], 1000);
  EXPECT_EQ(json["idle_bytes_each"], 304.4);
}

TEST(BenchReport, AsCsv) {
  BenchReport report = measured();
  report.url = "ws://a/?\"x\",y";
  const std::string csv = csv_of(report);
  const std::size_t end = csv.find("\r\n");
  EXPECT_THAT(csv, testing::StartsWith("url,connections,in_flight,bytes,content,compressed,seconds,messages,"));
  EXPECT_THAT(csv, HasSubstr(",latency_ns.p50,"));
  EXPECT_THAT(csv.substr(end + 2),
              testing::StartsWith("\"ws://a/?\"\"x\"\",y\",8,1,100,\"binary\",false,2.0,2000000,0,"));
  EXPECT_THAT(csv, testing::EndsWith("\r\n"));
}

TEST(BenchReport, OfNothing) {
  const BenchReport report{.url = "tcp://a:1", .load = {}};
  EXPECT_THAT(text_of(report), HasSubstr("messages   0/s, 0 in 0.0 s"));
}

}  // namespace
}  // namespace parley::cli
