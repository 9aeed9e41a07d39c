#include "base/check.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace parley {

void check_failed(const char* file, int line, const char* sentence) noexcept {
  // One write() of one line from the stack: the heap and the streams may be what is broken.
  char text[512];
  const int wanted = std::snprintf(text, sizeof text, "%s:%d: %s\n", file, line, sentence);
  const auto size = std::min(static_cast<std::size_t>(std::max(wanted, 0)), sizeof text - 1);
  if (wanted > 0 && size < static_cast<std::size_t>(wanted)) text[size - 1] = '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, size);
  std::abort();
}

}  // namespace parley
