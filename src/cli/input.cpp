#include "cli/input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace parley::cli {

Waker::Waker() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Waker::~Waker() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Waker::wake() noexcept { eventfd_write(descriptor_, 1); }

void Waker::clear() noexcept {
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
}

LineReader::LineReader(int descriptor, OnLine on_line, std::size_t most_bytes)
    : descriptor_(descriptor), on_line_(std::move(on_line)), most_bytes_(most_bytes), thread_([this] { run(); }) {}

LineReader::~LineReader() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  room_.notify_one();
  waker_.wake();
  thread_.join();
}

void LineReader::taken() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (ahead_.empty()) return;
    bytes_ahead_ -= ahead_.front();
    ahead_.pop_front();
  }
  room_.notify_one();
}

// Appends what can be read; false at the end of the input, an error of it, or when asked to end.
bool LineReader::fill(std::string& read) {
  std::array<pollfd, 2> ready{{{descriptor_, POLLIN, 0}, {waker_.descriptor(), POLLIN, 0}}};
  for (;;) {
    const int count = poll(ready.data(), ready.size(), -1);
    if (ending_ || (count < 0 && errno != EINTR)) return false;
    if (count < 0) continue;
    if (ready[0].revents == 0) continue;
    std::array<char, 64 * 1024> piece;
    const ssize_t size = ::read(descriptor_, piece.data(), piece.size());
    if (size > 0) {
      read.append(piece.data(), static_cast<std::size_t>(size));
      return true;
    }
    if (size == 0 || (errno != EINTR && errno != EAGAIN)) return false;
  }
}

void LineReader::hand_on(std::string line) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      const bool fits = ahead_.size() < lines_ahead_max && bytes_ahead_ + line.size() <= bytes_ahead_max;
      return ending_ || ahead_.empty() || fits;
    });
    if (ending_) return;
    ahead_.push_back(line.size());
    bytes_ahead_ += line.size();
  }
  on_line_(std::move(line));
}

void LineReader::run() {
  std::string read;
  std::size_t seen = 0;  // of `read`: no newline is there
  while (!ending_ && fill(read)) {
    std::size_t begin = 0;
    for (std::size_t at; (at = read.find('\n', std::max(begin, seen))) != std::string::npos; begin = at + 1) {
      hand_on(read.substr(begin, at - begin));
    }
    read.erase(0, begin);
    seen = read.size();
    if (read.size() >= most_bytes_) hand_on(std::exchange(read, {}));
    seen = std::min(seen, read.size());
  }
  if (!read.empty() && !ending_) hand_on(std::move(read));
  if (!ending_) on_line_(std::nullopt);
}

}  // namespace parley::cli
