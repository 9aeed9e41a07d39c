// Loop::run() returned while a closed stream still had bytes queued, and the Loop's destructor then reset it: the tail
// of the last answer was lost.
#include <gtest/gtest.h>
#include <parley/parley.h>

#include <cstddef>
#include <thread>
#include <vector>

namespace parley {
namespace {

constexpr std::size_t sent_bytes = 8 * 1024 * 1024;  // more than the kernel takes without a reader

Task<Result<void>> send_and_leave(Listener& listener) {
  Result<Stream> peer = co_await listener.accept();
  if (!peer) co_return std::unexpected(peer.error());
  const std::vector<std::byte> bytes(sent_bytes);
  const Result<void> sent = co_await within(std::chrono::nanoseconds(1), peer->send(Bytes(bytes)));
  if (!sent && sent.error() != Errc::timed_out) co_return sent;
  co_return {};
}

TEST(LoopEnded, BeforeAClosedStreamHadSentAll) {
  Socket client = *Socket::open(Kind::tcp);
  std::size_t received = 0;
  std::jthread reader;
  {
    Loop loop;
    Listener listener = *listen(loop, "tcp://127.0.0.1:0");
    ASSERT_TRUE(client.connect(listener.local_address()));
    reader = std::jthread([&] {
      std::vector<std::byte> buffer(64 * 1024);
      while (auto bytes = client.receive(buffer)) received += bytes->size();
    });
    ASSERT_TRUE(loop.run(send_and_leave(listener)));
  }
  reader.join();
  EXPECT_EQ(received, sent_bytes);
}

}  // namespace
}  // namespace parley
