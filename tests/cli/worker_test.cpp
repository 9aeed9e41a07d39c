#include "cli/worker.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/simulation.h>

#include "cli/printed.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;

// One thread of a server, over the kernel or a simulation, without its program.
struct Fixture {
  explicit Fixture(ServeCommand what, std::optional<SimulationOptions> simulated = std::nullopt)
      : command(std::move(what)) {
    if (simulated) simulation.emplace(*simulated);
    loop = simulation ? std::make_unique<Loop>(*simulation) : std::make_unique<Loop>();
    server = std::make_unique<Server>(command, tls::Server(), sink, log);
    server->workers.push_back(std::make_unique<Worker>(*server, *loop, 0));
  }

  Worker& worker() { return *server->workers.front(); }

  Address listen_tcp() {
    auto listener = listen(*loop, "tcp://127.0.0.1:0");
    const Address address = listener->local_address();
    Entrance& entrance =
        worker().entrances.emplace_back(std::move(*listener), Protocol::tcp, Speech::raw, "tcp://127.0.0.1:0");
    entrance.door.loop = loop.get();
    worker().acceptors.spawn(accept_all(worker(), entrance));
    return address;
  }

  Address listen_udp() {
    auto socket = UdpSocket::bind(*loop, "udp://127.0.0.1:0");
    const Address address = socket->local_address();
    Datagrams& datagrams = worker().datagrams.emplace_back(std::move(*socket), "udp://127.0.0.1:0");
    worker().acceptors.spawn(serve_datagrams(worker(), datagrams));
    return address;
  }

  // Runs `clients` and then stops the server.
  void run(Task<> (*clients)(Fixture&)) {
    auto all = [](Fixture& fixture, Task<> (*first)(Fixture&)) -> Task<> {
      Task<> talking = first(fixture);
      co_await talking;
      Worker& worker = fixture.worker();
      worker.acceptors.stop(Stop::receiving);
      (void)co_await worker.acceptors.join();
      worker.stopping = true;
      worker.conversations.stop(Stop::receiving);
      (void)co_await worker.conversations.join();
      (void)co_await worker.leaving.join();
      (void)co_await worker.background.join();
      worker.output.flush();
      worker.entrances.clear();
      worker.datagrams.clear();
    };
    EXPECT_TRUE(loop->run(all(*this, clients)));
  }

  ServeCommand command;
  Printed printed;
  Sink sink{printed.descriptor()};
  Log log{false};
  std::optional<Simulation> simulation;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Server> server;
};

Task<std::string> receive_exactly(Stream& stream, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    auto bytes = co_await stream.receive();
    if (!bytes) break;
    all += as_text(*bytes);
  }
  co_return all;
}

Task<std::string> ask(Fixture& fixture, Address address, std::string message, std::size_t size) {
  Task<Result<Stream>> connecting = parley::connect(*fixture.loop, address);
  auto stream = co_await connecting;
  if (!stream) co_return "not connected";
  (void)co_await stream->send(message);
  Task<std::string> receiving = receive_exactly(*stream, size);
  std::string answer = co_await receiving;
  co_return answer;
}

class Workers : public testing::TestWithParam<bool> {
 protected:
  static std::optional<SimulationOptions> simulated() {
    return GetParam() ? std::optional<SimulationOptions>(SimulationOptions{}) : std::nullopt;
  }
};

INSTANTIATE_TEST_SUITE_P(Drivers, Workers, testing::Values(false, true),
                         [](const auto& driver) { return driver.param ? "sim" : "epoll"; });

TEST_P(Workers, ReplyAnswersEachParameter) {
  Fixture fixture({}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    Task<std::string> asking = ask(with, with.listen_tcp(), "a,b", 32);
    const std::string answer = co_await asking;
    EXPECT_EQ(answer, "Echo from serverEcho from server");
  });
  const auto lines = fixture.printed.lines();
  ASSERT_EQ(lines.size(), 4u);
  const std::string name = lines[0].substr(std::string("Connected by ").size());
  EXPECT_THAT(lines, ElementsAre("Connected by " + name, "Received a from " + name, "Received b from " + name,
                                 name + " disconnected"));
}

TEST_P(Workers, EchoSendsTheSameBack) {
  Fixture fixture({.service = Echo{}}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    const std::string message = "a,\xff" + std::string(10'000, 'x');
    Task<std::string> asking = ask(with, with.listen_tcp(), message, message.size());
    const std::string answer = co_await asking;
    EXPECT_EQ(answer, message);
  });
}

