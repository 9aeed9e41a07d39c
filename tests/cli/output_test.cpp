#include "cli/output.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <parley/loop.h>

#include "cli/printed.h"

namespace parley::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;

const Peer peer{Protocol::tcp, "127.0.0.1:54321"};

struct Printing {
  explicit Printing(Output::Options options = {}) : output(sink, options) {}

  Printed printed;
  Sink sink{printed.descriptor()};
  Output output;
};

void print_everything(Output& output) {
  const Address address = *Address::parse("127.0.0.1:9000");
  output.bound(9000);
  output.bound(*Endpoint::parse("tcp://127.0.0.1:9000"), Protocol::ws, address);
  output.bound(*Endpoint::parse("udp://127.0.0.1:9000"), Protocol::udp, address);
  output.bound(*Endpoint::parse("unix:/run/x.sock"), Protocol::local, *Address::local("/run/x.sock"));
  output.connected(peer);
  output.received(peer, "a");
  output.disconnected(peer, Ending::idle);
  output.paused(Pause::connections_max);
  output.resumed();
  output.stopping();
}

TEST(Output, PlainLines) {
  Printing printing;
  print_everything(printing.output);
  EXPECT_THAT(printing.printed.lines(),
              ElementsAre("Bound to 9000", "Bound to ws://127.0.0.1:9000", "Bound to udp://127.0.0.1:9000",
                          "Bound to unix:/run/x.sock", "Connected by 127.0.0.1:54321",
                          "Received a from 127.0.0.1:54321", "127.0.0.1:54321 disconnected", "Stopping"));
}

TEST(Output, QuietIsWhereItListens) {
  Printing printing({Style::plain, true});
  print_everything(printing.output);
  EXPECT_THAT(printing.printed.lines(), ElementsAre("Bound to 9000", "Bound to ws://127.0.0.1:9000",
                                                    "Bound to udp://127.0.0.1:9000", "Bound to unix:/run/x.sock"));
}

TEST(Output, JsonHasAnObjectALine) {
  Printing printing({Style::json, false});
  print_everything(printing.output);
  std::vector<json> objects;
  for (const std::string& line : printing.printed.lines()) objects.push_back(json::parse(line));
  const auto bound = [](const char* protocol) {
    return json{{"event", "bound"},
                {"protocol", protocol},
                {"address", "127.0.0.1:9000"},
                {"port", 9000},
                {"url", std::string(protocol) + "://127.0.0.1:9000"}};
  };
  const json about_peer{{"protocol", "tcp"}, {"peer", "127.0.0.1:54321"}};
  const auto with = [](json object, const json& more) {
    object.update(more);
    return object;
  };
  EXPECT_THAT(
      objects,
      ElementsAre(
          bound("ws"), bound("udp"),
          json{{"event", "bound"}, {"protocol", "unix"}, {"address", "/run/x.sock"}, {"url", "unix:/run/x.sock"}},
          with(about_peer, {{"event", "connected"}}), with(about_peer, {{"event", "received"}, {"text", "a"}}),
          with(about_peer, {{"event", "disconnected"}, {"reason", "idle"}}),
          json{{"event", "paused"}, {"reason", "max_connections"}}, json{{"event", "resumed"}},
          json{{"event", "stopping"}}));
}

TEST(Output, PeersCanNotDriveTheTerminal) {
  Printing printing;
  printing.output.received(peer, "\x1b[2J\n\xff\u202e");
  EXPECT_EQ(printing.printed.text(), "Received \\x1b[2J\\x0a\\xff\\u{202e} from 127.0.0.1:54321\n");
  EXPECT_EQ(received_line("\x07"), "Received \\x07 from server");
}

TEST(Output, JsonIsAsciiWhateverCame) {
  Printing printing({Style::json, false});
  printing.output.received(peer, "\x1b\xff é \"");
  const std::string text = printing.printed.text();
  EXPECT_TRUE(std::ranges::all_of(text.substr(0, text.size() - 1), [](char c) { return c >= ' ' && c < 0x7f; }))
      << text;
  EXPECT_EQ(json::parse(text)["text"], "\x1b\uFFFD é \"");
}

TEST(Output, AnIpv4PeerOfAnIpv6SocketIsShownAsIpv4) {
  EXPECT_EQ(show(*Address::parse("[::ffff:127.0.0.1]:9000")), "127.0.0.1:9000");
  EXPECT_EQ(show(*Address::parse("[::1]:9000")), "[::1]:9000");
  EXPECT_EQ(show(*Address::parse("127.0.0.1:9000")), "127.0.0.1:9000");
}

Task<> print_in_turns(Loop& loop, Sink& sink, Printed& printed) {
  TaskGroup background(loop);
  {
    Output output(sink, {}, &background);
    output.connected(peer);
    output.received(peer, "a");
    EXPECT_EQ(printed.text(), "");  // they leave together, when what is ready has run
    (void)co_await yield();
    (void)co_await yield();
    EXPECT_EQ(printed.lines().size(), 2u);
    output.stopping();
    output.received(peer, std::string(Output::gathered_bytes_max, 'x'));
    EXPECT_EQ(printed.lines().size(), 4u);  // that was too much to keep
    (void)co_await background.join();
  }
}

TEST(Output, IsWrittenWhenTheLoopHasDoneWhatIsReady) {
  Printed printed;
  Sink sink(printed.descriptor());
  Loop loop;
  ASSERT_TRUE(loop.run(print_in_turns(loop, sink, printed)));
}

TEST(Output, LinesOfThreadsAreNotMixed) {
  Printed printed;
  Sink sink(printed.descriptor());
  const auto print = [&](char letter) {
    Output output(sink, {});
    for (int i = 0; i < 200; ++i) output.received(peer, std::string(500, letter));
  };
  {
    std::jthread first(print, 'a');
    std::jthread second(print, 'b');
  }
  const auto lines = printed.lines();
  ASSERT_EQ(lines.size(), 400u);
  for (const std::string& line : lines) {
    EXPECT_TRUE(line == "Received " + std::string(500, 'a') + " from 127.0.0.1:54321" ||
                line == "Received " + std::string(500, 'b') + " from 127.0.0.1:54321");
  }
}

TEST(Output, AReaderThatIsGoneIsNoError) {
  struct sigaction ignored{}, before{};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignored, &before);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Sink sink(ends[1]);
  ::close(ends[0]);
  sink.write("lost\n");
  sink.write("lost too\n");
  ::close(ends[1]);
  sigaction(SIGPIPE, &before, nullptr);
}

TEST(Output, ASlowReaderGetsEverything) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const std::string text(1024 * 1024, 'x');
  std::string read;
  {
    std::jthread writer([&] {
      Sink(ends[1]).write(text);
      ::close(ends[1]);
    });
    fcntl(ends[0], F_SETFL, 0);
    char piece[1000];
    for (ssize_t size; (size = ::read(ends[0], piece, sizeof piece)) > 0;)
      read.append(piece, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  EXPECT_EQ(read, text);
}

}  // namespace
}  // namespace parley::cli
