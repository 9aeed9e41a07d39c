// Peers that are fast enough to keep a task busy for ever.
#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<> send_for_ever(Stream& stream, std::size_t size, Result<void>& outcome) {
  const std::string text = letters(size);
  while ((outcome = co_await stream.send(text))) continue;
}

TEST(KernelStreamThreads, a_task_that_only_sends_leaves_others_their_turn_and_can_be_stopped) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{8192}}) {
    Loop loop;
    std::jthread reader;
    auto main = [](Loop& on, std::jthread& thread, std::size_t bytes) -> Task<> {
      Ends ends = co_await connected(on);
      thread = std::jthread([peer = std::move(ends.peer)]() mutable {
        std::vector<std::byte> buffer(1 << 20);
        while (peer.receive(buffer)) continue;
      });
      Result<void> outcome;
      TaskGroup group(on);
      group.spawn(send_for_ever(ends.stream, bytes, outcome));
      co_await sleep_for(3ms);
      group.stop();
      co_await group.join();
      EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
    };
    ASSERT_TRUE(loop.run(main(loop, reader, size)));
  }
}

Task<> echo(Stream& stream, Result<void>& outcome) {
  for (;;) {
    auto bytes = co_await stream.receive();
    if (!bytes) {
      outcome = std::unexpected(bytes.error());
      co_return;
    }
    outcome = co_await stream.send(*bytes);
    if (!outcome) co_return;
  }
}

// Asked to finish what has arrived, it may find more each time it looks.
TEST(KernelStreamThreads, a_peer_that_never_ceases_to_send_does_not_keep_a_draining_loop) {
  Loop loop;
  std::atomic<bool> over = false;
  std::jthread peer_thread;  // which looks at it: ends before
  auto main = [](Loop& on, std::jthread& thread, std::atomic<bool>& stop) -> Task<> {
    Ends ends = co_await connected(on);
    thread = std::jthread([peer = std::move(ends.peer), &stop]() mutable {
      const std::string text = letters(1000);
      std::vector<std::byte> buffer(1 << 16);
      while (!stop && peer.send_all(text) && peer.receive(buffer)) continue;
    });
    Result<void> outcome;
    TaskGroup group(on);
    group.spawn(echo(ends.stream, outcome));
    co_await sleep_for(1ms);
    group.stop(Stop::receiving);
    co_await sleep_for(3ms);
    group.stop(Stop::all);
    co_await group.join();
    EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
    stop = true;
  };
  ASSERT_TRUE(loop.run(main(loop, peer_thread, over)));
}

}  // namespace
}  // namespace parley
