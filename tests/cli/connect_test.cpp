#include "cli/connect.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/socket.h>

#include "cli/printed.h"

namespace parley::cli {
namespace {

using testing::ElementsAre;

// Standard input with `text` to read, for as long as it exists.
class Typed {
 public:
  explicit Typed(std::string_view text) : before_(dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), std::ssize(text));
    ::close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }
  ~Typed() {
    dup2(before_, STDIN_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

struct Client {
  explicit Client(const std::string& url) { command.endpoint = *Endpoint::parse(url); }
  ExitCode run() { return run_connect(command, sink, log); }

  ConnectCommand command;
  Printed printed;
  Sink sink{printed.descriptor()};
  Log log{false};
};

TEST(Connect, PrintsWhatTheServerAnswers) {
  auto server = Socket::open(Kind::tcp);
  ASSERT_TRUE(server->bind(Address::loopback(Family::ipv4, 0)));
  ASSERT_TRUE(server->listen());
  const std::string address = server->local_address()->to_string();
  std::string received;
  std::jthread answering([&] {
    auto accepted = server->accept();
    std::array<std::byte, 100> buffer;
    while (auto bytes = accepted->socket.receive(buffer)) {
      received += as_text(*bytes);
      (void)accepted->socket.send_all("yes");
    }
  });
  Typed typed("one\ntwo");
  Client client("tcp://" + address);
  EXPECT_EQ(client.run(), ExitCode::ended);
  answering.join();
  EXPECT_EQ(received, "onetwo");
  EXPECT_THAT(client.printed.lines(),
              ElementsAre("Connected to " + address, "Received yes from server", "Received yes from server"));
}

TEST(Connect, NobodyThereIsAnError) {
  auto holder = Socket::open(Kind::tcp);
  ASSERT_TRUE(holder->bind(Address::loopback(Family::ipv4, 0)));
  const std::string url = "tcp://" + holder->local_address()->to_string();
  Client client(url);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.run(), ExitCode::failed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "parley: " + url + ": connection refused\n");
  EXPECT_EQ(client.printed.text(), "");
}

}  // namespace
}  // namespace parley::cli
