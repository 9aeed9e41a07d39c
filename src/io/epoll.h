// The driver for every Linux: epoll says what is ready, the driver performs it, so that it looks like a completion.
#pragma once

#include <memory>

#include "io/driver.h"

namespace parley::detail {

Result<std::unique_ptr<Driver>> make_epoll();

}  // namespace parley::detail
