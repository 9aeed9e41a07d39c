// Streams, whatever carries them: each test runs over TCP and Unix-domain sockets of the kernel's, over simulated ones,
// over a pipe in memory, and over TLS on these.
#include <parley/stream.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

enum class Way {
  kernel_ipv4,
  kernel_ipv6,
  kernel_local,
  simulated_ipv4,
  simulated_local,
  pipe,
  tls,
  tls_simulated,
  tls_pipe
};

// Two ends of one connection.
struct Ends {
  Stream a;
  Stream b;
};

class StreamTest : public testing::TestWithParam<Way> {
 protected:
  using Body = Task<> (*)(Loop& loop, Ends& ends);

  void run(Body body) {
    const bool simulated = GetParam() == Way::simulated_ipv4 || GetParam() == Way::simulated_local;
    if (simulated || GetParam() == Way::tls_simulated) {
      Simulation simulation;
      {
        Loop loop(simulation);
        run_on(loop, body);
      }
      const SimulationReport report = simulation.finish();
      EXPECT_TRUE(report.clean()) << report.to_string();
    } else {
      Loop loop;
      run_on(loop, body);
    }
  }

 private:
  void run_on(Loop& loop, Body body) { EXPECT_TRUE(succeeded(loop.run(connect_and_run(loop, address(), body)))); }

  static std::optional<Address> address() {
    switch (GetParam()) {
      case Way::kernel_ipv4:
      case Way::tls:
      case Way::tls_simulated:
      case Way::simulated_ipv4: return Address::loopback(Family::ipv4, 0);
      case Way::kernel_ipv6: return Address::loopback(Family::ipv6, 0);
      case Way::kernel_local:
      case Way::simulated_local: return *Address::local("@parley-stream-test-" + std::to_string(getpid()));
      case Way::tls_pipe:
      case Way::pipe: break;
    }
    return {};
  }

  static Task<> connect_and_run(Loop& loop, std::optional<Address> address, Body body) {
    Ends ends;
    if (address) {
      auto listener = listen(loop, *address);
      EXPECT_TRUE(succeeded(listener));
      if (!listener) co_return;
      auto a = co_await connect(loop, listener->local_address());
      EXPECT_TRUE(succeeded(a));
      if (!a) co_return;
      auto b = co_await listener->accept();
      EXPECT_TRUE(succeeded(b));
      if (!b) co_return;
      ends = Ends{std::move(*a), std::move(*b)};
    } else {
      std::tie(ends.a, ends.b) = parley::pipe(loop);
    }
    if (GetParam() == Way::tls || GetParam() == Way::tls_simulated || GetParam() == Way::tls_pipe) {
      const TlsEnds& tls = TlsEnds::get();
      Task<Secured> securing = secure(loop, std::move(ends.a), std::move(ends.b), tls.client, tls.server);
      Secured both = co_await securing;
      EXPECT_TRUE(succeeded(both.client));
      EXPECT_TRUE(succeeded(both.server));
      if (!both.client || !both.server) co_return;
      ends = Ends{std::move(*both.client), std::move(*both.server)};
    }
    co_await body(loop, ends);
  }
};

// More than the kernel takes while nobody reads (net.ipv4.tcp_wmem and tcp_rmem: 4 and 6 MiB).
constexpr std::size_t more_than_fits_bytes = 12'000'000;

std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((from + i) * 31 % 251);
  return text;
}

// Exactly so many bytes, or what came before the end.
Task<std::string> receive_exactly(Stream& from, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const auto bytes = co_await from.receive();
    if (!bytes) break;
    text += as_text(*bytes);
  }
  co_return text;
}

Task<std::string> receive_all(Stream& from) { co_return co_await receive_exactly(from, SIZE_MAX); }

Task<> send_text(Stream& to, std::string text) {
  const auto sent = co_await to.send(text);
  EXPECT_TRUE(succeeded(sent));
}

Task<> send_and_finish(Stream& to, std::string text) {
  co_await send_text(to, std::move(text));
  EXPECT_TRUE(succeeded(to.shutdown()));
}

Task<> expect_error(Stream& from, Errc code) {
  const auto bytes = co_await from.receive();
  EXPECT_TRUE(failed_with(bytes, code));
}

TEST_P(StreamTest, BytesInBothDirections) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "ping");
    const auto there = co_await receive_exactly(ends.b, 4);
    EXPECT_EQ(there, "ping");
    co_await send_text(ends.b, "pong");
    const auto back = co_await receive_exactly(ends.a, 4);
    EXPECT_EQ(back, "pong");
  });
}

