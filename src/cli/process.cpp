#include "cli/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace parley::cli {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number that is word `index` of a line.
std::uint64_t number_at(std::string_view line, std::size_t index) noexcept {
  for (; index > 0; --index) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  std::uint64_t number = 0;
  std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

// To the nanosecond, where the kernel counts so: the first word of /proc/PID/task/TID/schedstat.
std::chrono::nanoseconds time_of_threads(int pid) {
  std::uint64_t nanoseconds = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    nanoseconds += number_at(contents(thread.path() / "schedstat"), 0);
  }
  return std::chrono::nanoseconds(nanoseconds);
}

std::chrono::nanoseconds time_of(const timeval& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

// proc(5): of /proc/PID/stat, whose second word is a name in parentheses and may be anything, utime and stime are words
// 14 and 15; of /proc/PID/statm, the second is the resident pages.
std::optional<ProcessUse> use_of(int pid) {
  const std::string stat = contents(fmt::format("/proc/{}/stat", pid));
  const std::string memory = contents(fmt::format("/proc/{}/statm", pid));
  const std::size_t end = stat.rfind(')');
  if (end == std::string::npos || end + 2 > stat.size() || memory.empty()) return std::nullopt;
  const std::string_view words = std::string_view(stat).substr(end + 2);  // from word 3 on
  const std::uint64_t ticks = number_at(words, 11) + number_at(words, 12);
  const auto tick = std::chrono::nanoseconds(1'000'000'000 / sysconf(_SC_CLK_TCK));
  const auto coarse = tick * static_cast<std::int64_t>(ticks);
  // Threads that have ended are only in the coarse one.
  const std::chrono::nanoseconds exact = time_of_threads(pid);
  return ProcessUse{exact + 2 * tick < coarse ? coarse : exact,
                    number_at(memory, 1) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))};
}

std::chrono::nanoseconds own_processor_time() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return time_of(usage.ru_utime) + time_of(usage.ru_stime);
}

}  // namespace parley::cli
