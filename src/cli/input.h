// Where the lines come from that `parley connect` sends: a pipe or a file. (A terminal: terminal.h.)
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace parley::cli {

// A pipe that another thread's poll() can be woken by.
class Waker {
 public:
  Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  ~Waker();

  void wake() noexcept;  // any thread
  void clear() noexcept;
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

// Called with each line, without its newline, and with nothing at the end. On the reader's own thread.
using OnLine = std::function<void(std::optional<std::string> line)>;

// Reads lines on a thread of its own, since a file or a terminal can't be waited for as a socket can.
class LineReader {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{1} << 30;  // a longer line is handed on in pieces
  // Lines handed on and not yet taken(), and bytes of them all; one line may always be.
  static constexpr std::size_t lines_ahead_max = 64;
  static constexpr std::size_t bytes_ahead_max = 16 * 1024 * 1024;

  LineReader(int descriptor, OnLine on_line, std::size_t most_bytes = line_bytes_max);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();  // ends the reading, wherever it is

  // The oldest line has been dealt with; there may be more. Any thread.
  void taken() noexcept;

 private:
  void run();
  bool fill(std::string& read);
  void hand_on(std::string line);

  int descriptor_;
  OnLine on_line_;
  const std::size_t most_bytes_;
  Waker waker_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::size_t> ahead_;  // the sizes of lines handed on and not yet taken, the oldest first
  std::size_t bytes_ahead_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace parley::cli
