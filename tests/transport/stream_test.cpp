// What a stream carries, and who may wait for it.
#include "transport/streams.h"

namespace parley::streams {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Each, StreamTest, every_way, way_name);

}  // namespace
}  // namespace parley::streams