TEST_P(StreamTest, AViewMayBeSentBack) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "hello");
    const auto bytes = co_await ends.b.receive();
    EXPECT_TRUE(succeeded(bytes));
    if (!bytes) co_return;
    const Bytes view = *bytes;
    const auto sent = co_await ends.b.send(view);
    EXPECT_TRUE(succeeded(sent));
    const auto back = co_await receive_exactly(ends.a, view.size());
    EXPECT_EQ(back, as_text(view));
  });
}

TEST_P(StreamTest, SmallSendsArriveInOrder) {
  run([](Loop&, Ends& ends) -> Task<> {
    std::string all;
    for (int i = 0; i < 1000; ++i) {
      const std::string text = std::to_string(i) + ",";
      all += text;
      co_await send_text(ends.a, text);
    }
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    const auto received = co_await receive_all(ends.b);
    EXPECT_EQ(received, all);
  });
}

TEST_P(StreamTest, NothingMayBeSent) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "");
    co_await send_text(ends.a, "x");
    const auto received = co_await receive_exactly(ends.b, 1);
    EXPECT_EQ(received, "x");
  });
}

TEST_P(StreamTest, MuchMoreThanFitsAnywhere) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    constexpr std::size_t size = more_than_fits_bytes;
    TaskGroup sender(loop);
    sender.spawn(send_and_finish(ends.a, pattern(size)));
    const auto received = co_await receive_all(ends.b);
    EXPECT_TRUE(received == pattern(size));
    co_await sender.join();
  });
}

TEST_P(StreamTest, MuchInBothDirectionsAtOnce) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    constexpr std::size_t size = 2'000'000;
    TaskGroup senders(loop);
    senders.spawn(send_and_finish(ends.a, pattern(size)));
    senders.spawn(send_and_finish(ends.b, pattern(size, 7)));
    const auto there = co_await receive_all(ends.b);
    const auto back = co_await receive_all(ends.a);
    EXPECT_TRUE(there == pattern(size));
    EXPECT_TRUE(back == pattern(size, 7));
    co_await senders.join();
  });
}

TEST_P(StreamTest, ReceivingIntoTheCallersBuffer) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    constexpr std::size_t size = 1'000'000;
    TaskGroup sender(loop);
    sender.spawn(send_and_finish(ends.a, pattern(size)));
    std::vector<std::byte> room(70'001);
    std::string received;
    for (bool own = true;; own = !own) {
      Result<Bytes> bytes;
      if (own) {
        bytes = co_await ends.b.receive(room);
        EXPECT_TRUE(!bytes || bytes->data() == room.data());
      } else {
        bytes = co_await ends.b.receive();
      }
      if (!bytes) break;
      EXPECT_GT(bytes->size(), 0u);
      received += as_text(*bytes);
    }
    EXPECT_TRUE(received == pattern(size));
    co_await sender.join();
  });
}

TEST_P(StreamTest, TheEndIsSaidAgainAndAgain) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_and_finish(ends.a, "last");
    const auto received = co_await receive_exactly(ends.b, 4);
    EXPECT_EQ(received, "last");
    co_await expect_error(ends.b, Errc::end);
    co_await expect_error(ends.b, Errc::end);
    std::array<std::byte, 10> room;
    const auto into = co_await ends.b.receive(room);
    EXPECT_TRUE(failed_with(into, Errc::end));
    // The other direction goes on.
    co_await send_text(ends.b, "answer");
    const auto answer = co_await receive_exactly(ends.a, 6);
    EXPECT_EQ(answer, "answer");
  });
}

TEST_P(StreamTest, NothingIsSentAfterShutdown) {
  run([](Loop&, Ends& ends) -> Task<> {
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    const auto sent = co_await ends.a.send("more");
    EXPECT_TRUE(failed_with(sent, Errc::not_connected));
  });
}

TEST_P(StreamTest, ShutdownComesAfterWhatIsQueued) {
  run([](Loop&, Ends& ends) -> Task<> {
    constexpr std::size_t size = more_than_fits_bytes;
    const std::string text = pattern(size);
    const auto sent = co_await within(1ms, ends.a.send(text));
    EXPECT_TRUE(failed_with(sent, Errc::timed_out));
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    const auto received = co_await receive_all(ends.b);
    EXPECT_TRUE(received == text);
  });
}

TEST_P(StreamTest, AClosedPeerIsTheEnd) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "bye");
    ends.a.close();
    EXPECT_FALSE(ends.a.is_open());
    const auto received = co_await receive_exactly(ends.b, 3);
    EXPECT_EQ(received, "bye");
    co_await expect_error(ends.b, Errc::end);
  });
}

