#include "cli/options.h"

#include <initializer_list>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Command parse_words(std::initializer_list<const char*> words) {
  std::vector<const char*> all{"parley"};
  all.insert(all.end(), words);
  return parse(static_cast<int>(all.size()), all.data());
}

ServeCommand serve(std::initializer_list<const char*> words) {
  const Command command = parse_words(words);
  if (const auto* finished = std::get_if<Finished>(&command)) ADD_FAILURE() << finished->text;
  return std::holds_alternative<ServeCommand>(command) ? std::get<ServeCommand>(command) : ServeCommand();
}

ConnectCommand connect(std::initializer_list<const char*> words) {
  const Command command = parse_words(words);
  if (const auto* finished = std::get_if<Finished>(&command)) ADD_FAILURE() << finished->text;
  return std::holds_alternative<ConnectCommand>(command) ? std::get<ConnectCommand>(command) : ConnectCommand();
}

// One line that has `word`, and the exit code of wrong usage.
void expect_usage(std::initializer_list<const char*> words, const char* word) {
  const Command command = parse_words(words);
  const auto* finished = std::get_if<Finished>(&command);
  ASSERT_TRUE(finished) << word;
  EXPECT_EQ(finished->code, ExitCode::usage);
  EXPECT_THAT(finished->text, HasSubstr(word));
  EXPECT_THAT(finished->text, Not(HasSubstr("\n")));
}

TEST(Options, ServeAloneIsTheReplyServiceAtTheDefaultRange) {
  const ServeCommand command = serve({"serve"});
  const auto* reply = std::get_if<Reply>(&command.service);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "Echo from server");
  EXPECT_EQ(reply->separator, ",");
  EXPECT_TRUE(command.listen.empty());
  EXPECT_EQ(command.threads, 1u);
  EXPECT_EQ(command.connections_max, 0u);
  EXPECT_EQ(command.idle, 0s);
  EXPECT_EQ(command.drain, 5s);
  EXPECT_FALSE(command.quiet || command.verbose || command.json);
}

TEST(Options, ServeTakesAllOfThem) {
  const ServeCommand command =
      serve({"serve", "--listen", "tcp://127.0.0.1:0", "reply", "--text", "hi there", "--separator=;", "--threads", "4",
             "--max-connections", "100", "--idle-timeout", "1.5", "--drain", "0", "--quiet", "--verbose", "--json"});
  EXPECT_EQ(std::get<Reply>(command.service).text, "hi there");
  EXPECT_EQ(std::get<Reply>(command.service).separator, ";");
  EXPECT_EQ(command.threads, 4u);
  EXPECT_EQ(command.connections_max, 100u);
  EXPECT_EQ(command.idle, 1500ms);
  EXPECT_EQ(command.drain, 0s);
  EXPECT_TRUE(command.quiet && command.verbose && command.json);
}

TEST(Options, ListenTakesOneUrlEachTime) {
  const ServeCommand command = serve(
      {"serve", "--listen", "tcp://127.0.0.1:0", "echo", "--listen", "udp://[::1]:9000-9002", "--listen", "unix:/x"});
  EXPECT_TRUE(std::holds_alternative<Echo>(command.service));
  ASSERT_EQ(command.listen.size(), 3u);
  EXPECT_EQ(command.listen[0].endpoint.to_string(), "tcp://127.0.0.1:0");
  EXPECT_EQ(command.listen[1].endpoint.to_string(), "udp://[::1]:9000-9002");
  EXPECT_EQ(command.listen[2].endpoint.to_string(), "unix:/x");
  EXPECT_EQ(command.listen[0].speech, Speech::raw);
  EXPECT_EQ(command.listen[2].speech, Speech::any);
}

TEST(Options, ListenSaysWhatIsSpoken) {
  const ServeCommand command = serve({"serve", "--listen", "any://127.0.0.1:0", "--listen", "ws://[::1]:8080",
                                      "--origin", "https://example.org", "--origin", "null", "--no-deflate"});
  ASSERT_EQ(command.listen.size(), 2u);
  EXPECT_EQ(command.listen[0].speech, Speech::any);
  EXPECT_TRUE(command.listen[0].with_udp);
  EXPECT_EQ(command.listen[1].speech, Speech::websocket);
  EXPECT_FALSE(command.listen[1].with_udp);
  EXPECT_EQ(command.listen[1].endpoint.to_string(), "tcp://[::1]:8080");
  EXPECT_EQ(command.origins, "https://example.org,null");
  EXPECT_FALSE(command.any_origin);
  EXPECT_FALSE(command.deflate);
  EXPECT_TRUE(serve({"serve", "--origin", "any"}).any_origin);
  expect_usage({"serve", "--origin", "example.org"}, "--origin");
  expect_usage({"serve", "--origin", "https://example.org/page"}, "--origin");
  expect_usage({"serve", "--listen", "ws://127.0.0.1"}, "ws://127.0.0.1");
}