TEST_P(Workers, DatagramsAreAnsweredOneByOne) {
  Fixture fixture({}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    auto socket = UdpSocket::connect(*with.loop, with.listen_udp());
    EXPECT_TRUE(socket);
    (void)co_await socket->send("");
    (void)co_await socket->send("a,b");
    for (int i = 0; i < 2; ++i) {
      auto datagram = co_await socket->receive();
      EXPECT_TRUE(datagram);
      EXPECT_EQ(datagram ? as_text(datagram->bytes) : "", "Echo from server");
    }
    const std::string name = socket->local_address().to_string();
    with.worker().output.flush();
    EXPECT_THAT(with.printed.lines(), ElementsAre("Received a from " + name, "Received b from " + name));
  });
}

TEST_P(Workers, ASilentConnectionIsClosed) {
  Fixture fixture({.json = true, .idle = 50ms}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    Task<Result<Stream>> connecting = parley::connect(*with.loop, with.listen_tcp());
    auto stream = co_await connecting;
    const auto before = with.loop->now();
    auto nothing = co_await stream->receive();
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.error(), Errc::end);
    EXPECT_GE(with.loop->now() - before, 40ms);
    with.worker().output.flush();
    EXPECT_THAT(with.printed.lines(), Contains(testing::HasSubstr("\"reason\":\"idle\"")));
  });
}

TEST_P(Workers, OneTooManyWaitsUntilAnotherLeaves) {
  Fixture fixture({.json = true, .connections_max = 1}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    const Address address = with.listen_tcp();
    Task<Result<Stream>> connecting = parley::connect(*with.loop, address);
    auto first = co_await connecting;
    (void)co_await first->send("a");
    Task<std::string> answering = receive_exactly(*first, 16);
    const std::string answer = co_await answering;
    EXPECT_EQ(answer, "Echo from server");

    Task<Result<Stream>> connecting_too = parley::connect(*with.loop, address);
    auto second = co_await connecting_too;  // into the backlog
    (void)co_await second->send("b");
    auto nothing = co_await within(50ms, second->receive());
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.error(), Errc::timed_out);

    first->close();
    Task<std::string> answering_too = receive_exactly(*second, 16);
    const std::string answer_too = co_await answering_too;
    EXPECT_EQ(answer_too, "Echo from server");
    with.worker().output.flush();
    EXPECT_THAT(with.printed.lines(), Contains(R"({"event":"paused","reason":"max_connections"})"));
    EXPECT_THAT(with.printed.lines(), Contains(R"({"event":"resumed"})"));
  });
}

TEST_P(Workers, ABusyConnectionIsFinishedAfterTheServerWasToldToStop) {
  Fixture fixture({.service = Reply{std::string(100'000, 'x'), ","}, .json = true}, simulated());
  fixture.run([](Fixture& with) -> Task<> {
    Task<Result<Stream>> connecting = parley::connect(*with.loop, with.listen_tcp());
    auto stream = co_await connecting;
    (void)co_await stream->send(std::string(99, ','));  // 10 MB of answers
    auto first = co_await stream->receive();
    std::size_t size = first ? first->size() : 0;
    with.worker().stopping = true;
    with.worker().conversations.stop(Stop::receiving);
    for (;;) {
      auto bytes = co_await stream->receive();
      if (!bytes) {
        EXPECT_EQ(bytes.error(), Errc::end);  // and not a reset
        break;
      }
      size += bytes->size();
    }
    EXPECT_EQ(size, 100u * 100'000);
    stream->close();
    (void)co_await with.worker().conversations.join();
    (void)co_await with.worker().leaving.join();
    with.worker().output.flush();
    EXPECT_THAT(with.printed.lines().back(), testing::HasSubstr("\"reason\":\"stopping\""));
  });
}

// Whatever the network does that a correct program never notices, each client gets its answers.
TEST(WorkersBySeed, EveryClientGetsItsAnswers) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Fixture fixture({}, SimulationOptions::harmless(seed));
    fixture.run([](Fixture& with) -> Task<> {
      const Address address = with.listen_tcp();
      TaskGroup clients(*with.loop);
      auto client = [](Fixture& to, Address where) -> Task<> {
        Task<Result<Stream>> connecting = parley::connect(*to.loop, where);
        auto stream = co_await connecting;
        EXPECT_TRUE(stream);
        if (!stream) co_return;
        for (int i = 0; i < 5; ++i) {
          (void)co_await stream->send("a");
          Task<std::string> receiving = receive_exactly(*stream, 16);
          const std::string answer = co_await receiving;
          EXPECT_EQ(answer, "Echo from server");
        }
      };
      for (int i = 0; i < 10; ++i) clients.spawn(client(with, address));
      (void)co_await clients.join();
    });
    EXPECT_EQ(fixture.worker().connections, 10u);
    EXPECT_EQ(fixture.worker().messages, 50u);
    fixture.server.reset();
    fixture.loop.reset();
    const SimulationReport report = fixture.simulation->finish();
    EXPECT_TRUE(report.clean()) << report.to_string();
  }
}

}  // namespace
}  // namespace parley::cli
