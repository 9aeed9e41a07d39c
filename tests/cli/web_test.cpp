#include "cli/web.h"

#include <string>

#include <gtest/gtest.h>

#include <parley/listener.h>
#include <parley/simulation.h>
#include <parley/ws.h>

#include "cli/console.h"
#include "cli/printed.h"
#include "cli/worker.h"

namespace parley::cli {
namespace {

// A server of one thread at ws:// or any://, over a simulation; a client's whole life beside it.
void serve_beside(const ServeCommand& command, Speech speech, Task<> (*client)(Loop& loop, Address server),
                  std::vector<std::string>& lines) {
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  Simulation simulation;
  {
    Loop loop(simulation);
    Server server(command, {}, sink, log);
    server.workers.push_back(std::make_unique<Worker>(server, loop, 0));
    Worker& worker = *server.workers.front();
    auto listener = listen(loop, "tcp://127.0.0.1:9000");
    ASSERT_TRUE(listener);
    Entrance& entrance = worker.entrances.emplace_back(std::move(*listener), Protocol::tcp, speech, "ws://127.0.0.1");
    entrance.acceptor = make_acceptor(loop, command, speech == Speech::any);
    entrance.door.loop = &loop;
    const auto all = [](Worker& of, Task<> (*task)(Loop&, Address)) -> Task<> {
      of.acceptors.spawn(accept_all(of, of.entrances.front()));
      Task<> talking = task(of.loop, of.entrances.front().listener.local_address());
      co_await talking;
      of.acceptors.stop(Stop::receiving);
      (void)co_await of.acceptors.join();
      of.stopping = true;
      of.conversations.stop(Stop::receiving);
      (void)co_await of.conversations.join();
      (void)co_await of.leaving.join();
      (void)co_await of.background.join();
      of.output.flush();
      of.entrances.clear();
    };
    EXPECT_TRUE(loop.run(all(worker, client)));
  }
  EXPECT_TRUE(simulation.finish().clean()) << simulation.finish().to_string();
  lines = printed.lines();
}

Task<> ask_twice(Loop& loop, Address) {
  auto session = co_await ws::connect(loop, "ws://127.0.0.1:9000/", {.deflate = true});
  EXPECT_TRUE(session);
  if (!session) co_return;
  EXPECT_TRUE(session->compresses());
  co_await session->send("a,b");
  for (int i = 0; i < 2; ++i) {
    auto answer = co_await session->receive();
    EXPECT_TRUE(answer && answer->text() == "Echo from server");
  }
}

TEST(Web, ReplyAnswersEachParameterOverWebSocket) {
  for (const Speech speech : {Speech::any, Speech::websocket}) {
    std::vector<std::string> lines;
    serve_beside({}, speech, ask_twice, lines);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_TRUE(lines[0].starts_with("Connected by "));
    EXPECT_TRUE(lines[1].starts_with("Received a from ")) << lines[1];
    EXPECT_TRUE(lines[2].starts_with("Received b from ")) << lines[2];
    EXPECT_TRUE(lines[3].ends_with(" disconnected")) << lines[3];
  }
}

Task<> ask_for_an_echo(Loop& loop, Address) {
  auto session = co_await ws::connect(loop, "ws://127.0.0.1:9000/");
  EXPECT_TRUE(session);
  if (!session) co_return;
  const std::string bytes("\0\1\2", 3);
  co_await session->send(ws::Message(as_bytes(bytes)));
  auto answer = co_await session->receive();
  EXPECT_TRUE(answer && !answer->is_text() && as_text(answer->bytes()) == bytes);
}

TEST(Web, EchoKeepsTheKind) {
  ServeCommand command;
  command.service = Echo{};
  std::vector<std::string> lines;
  serve_beside(command, Speech::any, ask_for_an_echo, lines);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[1].starts_with("Received \\x00\\x01\\x02 from ")) << lines[1];
}

TEST(Web, ThePageAsksNobodyForAnything) {
  const std::string_view page = console_page();
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_EQ(page.find("@style@"), page.npos);
  EXPECT_EQ(page.find("@script@"), page.npos);
  EXPECT_EQ(page.find("src="), page.npos);
  EXPECT_EQ(page.find("http://"), page.npos);
  EXPECT_EQ(page.find("innerHTML"), page.npos);
}

}  // namespace
}  // namespace parley::cli
