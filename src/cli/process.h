// What a process has used: its time on the processor and its memory, as /proc tells.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace parley::cli {

struct ProcessUse {
  std::chrono::nanoseconds processor{};  // of all its threads, in the kernel too; once one has ended in steps of 10 ms
  std::size_t resident_bytes = 0;
};

// Nothing if there is no such process, or it may not be seen.
std::optional<ProcessUse> use_of(int pid);

// This process, in steps of a microsecond.
std::chrono::nanoseconds own_processor_time() noexcept;

}  // namespace parley::cli
