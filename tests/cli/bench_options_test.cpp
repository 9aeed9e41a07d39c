#include "cli/bench_options.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Command parsed(std::vector<const char*> words) {
  words.insert(words.begin(), {"parley", "bench"});
  return parse(static_cast<int>(words.size()), words.data());
}

TEST(BenchOptions, Defaults) {
  const auto command = std::get<BenchCommand>(parsed({"ws://127.0.0.1:9000/"}));
  EXPECT_EQ(command.load.url, "ws://127.0.0.1:9000/");
  EXPECT_EQ(command.load.connections, 64u);
  EXPECT_EQ(command.load.in_flight, 1u);
  EXPECT_EQ(command.load.bytes, 64u);
  EXPECT_EQ(command.load.content, Content::binary);
  EXPECT_EQ(command.load.rate, 0);
  EXPECT_EQ(command.warm_up, 1s);
  EXPECT_EQ(command.duration, 5s);
  EXPECT_EQ(command.server_pid, 0);
  EXPECT_FALSE(command.json);
}

TEST(BenchOptions, AllOfThem) {
  const auto command = std::get<BenchCommand>(
      parsed({"ws://a/", "--connections", "10", "--in-flight", "3", "--size", "1024", "--content", "utf8", "--compress",
              "--warm-up", "0", "--duration", "0.5", "--server-pid", "12", "--json"}));
  EXPECT_EQ(command.load.connections, 10u);
  EXPECT_EQ(command.load.in_flight, 3u);
  EXPECT_EQ(command.load.bytes, 1024u);
  EXPECT_EQ(command.load.content, Content::utf8);
  EXPECT_TRUE(command.load.compress);
  EXPECT_EQ(command.warm_up, 0s);
  EXPECT_EQ(command.duration, 500ms);
  EXPECT_EQ(command.server_pid, 12);
  EXPECT_TRUE(command.json);
  EXPECT_EQ(std::get<BenchCommand>(parsed({"tcp://a:1", "--rate", "100.5"})).load.rate, 100.5);
  const auto storm =
      std::get<BenchCommand>(parsed({"tcp://a:1", "--churn", "--idle", "7", "--csv", "--plot", "latency.html"}));
  EXPECT_TRUE(storm.load.churn);
  EXPECT_EQ(storm.load.idle, 7u);
  const auto sources = std::get<BenchCommand>(parsed({"--from", "127.0.0.2", "--from", "127.0.0.3", "tcp://a:1"}));
  EXPECT_EQ(sources.load.from, (std::vector{*Address::ip("127.0.0.2", 0), *Address::ip("127.0.0.3", 0)}));
  EXPECT_TRUE(storm.csv);
  EXPECT_EQ(storm.plot, "latency.html");
  EXPECT_EQ(std::get<BenchCommand>(parsed({"udp://a:1"})).load.endpoint.scheme, Scheme::udp);
  EXPECT_EQ(std::get<BenchCommand>(parsed({"unix:/run/x"})).load.endpoint.scheme, Scheme::local);
}

TEST(BenchOptions, WrongUsage) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> wrong{
      {{}, "URL"},
      {{"udp://127.0.0.1:0"}, "udp://127.0.0.1:0"},
      {{"udp://127.0.0.1:1", "--size", "7"}, "--size"},
      {{"udp://127.0.0.1:1", "--size", "65528"}, "--size"},
      {{"udp://127.0.0.1:1", "--churn"}, "--churn"},
      {{"udp://127.0.0.1:1", "--idle", "1"}, "--idle"},
      {{"udp://127.0.0.1:1", "--compress"}, "--compress"},
      {{"ws://a/", "--churn", "--rate", "1"}, "--churn"},
      {{"ws://a/", "--churn", "--in-flight", "2"}, "--churn"},
      {{"ws://a/", "--idle", "0"}, "--idle"},
      {{"ws://a/", "--from", "localhost"}, "--from"},
      {{"ws+unix:/run/x", "--from", "127.0.0.2"}, "--from"},
      {{"udp://a:1", "--from", "127.0.0.2"}, "--from"},
      {{"unix:/run/x", "--from", "127.0.0.2"}, "--from"},
      {{"ws://a/", "--json", "--csv"}, "--csv"},
      {{"ws://a/", "--plot", "x.png"}, "x.png"},
      {{"127.0.0.1:9000"}, "127.0.0.1:9000"},
      {{"tcp://127.0.0.1:0"}, "tcp://127.0.0.1:0"},
      {{"tcp://a:1", "--compress"}, "--compress"},
      {{"ws://a/", "--connections", "0"}, "--connections"},
      {{"ws://a/", "--size", "0"}, "--size"},
      {{"ws://a/", "--in-flight", "x"}, "--in-flight"},
      {{"ws://a/", "--content", "xml"}, "--content"},
      {{"ws://a/", "--rate", "0"}, "--rate"},
      {{"ws://a/", "--rate", "1", "--in-flight", "2"}, "--in-flight"},
      {{"ws://a/", "--duration", "0"}, "--duration"},
      {{"ws://a/", "--warm-up", "-1"}, "--warm-up"},
      {{"ws://a/", "--server-pid", "0"}, "--server-pid"}};
  for (const auto& [words, part] : wrong) {
    const auto finished = std::get<Finished>(parsed(words));
    EXPECT_EQ(finished.code, ExitCode::usage);
    EXPECT_THAT(finished.text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace parley::cli
