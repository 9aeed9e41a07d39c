#include "cli/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Process, ThisOne) {
  const auto before = own_processor_time();
  const auto use = use_of(getpid());
  ASSERT_TRUE(use);
  EXPECT_GT(use->resident_bytes, 100'000u);
  volatile unsigned busy = 0;
  while (own_processor_time() - before < std::chrono::milliseconds(30)) busy = busy + 1;
  const auto after = use_of(getpid());
  ASSERT_TRUE(after);
  EXPECT_GT(after->processor, use->processor);
  EXPECT_LT(after->processor - own_processor_time(), std::chrono::milliseconds(20));  // a tick, and rounding
}

TEST(Process, ThatDoesNotExist) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_GT(child, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(use_of(child));
  EXPECT_FALSE(use_of(-1));
}

}  // namespace
}  // namespace parley::cli
