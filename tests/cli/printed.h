// What was written to a descriptor, for tests: a file in memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace parley::cli {

class Printed {
 public:
  Printed() : descriptor_(memfd_create("printed", MFD_CLOEXEC)) {}
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;
  ~Printed() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }

  std::string text() const {
    std::string all(static_cast<std::size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    const ssize_t size = pread(descriptor_, all.data(), all.size(), 0);
    all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return all;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    const std::string all = text();
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
      found.push_back(all.substr(at, end - at));
    }
    return found;
  }

 private:
  int descriptor_;
};

}  // namespace parley::cli
