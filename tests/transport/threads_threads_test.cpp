#include <parley/threads.h>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <parley/connect.h>
#include <parley/event.h>
#include "results.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

struct Seen {
  explicit Seen(unsigned count) : all_run(count) {}
  std::latch all_run;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::set<unsigned> indices;
  std::vector<Errc> ends;
};

Task<Result<void>> wait_for_stop(Loop&, unsigned index, Seen& seen) {
  {
    std::lock_guard lock(seen.mutex);
    seen.threads.insert(std::this_thread::get_id());
    seen.indices.insert(index);
  }
  seen.all_run.count_down();
  Result<void> slept = co_await sleep_for(1h);
  std::lock_guard lock(seen.mutex);
  seen.ends.push_back(slept ? Errc::none : slept.error().code);
  co_return slept;
}

TEST(Threads, each_loop_has_a_thread_and_the_caller_runs_the_first) {
  Threads threads(3);
  Seen seen(3);
  std::jthread stopper([&] {
    seen.all_run.wait();
    threads.stop();
  });
  EXPECT_TRUE(succeeded(threads.run(wait_for_stop, seen)));
  EXPECT_EQ(seen.threads.size(), 3u);
  EXPECT_TRUE(seen.threads.contains(std::this_thread::get_id()));
  EXPECT_EQ(seen.indices, (std::set<unsigned>{0, 1, 2}));
  EXPECT_EQ(seen.ends, std::vector(3, Errc::cancelled));
}

TEST(Threads, stopped_before_it_runs_it_ends_at_once) {
  Threads threads(2);
  Seen seen(2);
  threads.stop();
  EXPECT_TRUE(succeeded(threads.run(wait_for_stop, seen)));
  EXPECT_EQ(seen.ends, std::vector(2, Errc::cancelled));
}

TEST(Threads, the_first_error_stops_the_others_and_is_the_outcome) {
  for (unsigned culprit = 0; culprit < 3; ++culprit) {
    struct State {
      unsigned culprit;
      Seen seen{3};
    } state{.culprit = culprit};
    Threads threads(3);
    const auto outcome = threads.run(
        +[](Loop& loop, unsigned index, State& shared) -> Task<Result<void>> {
          if (index != shared.culprit) return wait_for_stop(loop, index, shared.seen);
          return []() -> Task<Result<void>> { co_return fail(Errc::address_in_use); }();
        },
        state);
    EXPECT_TRUE(failed_with(outcome, Errc::address_in_use));
    EXPECT_EQ(state.seen.ends, std::vector(2, Errc::cancelled));
  }
}

TEST(Threads, the_first_exception_stops_the_others_and_is_thrown) {
  for (unsigned culprit = 0; culprit < 2; ++culprit) {
    struct State {
      unsigned culprit;
      Seen seen{2};
    } state{.culprit = culprit};
    Threads threads(2);
    EXPECT_THROW((void)threads.run(
                     +[](Loop& loop, unsigned index, State& shared) -> Task<Result<void>> {
                       if (index == shared.culprit) co_await yield();
                       if (index == shared.culprit) throw std::runtime_error("thrown by a test");
                       Task<Result<void>> waiting = wait_for_stop(loop, index, shared.seen);
                       co_return co_await waiting;
                     },
                     state),
                 std::runtime_error);
    EXPECT_EQ(state.seen.ends, std::vector(1, Errc::cancelled));
  }
}

TEST(Threads, that_one_ends_well_stops_nobody) {
  Threads threads(2);
  const auto outcome = threads.run(+[](Loop&, unsigned index) -> Task<Result<void>> {
    if (index == 0) co_return Result<void>();
    co_await sleep_for(1ms);
    co_return fail(Errc::refused);
  });
  EXPECT_TRUE(failed_with(outcome, Errc::refused));
}

TEST(Threads, signals_are_for_the_thread_of_the_caller) {
  Threads threads(2);
  std::array<bool, 2> blocked{};
  const auto outcome = threads.run(
      +[](Loop&, unsigned index, std::array<bool, 2>& out) -> Task<Result<void>> {
        sigset_t now{};
        pthread_sigmask(SIG_BLOCK, nullptr, &now);
        out[index] = sigismember(&now, SIGTERM);
        co_return Result<void>();
      },
      blocked);
  EXPECT_TRUE(succeeded(outcome));
  EXPECT_EQ(blocked, (std::array{false, true}));
}

// ---- One port

