// What every driver of the kernel's must do; epoll_test.cpp and uring_test.cpp say with which.
#include "io/kernel.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "io/kernel_driver.h"

namespace parley::detail {

TEST_P(KernelDriverTest, gives_bytes_then_the_end) {
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.send("hello"));
  Completion got = next();
  EXPECT_EQ(got.source, source.get());
  EXPECT_EQ(got.what, Done::received);
  EXPECT_EQ(got.result, 5);
  EXPECT_EQ(taken(*source), "hello");
  peer.close();
  got = next();
  EXPECT_EQ(got.result, 0);
  EXPECT_EQ(source->in, nullptr);
  driver_->close(*source, false);
}

TEST_P(KernelDriverTest, what_is_not_wanted_is_not_given_and_is_not_lost) {
  auto [source, peer] = pair(Source::in_bit);
  want(*source, 0);
  ASSERT_TRUE(peer.send("later"));
  EXPECT_TRUE(is_quiet());
  EXPECT_TRUE(is_quiet());
  want(*source, Source::in_bit);
  EXPECT_EQ(next().result, 5);
  EXPECT_EQ(taken(*source), "later");
  driver_->close(*source, false);
}

TEST_P(KernelDriverTest, a_hang_up_while_nobody_waits_does_not_spin) {
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.send("last words"));
  want(*source, 0);
  peer.close();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_quiet());
  want(*source, Source::in_bit);
  EXPECT_EQ(next().result, 10);
  EXPECT_EQ(taken(*source), "last words");
  EXPECT_EQ(next().result, 0);
  driver_->close(*source, false);
}

TEST_P(KernelDriverTest, room_to_write_that_nobody_wants_does_not_spin) {
  auto [source, peer] = pair(Source::in_bit | Source::out_bit);
  EXPECT_EQ(next().what, Done::writable);
  want(*source, Source::in_bit);
  EXPECT_TRUE(is_quiet());
  EXPECT_TRUE(is_quiet());
  driver_->close(*source, false);
}

TEST_P(KernelDriverTest, both_halves_of_an_event_are_given_and_the_source_may_be_closed_between_them) {
  auto [source, peer] = pair(Source::in_bit | Source::out_bit);
  auto [other, other_peer] = pair(Source::in_bit | Source::out_bit);
  ASSERT_TRUE(peer.send("x"));
  ASSERT_TRUE(other_peer.send("y"));
  int others = 0;
  int writables = 0;
  while (others < 2) {
    Completion got = next();
    if (got.source == source.get()) {
      EXPECT_EQ(got.what, Done::writable);
      ++writables;
      driver_->close(*source, false);
      source->wanted = 0xff;  // nobody may look at it now
    } else {
      EXPECT_EQ(got.source, other.get());
      EXPECT_EQ(got.what, others == 0 ? Done::writable : Done::received);
      want(*other, Source::in_bit);
      ++others;
    }
  }
  EXPECT_EQ(writables, 1);
  EXPECT_EQ(taken(*other), "y");
  driver_->close(*other, false);
}

TEST_P(KernelDriverTest, nothing_is_given_for_a_source_that_was_closed_in_the_same_batch) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::pair<std::unique_ptr<Plain>, Socket>> all;
    for (int i = 0; i < 10; ++i) {
      all.push_back(pair(Source::in_bit));
      ASSERT_TRUE(all.back().second.send("x"));
    }
    Source* first = next().source;
    for (auto& [source, peer] : all) {
      if (source->in) taken(*source);
      if (source.get() != first) {
        driver_->close(*source, false);
        source.reset();
      }
    }
    auto [fresh, fresh_peer] = pair(0);  // perhaps where one of those was
    EXPECT_TRUE(is_quiet());
    driver_->close(*fresh, false);
    driver_->close(*first, false);
  }
}

TEST_P(KernelDriverTest, nothing_is_given_for_a_released_source) {
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.send("x"));
  const int descriptor = source->descriptor;
  driver_->release(*source);
  EXPECT_TRUE(is_quiet());
  Plain heir(descriptor);
  heir.wanted = Source::in_bit;
  ASSERT_TRUE(driver_->attach(heir));
  EXPECT_EQ(next().source, &heir);
  EXPECT_EQ(taken(heir), "x");
  driver_->close(heir, false);
}

