// The lines that a reader hands on from its own thread, for tests that wait for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/input.h"

namespace parley::cli {

class Lines {
 public:
  OnLine on_line() {
    return [this](std::optional<std::string> line) {
      std::lock_guard lock(mutex_);
      if (line) {
        lines_.push_back(std::move(*line));
      } else {
        ended_ = true;
      }
      changed_.notify_all();
    };
  }

  // The first `count` lines, or all there are once the input has ended. Gives up after 10 s.
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return lines_.size() >= count || ended_; });
    return lines_;
  }
  // All lines, when the end has come. Nothing if it does not.
  std::optional<std::vector<std::string>> wait_for_end() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(10), [&] { return ended_; })) return std::nullopt;
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool ended_ = false;
};

}  // namespace parley::cli