TEST(Threads, nobody_else_takes_part_in_their_port) {
  Threads threads(2);
  auto listeners = listen(threads, "tcp://127.0.0.1:0");
  auto sockets = bind_udp(threads, "udp://127.0.0.1:0");
  ASSERT_TRUE(succeeded(listeners));
  ASSERT_TRUE(succeeded(sockets));
  ASSERT_EQ(listeners->size(), 2u);
  ASSERT_EQ(sockets->size(), 2u);
  EXPECT_EQ((*listeners)[0].local_address(), (*listeners)[1].local_address());
  EXPECT_EQ((*sockets)[0].local_address(), (*sockets)[1].local_address());

  const std::string tcp = "tcp://" + (*listeners)[0].local_address().to_string();
  const std::string udp = "udp://" + (*sockets)[0].local_address().to_string();
  Threads others(2);
  Threads single(1);
  EXPECT_TRUE(failed_with(listen(others, tcp), Errc::address_in_use));
  EXPECT_TRUE(failed_with(listen(single, tcp), Errc::address_in_use));
  EXPECT_TRUE(failed_with(bind_udp(others, udp), Errc::address_in_use));
  EXPECT_TRUE(failed_with(bind_udp(single, udp), Errc::address_in_use));
}

TEST(Threads, of_a_range_they_take_a_port_that_nobody_shares) {
  Threads threads(2);
  auto taken = listen(threads, "tcp://127.0.0.1:0");
  ASSERT_TRUE(succeeded(taken));
  const unsigned port = taken->front().local_address().port();
  if (port > 65000) GTEST_SKIP() << "no ports after " << port;
  Threads others(2);
  auto next = listen(others, "tcp://127.0.0.1:" + std::to_string(port) + '-' + std::to_string(port + 500));
  ASSERT_TRUE(succeeded(next));
  EXPECT_GT(next->front().local_address().port(), port);
  EXPECT_EQ(next->front().local_address(), next->back().local_address());
}

TEST(Threads, a_path_is_for_one_loop) {
  const std::string url = "unix:@parley-threads-test-" + std::to_string(getpid());
  Threads two(2);
  EXPECT_TRUE(failed_with(listen(two, url), Errc::invalid_argument));
  Threads one(1);
  EXPECT_TRUE(succeeded(listen(one, url)));
  EXPECT_TRUE(failed_with(listen(one, "nonsense"), Errc::invalid_address));
  EXPECT_TRUE(failed_with(bind_udp(one, "nonsense"), Errc::invalid_address));
}

Task<> echo(Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    if (!co_await peer.send(*bytes)) co_return;
  }
}

struct Server {
  std::vector<Listener> listeners;
  std::vector<UdpSocket> sockets;
};

Task<> echo_datagrams(UdpSocket& socket) {
  while (auto datagram = co_await socket.receive()) co_await socket.send(datagram->bytes, datagram->from);
}

Task<Result<void>> run_server(Loop& loop, unsigned index, Server& server) {
  TaskGroup group(loop);
  group.spawn(echo_datagrams(server.sockets[index]));
  Result<void> served = co_await serve(loop, std::move(server.listeners[index]), echo);
  group.stop();
  co_await group.join();
  co_return served;
}

Task<Result<void>> talk(Loop& loop, Address stream_address, Address datagram_address) {
  for (int i = 0; i < 50; ++i) {
    const std::string text = std::to_string(i);
    Result<Stream> stream = co_await connect(loop, stream_address);
    if (!stream) co_return std::unexpected(stream.error());
    if (auto sent = co_await stream->send(text); !sent) co_return sent;
    auto answer = co_await stream->receive();
    EXPECT_TRUE(answer && as_text(*answer) == text);

    Result<UdpSocket> socket = UdpSocket::connect(loop, datagram_address);
    if (!socket) co_return std::unexpected(socket.error());
    if (auto sent = co_await socket->send(text); !sent) co_return sent;
    auto datagram = co_await socket->receive();
    EXPECT_TRUE(datagram && as_text(datagram->bytes) == text);
  }
  co_return Result<void>();
}

TEST(Threads, several_loops_serve_one_port) {
  Threads threads(3);
  auto listeners = listen(threads, "tcp://127.0.0.1:0");
  auto sockets = bind_udp(threads, "udp://127.0.0.1:0");
  ASSERT_TRUE(succeeded(listeners));
  ASSERT_TRUE(succeeded(sockets));
  const Address stream_address = listeners->front().local_address();
  const Address datagram_address = sockets->front().local_address();
  Server server{std::move(*listeners), std::move(*sockets)};
  std::jthread client([&] {
    Loop loop;
    EXPECT_TRUE(succeeded(loop.run(talk(loop, stream_address, datagram_address))));
    threads.stop();
  });
  EXPECT_TRUE(succeeded(threads.run(run_server, server)));
  client.join();
  server.sockets.clear();
}

}  // namespace
}  // namespace parley