// A process forked meanwhile has the descriptor too: closing it here does not take it out of the kernel's set.
TEST_P(KernelDriverTest, nothing_is_given_for_a_closed_source_that_a_forked_process_still_has) {
  auto [source, peer] = pair(Source::in_bit);
  std::array<int, 2> hold{};
  ASSERT_EQ(pipe(hold.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(hold[1]);
    char byte = 0;
    (void)!read(hold[0], &byte, 1);
    _exit(0);
  }
  ::close(hold[0]);
  driver_->close(*source, false);
  source.reset();
  ASSERT_TRUE(peer.send("for nobody"));
  EXPECT_TRUE(is_quiet());
  ::close(hold[1]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_P(KernelDriverTest, says_when_the_time_has_come_once_and_then_what_is_ready) {
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.send("x"));
  Completion completion{};
  EXPECT_FALSE(driver_->next(completion, 0));
  EXPECT_TRUE(driver_->next(completion, 0));
  EXPECT_EQ(taken(*source), "x");
  const Time due = driver_->now() + 3 * millisecond;
  EXPECT_FALSE(driver_->next(completion, due));
  EXPECT_GE(driver_->now(), due);
  driver_->close(*source, false);
}

// epoll leaves times that are far to a timer which is set once, and not for each wait.
TEST_P(KernelDriverTest, a_time_that_is_far_comes_when_another_was_to_come_later) {
  Completion completion{};
  for (int round = 0; round < 3; ++round) {
    driver_->wake();
    EXPECT_FALSE(driver_->next(completion, driver_->now() + 3'600'000 * millisecond));
    const Time until = driver_->now() + 15 * millisecond;
    EXPECT_FALSE(driver_->next(completion, until));
    EXPECT_GE(driver_->now(), until);
    EXPECT_LT(driver_->now(), until + 60'000 * millisecond);
  }
}

TEST_P(KernelDriverTest, a_time_that_was_put_off_is_waited_for_without_spinning) {
  Completion completion{};
  driver_->wake();
  EXPECT_FALSE(driver_->next(completion, driver_->now() + 15 * millisecond));
  const Time until = driver_->now() + 50 * millisecond;
  int waits = 0;
  for (; driver_->now() < until; ++waits) EXPECT_FALSE(driver_->next(completion, until));
  EXPECT_LE(waits, 2);
}

TEST_P(KernelDriverTest, a_time_that_is_far_comes_though_something_is_always_ready) {
  auto [source, peer] = pair(Source::out_bit);
  Completion completion{};
  const Time until = driver_->now() + 15 * millisecond;
  while (driver_->next(completion, until)) {
    EXPECT_EQ(completion.what, Done::writable);
    ASSERT_LT(driver_->now(), until + 60'000 * millisecond);
    want(*source, Source::out_bit);
  }
  EXPECT_GE(driver_->now(), until);
  driver_->close(*source, false);
}

TEST_P(KernelDriverTest, wake_ends_a_wait_however_often_it_was_called) {
  Completion completion{};
  for (int i = 0; i < 3; ++i) driver_->wake();
  EXPECT_FALSE(driver_->next(completion, never));
  EXPECT_TRUE(is_quiet());
}

TEST_P(KernelDriverTest, tells_only_once_that_a_source_can_be_read_where_that_is_all_that_is_wanted) {
  auto [source, peer] = pair(Source::in_bit);
  source->reading = Reading::ready;
  ASSERT_TRUE(peer.send("abc"));
  EXPECT_EQ(next().what, Done::readable);
  std::array<std::byte, 2> two{};
  EXPECT_EQ(driver_->receive(*source, two), 2);
  EXPECT_EQ(next().what, Done::readable);
  EXPECT_EQ(driver_->receive(*source, two), 1);
  EXPECT_EQ(driver_->receive(*source, two), -EAGAIN);
  EXPECT_TRUE(is_quiet());
  driver_->close(*source, false);
}

TEST_P(KernelDriverListening, a_crowd_that_wants_to_be_accepted_does_not_keep_others_waiting) {
  auto crowd = clients(300);
  auto [source, peer] = pair(Source::in_bit);
  ASSERT_TRUE(peer.send("x"));
  int before = 0;
  int accepted = 0;
  bool received = false;
  while (accepted < 300 || !received) {
    Completion got = next();
    if (got.what == Done::accepted) {
      ASSERT_GE(got.result, 0);
      driver_->close_descriptor(got.result);
      ++accepted;
    } else {
      before = accepted;
      received = true;
      taken(*source);
      want(*source, 0);
    }
  }
  EXPECT_LE(before, 64);
  driver_->close(*source, false);
}

TEST_P(KernelDriverListening, tells_who_connected) {
  auto one = clients(1);
  Completion got = next();
  EXPECT_EQ(driver_->accepted_address(), *one[0].local_address());
  driver_->close_descriptor(got.result);
}

TEST_P(KernelDriverListening, for_want_of_descriptors_the_error_is_given_and_the_connection_waits) {
  auto one = clients(1);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Completion got = next();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(got.what, Done::accepted);
  EXPECT_EQ(got.result, -EMFILE);
  got = next();
  EXPECT_GE(got.result, 0);
  driver_->close_descriptor(got.result);
}

TEST_P(KernelDriverListening, may_be_closed_while_more_wait_to_be_accepted) {
  auto crowd = clients(3);
  Completion got = next();
  driver_->close_descriptor(got.result);
  driver_->close(listener_, false);
  EXPECT_TRUE(is_quiet());
}

}  // namespace parley::detail