TEST_P(StreamTest, AClosedStreamStillSendsWhatWasQueued) {
  run([](Loop&, Ends& ends) -> Task<> {
    const std::string text = pattern(more_than_fits_bytes);
    const auto sent = co_await within(1ms, ends.a.send(text));
    EXPECT_TRUE(failed_with(sent, Errc::timed_out));
    ends.a.close();
    const auto received = co_await receive_all(ends.b);
    EXPECT_TRUE(received == text);
    co_await expect_error(ends.b, Errc::end);
  });
}

TEST_P(StreamTest, SendingToAPeerThatIsGone) {
  run([](Loop&, Ends& ends) -> Task<> {
    ends.b.close();
    co_await expect_error(ends.a, Errc::end);
    Result<void> sent;
    for (int i = 0; i < 100 && sent; ++i) {
      sent = co_await ends.a.send("hello?");
      co_await yield();
    }
    EXPECT_TRUE(failed_with(sent, Errc::reset));
  });
}

TEST_P(StreamTest, AnAbortIsAResetForThePeer) {
  // A Unix-domain socket knows no reset: without unread bytes its peer sees the end.
  const bool local = GetParam() == Way::kernel_local || GetParam() == Way::simulated_local;
  const Body body = [](Loop&, Ends& ends) -> Task<> {
    ends.a.abort();
    const auto bytes = co_await ends.b.receive();
    EXPECT_TRUE(failed_with(bytes, Errc::reset));
    co_await expect_error(ends.b, Errc::reset);
    const auto sent = co_await ends.b.send("more");
    EXPECT_TRUE(failed_with(sent, Errc::reset));
  };
  const Body local_body = [](Loop&, Ends& ends) -> Task<> {
    ends.a.abort();
    co_await expect_error(ends.b, Errc::end);
  };
  run(local ? local_body : body);
}

TEST_P(StreamTest, ClosingWithUnreadBytesIsAReset) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "never read");
    co_await send_text(ends.b, "x");
    // When this has come, the other has too.
    const auto x = co_await receive_exactly(ends.a, 1);
    EXPECT_EQ(x, "x");
    ends.b.close();
    co_await expect_error(ends.a, Errc::reset);
  });
}

Task<> expect_already(Stream& stream) {
  const auto second = co_await stream.receive();
  EXPECT_TRUE(failed_with(second, Errc::already));
  std::array<std::byte, 10> room;
  const auto third = co_await stream.receive(room);
  EXPECT_TRUE(failed_with(third, Errc::already));
}

TEST_P(StreamTest, OneReceiveAtATime) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    TaskGroup group(loop);
    auto first = [](Stream& stream) -> Task<> {
      const auto received = co_await receive_exactly(stream, 5);
      EXPECT_EQ(received, "hello");
    };
    group.spawn(first(ends.b));
    co_await yield();
    co_await expect_already(ends.b);
    co_await send_text(ends.a, "hello");
    co_await group.join();
  });
}

TEST_P(StreamTest, AReceiveThatTimedOutHasLostNothing) {
  run([](Loop&, Ends& ends) -> Task<> {
    std::array<std::byte, 100> room;
    for (int i = 0; i < 3; ++i) {
      const auto bytes = co_await within(1ms, ends.b.receive());
      EXPECT_TRUE(failed_with(bytes, Errc::timed_out));
      const auto into = co_await within(1ms, ends.b.receive(room));
      EXPECT_TRUE(failed_with(into, Errc::timed_out));
    }
    co_await send_text(ends.a, "hello");
    const auto received = co_await receive_exactly(ends.b, 5);
    EXPECT_EQ(received, "hello");
  });
}

TEST_P(StreamTest, ASendThatTimedOutStillLeavesInOrder) {
  run([](Loop&, Ends& ends) -> Task<> {
    constexpr std::size_t size = more_than_fits_bytes;
    {
      const std::string text = pattern(size);
      const auto sent = co_await within(1ms, ends.a.send(text));
      EXPECT_TRUE(failed_with(sent, Errc::timed_out));
    }
    const auto next = co_await within(1ms, ends.a.send("next"));
    EXPECT_TRUE(next || next.error() == Errc::timed_out);
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    const auto received = co_await receive_all(ends.b);
    EXPECT_TRUE(received == pattern(size) + "next");
  });
}

