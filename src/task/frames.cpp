// Coroutine frames and stream states come from free lists of each thread: 8-byte classes and no header, so that an idle
// connection costs what its objects measure. Memory may be freed on another thread than it came from: it just changes
// lists. Chunks are never returned; a finished thread's lists go to the next thread that starts.
//
// Alignment: a type's alignment divides its size, so only what has a size that 16 divides can need 16. A class has
// chunks of its own, so such a class stays at multiples of 16.
#include <array>
#include <cstddef>
#include <mutex>
#include <new>

#include <parley/task.h>

#include "base/check.h"
#include "base/sanitize.h"

namespace parley::detail {
namespace {

#ifdef PARLEY_SANITIZER
constexpr bool pooled = false;  // let the sanitizer see each frame
#else
constexpr bool pooled = true;
#endif

constexpr std::size_t step_bytes = 8;
constexpr std::size_t pooled_bytes_max = 1024;
constexpr std::size_t chunk_bytes = 64 * 1024;

struct Free {
  Free* next;
};

class FramePool {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t steps = (bytes + step_bytes - 1) / step_bytes;
    Class& of_size = classes_[steps];
    if (Free* head = of_size.free) [[likely]] {
      of_size.free = head->next;
      return head;
    }
    return of_size.carve(steps * step_bytes);
  }
  void free(void* frame, std::size_t bytes) noexcept {
    Free*& list = classes_[(bytes + step_bytes - 1) / step_bytes].free;
    list = new (frame) Free{list};
  }

  FramePool* next_orphan = nullptr;

 private:
  struct Class {
    void* carve(std::size_t bytes) {
      if (left < bytes) {
        at = static_cast<std::byte*>(::operator new(chunk_bytes));
        left = chunk_bytes;
      }
      left -= bytes;
      return std::exchange(at, at + bytes);
    }

    Free* free = nullptr;
    std::byte* at = nullptr;
    std::size_t left = 0;
  };

  std::array<Class, pooled_bytes_max / step_bytes + 1> classes_{};
};

std::mutex orphans_mutex;
FramePool* orphans = nullptr;

// The thread's own list. It is trivial, so that it can be asked for until the thread's very end: a thread_local Loop
// may free streams after AtExit has run.
constinit thread_local FramePool* own = nullptr;

struct AtExit {
  ~AtExit() {
    std::lock_guard lock(orphans_mutex);
    own->next_orphan = orphans;
    orphans = std::exchange(own, nullptr);
  }
};

[[gnu::noinline]] FramePool& adopt() {
  {
    std::lock_guard lock(orphans_mutex);
    own = orphans;
    if (own) {
      orphans = own->next_orphan;
    } else {
      own = new FramePool;  // owned: by the list of orphans once the thread is over
    }
  }
  thread_local AtExit give_up;  // once a thread: what is adopted after it has run is not passed on any more
  return *own;
}

FramePool& mine() {
  if (own) [[likely]]
    return *own;
  return adopt();
}

thread_local std::exception_ptr kept_exception;

constinit thread_local const std::byte* newest = nullptr;

void* pooled_allocate(std::size_t bytes) {
  if (!pooled || bytes > pooled_bytes_max) return ::operator new(bytes);
  return mine().allocate(bytes);
}

}  // namespace

void* frame_allocate(std::size_t bytes) {
  void* frame = pooled_allocate(bytes);
  newest = static_cast<const std::byte*>(frame);
  return frame;
}

// The wrong layout has a pointer in front of what a std::coroutine_handle points to.
void check_frame(const void* frame) noexcept {
  PARLEY_CHECK(!newest || frame != newest + sizeof(void*),
               "g++ 12 can't compile this coroutine: `if (co_await x)` in a function without a variable. "
               "Write `if (auto result = co_await x; result)`");
}

void frame_free(void* frame, std::size_t bytes) noexcept {
  if (!pooled || bytes > pooled_bytes_max) return ::operator delete(frame);
  mine().free(frame, bytes);
}

void keep_exception() noexcept { kept_exception = std::current_exception(); }

std::exception_ptr take_exception() noexcept { return std::exchange(kept_exception, nullptr); }

}  // namespace parley::detail
