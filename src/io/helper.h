// Helper: a thread beside a loop for work that takes long, one piece after the other, while the loop goes on. Without a
// thread the loop does it, one piece in a turn.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/list.h"

namespace parley::detail {

class Core;

// Work that takes long.
class Costly : public Listed<Costly> {
 public:
  virtual void work() noexcept = 0;    // in any thread: it touches nothing that is the loop's
  virtual void worked() noexcept = 0;  // on the loop, afterwards

 protected:
  ~Costly() = default;
};

// The loop's, but for run(). What has been added may be unlisted until its work begins; from then on it must stay.
class Helper {
 public:
  Helper(Core& core, bool has_thread) noexcept : core_(core), has_thread_(has_thread) {}
  ~Helper() { stop(); }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  void add(Costly& work) noexcept { waiting_.push_back(work); }
  bool is_working_for(const Costly& work) const noexcept { return away_ == &work; }

  // Is there anything for turn() to do?
  bool wants_turn() const noexcept { return !away_ && !waiting_.empty(); }
  void turn() noexcept;
  // Ends the thread, once it has done what it does. worked() is not called for that.
  void stop() noexcept;

 private:
  bool give(Costly& work) noexcept;
  void came_back() noexcept;
  void run() noexcept;

  Core& core_;
  Queue<Costly> waiting_;
  Costly* away_ = nullptr;  // in the thread's hands
  bool has_thread_;
  std::thread thread_;  // from the first work on
  std::mutex mutex_;
  std::condition_variable changed_;
  Costly* given_ = nullptr;  // by mutex_
  bool is_over_ = false;     // by mutex_
};

}  // namespace parley::detail