TEST_P(StreamTest, SeveralSendersTakeTurns) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    constexpr std::size_t size = 1'000'000;
    TaskGroup senders(loop);
    for (const char c : {'a', 'b', 'c'}) senders.spawn(send_text(ends.a, std::string(size, c)));
    const auto received = co_await receive_exactly(ends.b, 3 * size);
    EXPECT_TRUE(received == std::string(size, 'a') + std::string(size, 'b') + std::string(size, 'c'));
    co_await senders.join();
  });
}

TEST_P(StreamTest, SendersThatWaitAreToldWhenThePeerGoes) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    TaskGroup senders(loop);
    auto send_much = [](Stream& to) -> Task<> {
      const std::string text = pattern(more_than_fits_bytes);
      const auto sent = co_await to.send(text);
      EXPECT_TRUE(failed_with(sent, Errc::reset));
    };
    senders.spawn(send_much(ends.a));
    senders.spawn(send_much(ends.a));
    const auto some = co_await ends.b.receive();
    EXPECT_TRUE(succeeded(some));
    ends.b.close();
    co_await senders.join();
  });
}

// What has arrived is received; more is not waited for.
Task<> receive_what_has_come(Stream& from, std::string& received, Event& waits) {
  waits.set();
  for (;;) {
    const auto bytes = co_await from.receive();
    if (!bytes) {
      EXPECT_TRUE(failed_with(bytes, Errc::cancelled));
      co_return;
    }
    received += as_text(*bytes);
  }
}

TEST_P(StreamTest, StopReceivingEndsTheWaitForMore) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    std::string received;
    Event waits;
    TaskGroup group(loop);
    group.spawn(receive_what_has_come(ends.b, received, waits));
    (void)co_await waits.wait();
    group.stop(Stop::receiving);
    co_await group.join();
    EXPECT_EQ(received, "");
    // And the stream is as good as before.
    co_await send_text(ends.a, "hello");
    const auto hello = co_await receive_exactly(ends.b, 5);
    EXPECT_EQ(hello, "hello");
  });
}

TEST_P(StreamTest, StopReceivingStillGivesWhatHasArrived) {
  run([](Loop& loop, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "hello");
    co_await send_text(ends.b, "x");
    const auto x = co_await receive_exactly(ends.a, 1);  // when this has come, the other has too
    EXPECT_EQ(x, "x");
    std::string received;
    Event unused;
    TaskGroup group(loop);
    group.stop(Stop::receiving);
    group.spawn(receive_what_has_come(ends.b, received, unused));
    co_await group.join();
    EXPECT_EQ(received, "hello");
  });
}

TEST_P(StreamTest, ClosedStreams) {
  run([](Loop&, Ends& ends) -> Task<> {
    ends.a.close();
    ends.a.close();
    ends.a.abort();
    co_await expect_error(ends.a, Errc::closed);
    const auto sent = co_await ends.a.send("x");
    EXPECT_TRUE(failed_with(sent, Errc::closed));
    std::array<std::byte, 10> room;
    const auto into = co_await ends.a.receive(room);
    EXPECT_TRUE(failed_with(into, Errc::closed));
    EXPECT_TRUE(failed_with(ends.a.shutdown(), Errc::closed));
    EXPECT_EQ(ends.a.local_address().family(), Family::none);
    EXPECT_EQ(ends.a.peer_address().family(), Family::none);
  });
}

TEST_P(StreamTest, BothEndsKnowTheAddresses) {
  run([](Loop&, Ends& ends) -> Task<> {
    EXPECT_EQ(ends.a.peer_address(), ends.b.local_address());
    EXPECT_EQ(ends.b.peer_address(), ends.a.local_address());
    co_return;
  });
}

TEST_P(StreamTest, AStreamMoves) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "hello");
    Stream moved = std::move(ends.b);
    EXPECT_FALSE(ends.b.is_open());
    const auto received = co_await receive_exactly(moved, 5);
    EXPECT_EQ(received, "hello");
  });
}

std::string way_name(const testing::TestParamInfo<Way>& info) {
  constexpr const char* names[] = {"KernelIpv4", "KernelIpv6", "KernelLocal",  "SimulatedIpv4", "SimulatedLocal",
                                   "Pipe",       "Tls",        "TlsSimulated", "TlsPipe"};
  return names[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Each, StreamTest,
                         testing::Values(Way::kernel_ipv4, Way::kernel_ipv6, Way::kernel_local, Way::simulated_ipv4,
                                         Way::simulated_local, Way::pipe, Way::tls, Way::tls_simulated, Way::tls_pipe),
                         way_name);

}  // namespace
}  // namespace parley
