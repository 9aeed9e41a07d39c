// Tests of what next() gives out, and what it must never give out, for each driver of the kernel.
#pragma once

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <parley/socket.h>

#include "io/cpu_time.h"
#include "io/driver.h"

namespace parley::detail {

inline constexpr Time millisecond = 1'000'000;

class Plain final : public Source {
 public:
  explicit Plain(int fd, Reading how = Reading::lent) {
    descriptor = fd;
    reading = how;
  }
  void completed(const Completion&) noexcept override {}
  void stop(Context&, Stop, Errc) noexcept override {}
};

using Make = Result<std::unique_ptr<Driver>> (*)();

class KernelDriverTest : public testing::TestWithParam<Make> {
 protected:
  KernelDriverTest() {
    driver_ = *GetParam()();
    driver_->buffers = &pool_;
  }
  ~KernelDriverTest() override {
    driver_.reset();
    EXPECT_EQ(pool_.lent_bytes(), 0u);
  }

  // A source that wants `wanted`, and the descriptor of its peer.
  std::pair<std::unique_ptr<Plain>, Socket> pair(std::uint8_t wanted) {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    auto source = std::make_unique<Plain>(ends[0]);
    source->wanted = wanted;
    EXPECT_TRUE(driver_->attach(*source));
    return {std::move(source), Socket::adopt(ends[1], Kind::local_stream)};
  }
  void want(Source& source, std::uint8_t wanted) {
    source.wanted = wanted;
    if (wanted & ~source.armed) driver_->arm(source);
  }
  std::string taken(Source& source) {
    const std::string text(as_text(source.in->unread()));
    pool_.give_back(std::exchange(source.in, nullptr));
    return text;
  }
  // Whether nothing comes soon; and that no more time is spent on it than waiting takes.
  bool is_quiet() {
    Completion completion{};
    IdleWaits waits;
    while (waits.again()) {
      if (driver_->next(completion, driver_->now() + waits.time().count() * millisecond)) return false;
    }
    EXPECT_TRUE(waits.idle()) << "it spins";
    return true;
  }
  Completion next() {
    Completion completion{};
    EXPECT_TRUE(driver_->next(completion, never));
    return completion;
  }

  BufferPool pool_{{.usual_bytes = 4096}};
  std::unique_ptr<Driver> driver_;
};

class KernelDriverListening : public KernelDriverTest {
 protected:
  KernelDriverListening()
      : listener_(*driver_->listen(*Address::parse("127.0.0.1:0"), 4096, ReusePort::no), Reading::accept) {
    listener_.wanted = Source::in_bit;
    EXPECT_TRUE(driver_->attach(listener_));
  }
  ~KernelDriverListening() override {
    if (listener_.descriptor >= 0) driver_->close(listener_, false);
  }

  std::vector<Socket> clients(std::size_t count) {
    std::vector<Socket> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(*Socket::open(Kind::tcp));
      EXPECT_TRUE(all.back().connect(*driver_->local_address(listener_.descriptor)));
    }
    return all;
  }

  Plain listener_;
};

}  // namespace parley::detail