TEST(Options, AChatIsOnlyForWebSocket) {
  const ServeCommand command =
      serve({"serve", "chat", "--listen", "any://:1", "--listen", "ws://:2", "--listen", "unix:/a"});
  EXPECT_TRUE(std::holds_alternative<Chat>(command.service));
  ASSERT_EQ(command.listen.size(), 3u);
  EXPECT_EQ(command.listen[0].speech, Speech::web);
  EXPECT_FALSE(command.listen[0].with_udp);
  EXPECT_EQ(command.listen[1].speech, Speech::websocket);
  EXPECT_EQ(command.listen[2].speech, Speech::web);
  for (const char* url : {"tcp://:1", "udp://:1", "tls://:1"}) expect_usage({"serve", "chat", "--listen", url}, url);
  expect_usage({"serve", "chat", "--separator", ";"}, "--separator");
}

TEST(Options, ConnectAloneTriesTheDefaultRange) {
  const ConnectCommand command = connect({"connect"});
  EXPECT_EQ(command.endpoint.to_string(), default_range);
  EXPECT_EQ(command.timeout, 5s);
  EXPECT_EQ(command.timeout_text, "5");
}

TEST(Options, ConnectTakesAUrlAndATime) {
  const ConnectCommand command = connect({"connect", "udp://localhost:7", "--timeout", "0.25"});
  EXPECT_EQ(command.endpoint.to_string(), "udp://localhost:7");
  EXPECT_EQ(command.timeout, 250ms);
  EXPECT_EQ(command.timeout_text, "0.25");
}

TEST(Options, WrongUsageIsOneLineThatNamesIt) {
  expect_usage({}, "serve");
  expect_usage({"--nope"}, "--nope");
  expect_usage({"dance"}, "dance");
  expect_usage({"serve", "--nope"}, "--nope");
  expect_usage({"serve", "dance"}, "dance");
  expect_usage({"serve", "reply", "echo"}, "echo");
  expect_usage({"serve", "--listen"}, "--listen");
  expect_usage({"serve", "--listen", "9000"}, "9000");
  expect_usage({"serve", "--listen", "http://127.0.0.1:9000"}, "http://127.0.0.1:9000");
  expect_usage({"serve", "--separator", ""}, "--separator");
  expect_usage({"serve", "echo", "--text", "x"}, "--text");
  expect_usage({"serve", "echo", "--separator", ";"}, "--separator");
  expect_usage({"serve", "--quiet=3"}, "--quiet");
  expect_usage({"connect", "nonsense"}, "nonsense");
  expect_usage({"connect", "localhost:9000"}, "did you mean tcp://localhost:9000?");
  expect_usage({"connect", "9000"}, "did you mean tcp://127.0.0.1:9000?");
  expect_usage({"connect", "tcp://127.0.0.1:0"}, "port 0");
  expect_usage({"connect", "udp://127.0.0.1:9000-9998"}, "udp://127.0.0.1:9000-9998");
  expect_usage({"connect", "tcp://127.0.0.1:1", "more"}, "more");
}

TEST(Options, CountsAreWholeNumbersFromOne) {
  for (const char* option : {"--threads", "--max-connections"}) {
    for (const char* value : {"0", "-1", "1.5", "1x", "", "+1", " 1", "99999999999999999999", "nan"}) {
      expect_usage({"serve", option, value}, option);
    }
  }
}

TEST(Options, SecondsAreDecimalAndNotNegative) {
  for (const char* value : {"-1", "-0.5", "nan", "inf", "1x", "", "1e3", "0x10", "1,5", "1e99"}) {
    expect_usage({"serve", "--drain", value}, "--drain");
    expect_usage({"serve", "--idle-timeout", value}, "--idle-timeout");
    expect_usage({"connect", "--timeout", value}, "--timeout");
  }
  EXPECT_EQ(serve({"serve", "--drain", "0.001"}).drain, 1ms);
  EXPECT_EQ(serve({"serve", "--drain", "3600"}).drain, 1h);
}

TEST(Options, HelpAndVersionAreText) {
  for (auto words : {std::initializer_list<const char*>{"--help"}, {"serve", "--help"}, {"connect", "-h"}}) {
    const Command command = parse_words(words);
    const auto& finished = std::get<Finished>(command);
    EXPECT_EQ(finished.code, ExitCode::ended);
    EXPECT_THAT(finished.text, HasSubstr("Exit codes:"));
    EXPECT_THAT(finished.text, HasSubstr("Examples:"));
    EXPECT_THAT(finished.text, EndsWith("\n"));
  }
  const Command version = parse_words({"--version"});
  EXPECT_THAT(std::get<Finished>(version).text, testing::MatchesRegex("parley [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace parley::cli
