// The driver over io_uring, for kernels from 6.1 on that allow it: what streams receive comes in buffers that the
// kernel picks from a ring, with no system call for each; everything else is waited for with polls, which are submitted
// with the wait itself.
#pragma once

#include <memory>

#include "io/driver.h"

namespace parley::detail {

// Errc::not_supported or what the kernel says, where there is none. It belongs to the thread that calls next() first.
Result<std::unique_ptr<Driver>> make_uring();

}  // namespace parley::detail
