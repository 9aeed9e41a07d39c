#include "io/epoll.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "io/cpu_time.h"
#include "io/kernel_driver.h"

namespace parley::detail {

INSTANTIATE_TEST_SUITE_P(Epoll, KernelDriverTest, testing::Values(&make_epoll));
INSTANTIATE_TEST_SUITE_P(Epoll, KernelDriverListening, testing::Values(&make_epoll));

TEST(Epoll, says_its_name) { EXPECT_EQ((*make_epoll())->name(), "epoll"); }

// More than are taken from the kernel at once: the timer's own event lies behind those that are left.
TEST(Epoll, a_time_that_is_far_comes_before_all_of_thousands_that_are_ready) {
  constexpr std::size_t count = 3000;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * count);
  if (limit.rlim_cur < count + 100 || setrlimit(RLIMIT_NOFILE, &limit) != 0) GTEST_SKIP() << "too few descriptors";
  auto driver = *make_epoll();
  std::vector<std::unique_ptr<Plain>> sources;
  for (std::size_t i = 0; i < count; ++i) {
    sources.push_back(std::make_unique<Plain>(eventfd(0, EFD_NONBLOCK)));
    sources.back()->wanted = Source::out_bit;
    ASSERT_TRUE(driver->attach(*sources.back()));
  }
  const Time until = driver->now() + 15 * millisecond;
  std::size_t late = 0;
  Completion completion{};
  while (driver->next(completion, until)) late += driver->now() >= until;
  EXPECT_GE(driver->now(), until);
  EXPECT_LE(late, 1024u);
  for (const auto& source : sources) driver->close(*source, false);
}

namespace {

constexpr int no_seccomp = 77;

// From now on this process has no such system call, as on an old kernel or in an old sandbox.
bool forbid(long call, int error) {
  std::array<sock_filter, 4> program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{.len = program.size(), .filter = program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    return false;
  }
  return syscall(call, -1, 0, 0, 0, 0, 0) == -1 && errno == error;
}

// For times that are near, and for those that are far.
[[noreturn]] void wait_without(long call, int error) {
  if (!forbid(call, error)) std::exit(no_seccomp);
  auto driver = *make_epoll();
  Completion completion{};
  for (const auto time : {std::chrono::milliseconds(5), std::chrono::milliseconds(20)}) {
    IdleWaits waits(time);
    while (waits.again()) {
      const Time until = driver->now() + time.count() * millisecond;
      if (driver->next(completion, until) || driver->now() < until) std::exit(1);
    }
    if (!waits.idle()) std::exit(2);
  }
  std::exit(0);
}

bool ended_well(int status) {
  return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == no_seccomp);
}

}  // namespace

TEST(EpollDeathTest, waits_where_there_is_no_epoll_pwait2) {
  for (const int error : {ENOSYS, EPERM}) EXPECT_EXIT(wait_without(SYS_epoll_pwait2, error), ended_well, "");
}

TEST(EpollDeathTest, waits_where_timerfd_is_refused) {
  EXPECT_EXIT(wait_without(SYS_timerfd_create, EPERM), ended_well, "");
  EXPECT_EXIT(wait_without(SYS_timerfd_settime, EPERM), ended_well, "");
}

}  // namespace parley::detail
