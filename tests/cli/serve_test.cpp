#include "cli/serve.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <parley/socket.h>

#include "cli/folder.h"
#include "cli/printed.h"

namespace parley::cli {
namespace {

// Asks a server that may not be there yet; then tells this process to stop it. The signal is blocked in this thread.
void ask_and_stop(Socket& client, const std::string& path, std::string& answer) {
  const Address address = *Address::local(path);
  while (!client.connect(address)) std::this_thread::yield();
  EXPECT_TRUE(client.send_all("a,b"));
  std::array<std::byte, 100> buffer;
  while (answer.size() < 32) {
    auto bytes = client.receive(buffer);
    if (!bytes) break;
    answer += as_text(*bytes);
  }
  kill(getpid(), SIGTERM);
}

class Serve : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Threads, Serve, testing::Values(1u, 2u));

TEST_P(Serve, AnswersUntilASignalComes) {
  Folder folder;
  const std::string path = folder / "x.sock";
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  ServeCommand command;
  command.listen = {*Place::parse("unix:" + path), *Place::parse("tcp://127.0.0.1:0")};
  command.threads = GetParam();
  std::string answer;
  Socket client = *Socket::open(Kind::local_stream);
  std::jthread asking([&] { ask_and_stop(client, path, answer); });
  EXPECT_EQ(run_serve(command, sink, log), ExitCode::ended);
  asking.join();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  EXPECT_EQ(answer, "Echo from serverEcho from server");
  const auto lines = printed.lines();
  ASSERT_EQ(lines.size(), 7u);
  const std::string name = "unix:" + path + "#1";
  EXPECT_EQ(lines[0], "Bound to unix:" + path);
  EXPECT_TRUE(lines[1].starts_with("Bound to tcp://127.0.0.1:")) << lines[1];
  EXPECT_EQ(lines[2], "Connected by " + name);
  EXPECT_EQ(lines[3], "Received a from " + name);
  EXPECT_EQ(lines[4], "Received b from " + name);
  EXPECT_EQ(std::vector(lines.end() - 2, lines.end()), std::vector<std::string>({"Stopping", name + " disconnected"}));
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(Serve, WhatCanNotBeHadIsAnError) {
  Printed printed;
  Sink sink(printed.descriptor());
  Log log(false);
  ServeCommand command;
  command.listen = {*Place::parse("unix:/nowhere/at/all/x.sock")};
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_serve(command, sink, log), ExitCode::failed);
  const std::string complaint = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(complaint.starts_with("parley: unix:/nowhere/at/all/x.sock: ")) << complaint;
  EXPECT_EQ(printed.text(), "");
}

}  // namespace
}  // namespace parley::cli
