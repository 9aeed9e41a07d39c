// How streams end.
#include "transport/streams.h"

namespace parley::streams {
namespace {

class StreamEnds : public StreamTest {};

TEST_P(StreamEnds, TheEndIsSaidAgainAndAgain) {
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

TEST_P(StreamEnds, NothingIsSentAfterShutdown) {
  run([](Loop&, Ends& ends) -> Task<> {
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    EXPECT_TRUE(succeeded(ends.a.shutdown()));
    const auto sent = co_await ends.a.send("more");
    EXPECT_TRUE(failed_with(sent, Errc::not_connected));
  });
}

TEST_P(StreamEnds, ShutdownComesAfterWhatIsQueued) {
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

TEST_P(StreamEnds, AClosedPeerIsTheEnd) {
  run([](Loop&, Ends& ends) -> Task<> {
    co_await send_text(ends.a, "bye");
    ends.a.close();
    EXPECT_FALSE(ends.a.is_open());
    const auto received = co_await receive_exactly(ends.b, 3);
    EXPECT_EQ(received, "bye");
    co_await expect_error(ends.b, Errc::end);
  });
}

TEST_P(StreamEnds, AClosedStreamStillSendsWhatWasQueued) {
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

TEST_P(StreamEnds, SendingToAPeerThatIsGone) {
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

TEST_P(StreamEnds, AnAbortIsAResetForThePeer) {
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

TEST_P(StreamEnds, ClosingWithUnreadBytesIsAReset) {
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

INSTANTIATE_TEST_SUITE_P(Each, StreamEnds, every_way, way_name);

}  // namespace
}  // namespace parley::streams
