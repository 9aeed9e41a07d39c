// Connecting to an address: success, refusal, giving up.
#include <parley/stream.h>

#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "results.h"
#include "transport/loopback.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

class Connecting : public testing::Test {
 protected:
  void run(Task<> (*test)(Loop&)) {
    const std::size_t before = open_descriptors();
    EXPECT_TRUE(loop_.run(test(loop_)));
    EXPECT_EQ(open_descriptors(), before) << "a descriptor was not closed";
  }

  Loop loop_;
};

TEST_F(Connecting, to_a_listener_gives_a_stream) {
  run([](Loop& loop) -> Task<> {
    for (const char* url : {"tcp://127.0.0.1:0", "tcp://[::1]:0"}) {
      auto listener = listen(loop, url);
      EXPECT_TRUE(succeeded(listener));
      auto stream = co_await connect(loop, listener->local_address());
      EXPECT_TRUE(succeeded(stream));
      auto peer = co_await listener->accept();
      EXPECT_EQ(stream->peer_address(), listener->local_address());
      EXPECT_EQ(stream->local_address(), peer->peer_address());
      EXPECT_TRUE(co_await stream->send("hello"));
      auto bytes = co_await peer->receive();
      EXPECT_EQ(as_text(*bytes), "hello");
    }
  });
}

TEST_F(Connecting, from_an_address_of_this_machine) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    EXPECT_TRUE(succeeded(listener));
    const Address to = listener->local_address();
    const Address from = *Address::ip("127.0.0.5", 0);
    std::vector<Stream> streams;
    for (int i = 0; i < 2; ++i) {
      auto stream = co_await connect(loop, to, from);
      EXPECT_TRUE(succeeded(stream));
      auto peer = co_await listener->accept();
      EXPECT_EQ(peer->peer_address(), stream->local_address());
      EXPECT_EQ(peer->peer_address().with_port(0), from);
      streams.push_back(std::move(*stream));
    }
    EXPECT_NE(streams[0].local_address(), streams[1].local_address());
    auto taken = co_await connect(loop, to, streams[0].local_address());
    EXPECT_FALSE(taken);
    auto elsewhere = co_await connect(loop, to, *Address::ip("192.0.2.1", 0));
    EXPECT_TRUE(failed_with(elsewhere, Errc::address_unavailable));
    auto other_family = co_await connect(loop, to, *Address::ip("::1", 0));
    EXPECT_TRUE(failed_with(other_family, Errc::invalid_argument));
    auto local = co_await connect(loop, *Address::local("@nobody"), from);
    EXPECT_TRUE(failed_with(local, Errc::invalid_argument));
  });
}

TEST_F(Connecting, where_nothing_listens_is_refused) {
  run([](Loop& loop) -> Task<> {
    auto listener = listen(loop, "tcp://127.0.0.1:0");
    const Address address = listener->local_address();
    listener->close();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(failed_with(co_await connect(loop, address), Errc::refused));
    EXPECT_TRUE(failed_with(co_await connect(loop, *Address::local("/nowhere/at/all.sock")), Errc::refused));
  });
}

TEST_F(Connecting, to_an_address_that_no_one_can_have_fails_at_once) {
  run([](Loop& loop) -> Task<> {
    EXPECT_FALSE(co_await connect(loop, *Address::parse("255.255.255.255:1")));
    EXPECT_FALSE(co_await connect(loop, Address{}));
  });
}

// A listener whose backlog is full lets TCP wait: SYNs are dropped.
TEST_F(Connecting, may_be_given_up_by_time_or_by_stopping) {
  run([](Loop& loop) -> Task<> {
    Socket listener = *Socket::open(Kind::tcp);
    EXPECT_TRUE(listener.bind(*Address::parse("127.0.0.1:0")));
    EXPECT_TRUE(listener.listen(0));
    const Address address = *listener.local_address();
    std::vector<Stream> filling;
    for (;;) {
      auto stream = co_await within(5ms, connect(loop, address));
      if (!stream) {
        EXPECT_TRUE(failed_with(stream, Errc::timed_out));
        break;
      }
      filling.push_back(std::move(*stream));
    }
    EXPECT_LE(filling.size(), 3u);
    Result<Stream> outcome;
    auto attempt = [](Loop& on, Address to, Result<Stream>& result) -> Task<> { result = co_await connect(on, to); };
    TaskGroup group(loop);
    group.spawn(attempt(loop, address, outcome));
    co_await yield();
    group.stop(Stop::receiving);
    co_await yield();
    EXPECT_EQ(group.size(), 1u) << "connecting is no wait for input";
    group.stop();
    co_await group.join();
    EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
    group.spawn(attempt(loop, address, outcome));  // stopped before it begins
    co_await group.join();
    EXPECT_TRUE(failed_with(outcome, Errc::cancelled));
  });
}

class LocalPath {
 public:
  LocalPath() {
    std::string folder = testing::TempDir() + "parley-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder + "/s";
  }
  ~LocalPath() {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  Address address() const { return *Address::local(path_); }

 private:
  std::string folder_;
  std::string path_;
};

// The kernel has nothing to wait for then, so it is tried again and again.
TEST_F(Connecting, to_a_local_listener_whose_backlog_is_full_waits_for_room) {
  run([](Loop& loop) -> Task<> {
    const LocalPath path;
    auto listener = listen(loop, path.address(), {.backlog = 1});
    EXPECT_TRUE(succeeded(listener));
    std::vector<Stream> filling;
    for (;;) {
      auto stream = co_await within(5ms, connect(loop, path.address()));
      if (!stream) {
        EXPECT_TRUE(failed_with(stream, Errc::timed_out));
        break;
      }
      filling.push_back(std::move(*stream));
    }
    Result<Stream> outcome;
    auto attempt = [](Loop& on, Address to, Result<Stream>& result) -> Task<> { result = co_await connect(on, to); };
    TaskGroup group(loop);
    group.spawn(attempt(loop, path.address(), outcome));
    co_await yield();
    auto accepted = co_await listener->accept();
    EXPECT_TRUE(succeeded(accepted));
    co_await group.join();
    EXPECT_TRUE(succeeded(outcome));
  });
}

}  // namespace
}  // namespace parley
