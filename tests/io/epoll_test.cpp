#include "io/epoll.h"

#include "io/kernel_driver.h"

namespace parley::detail {

INSTANTIATE_TEST_SUITE_P(Epoll, KernelDriverTest, testing::Values(&make_epoll));
INSTANTIATE_TEST_SUITE_P(Epoll, KernelDriverListening, testing::Values(&make_epoll));

TEST(Epoll, says_its_name) { EXPECT_EQ((*make_epoll())->name(), "epoll"); }

}  // namespace parley::detail
