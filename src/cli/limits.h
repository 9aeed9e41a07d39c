// How many connections a server has at a time, over all its threads.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include <parley/event.h>
#include <parley/loop.h>

namespace parley::cli {

// A listener's wait for a free place. `opened` is set on the loop's thread.
struct Door {
  Loop* loop = nullptr;
  Event opened;
};

// All functions may be called from any thread. Every Door lives as long as the loops run.
class Places {
 public:
  enum class Change : bool { none, happened };

  explicit Places(std::size_t most) noexcept : most_(most) {}  // 0: no limit

  // Whether there is none. If so, `door` is told when one is free: wait for it and ask again. `began` says whether
  // this is the beginning of a pause.
  bool are_full(Door& door, Change& began);
  // Takes one; false as above.
  bool take(Door& door, Change& began);
  // Whether this is the end of a pause.
  Change give_back();

 private:
  bool wait(Door& door, Change& began);

  const std::size_t most_;
  std::mutex mutex_;
  std::size_t taken_ = 0;
  std::vector<Door*> waiting_;
};

}  // namespace parley::cli
