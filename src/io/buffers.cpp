#include "io/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"

namespace parley::detail {
namespace {

std::atomic<unsigned> mapped = 0;

Buffer* make_in(void* memory, unsigned size_class, std::size_t bytes) noexcept {
  auto* buffer = new (memory) Buffer{};
  buffer->size_class = size_class;
  buffer->counted = static_cast<std::uint32_t>(bytes);
  buffer->capacity = static_cast<std::uint32_t>(bytes - Buffer::header_bytes);
  return buffer;
}

}  // namespace

BufferPool::BufferPool(const Limits& limits) noexcept
    : limits_(limits),
      usual_bytes_(class_bytes(size_class(std::max(limits.usual_bytes, Buffer::header_bytes) - Buffer::header_bytes))) {
}

BufferPool::~BufferPool() {
  PARLEY_ASSERT(lent_ == 0, "a Stream outlived its Loop");  // no leak checker sees what is mapped
  for (unsigned size_class = 0; size_class < free_.size(); ++size_class) {
    while (Buffer* buffer = take_free(size_class)) release(buffer);
  }
}

unsigned BufferPool::size_class(std::size_t bytes) noexcept {
  PARLEY_CHECK(bytes <= class_bytes(class_count - 1) - Buffer::header_bytes, "a receive buffer of over 2 GiB");
  const std::size_t units = (bytes + Buffer::header_bytes + smallest_bytes - 1) / smallest_bytes;
  return static_cast<unsigned>(std::bit_width(units - 1));
}

// ---- Lending

Buffer* BufferPool::take_free(unsigned size_class) noexcept {
  Buffer* buffer = free_[size_class];
  if (!buffer) [[unlikely]]
    return nullptr;
  free_[size_class] = buffer->next;
  kept_ -= buffer->counted;
  return buffer;
}

Buffer* BufferPool::lent(Buffer* buffer) noexcept {
  unpoison(buffer->data(), buffer->capacity);
  buffer->begin = buffer->end = buffer->mark = 0;
  lent_ += buffer->counted;
  if (lent_ > lent_lately_) [[unlikely]]
    lent_lately_ = lent_;
  return buffer;
}

[[gnu::hot]] Buffer* BufferPool::lend() noexcept {
  Buffer* buffer = free_[growing];
  if (!buffer || buffer->capacity != usual_bytes_ - Buffer::header_bytes || lent_ >= limits_.lent_bytes_max)
      [[unlikely]]
    return lend_usual();
  return lent(take_free(growing));
}

Buffer* BufferPool::lend_usual() noexcept {
  const std::size_t bytes = usual_bytes_ - Buffer::header_bytes;
  if (lent_ >= limits_.lent_bytes_max) return lend_class(0);
  if (usual_bytes_ < growing_bytes_min) return lend(bytes);
  Buffer* buffer = lend_growing(bytes);
  return buffer ? buffer : lend_class(0);
}

Buffer* BufferPool::lend_to_grow(std::size_t bytes) noexcept {
  const bool grows =
      bytes > growing_bytes_min - Buffer::header_bytes && bytes <= reserved_bytes() - Buffer::header_bytes;
  Buffer* buffer = grows ? lend_growing(bytes) : nullptr;
  return buffer ? buffer : lend(bytes);
}

Buffer* BufferPool::lend_class(unsigned size_class) noexcept {
  if (Buffer* buffer = take_free(size_class)) return lent(buffer);
  if (has_excess_) make_room(class_bytes(size_class), size_class);
  void* memory = std::aligned_alloc(smallest_bytes, class_bytes(size_class));
  PARLEY_CHECK(memory != nullptr, "out of memory for a receive buffer");
  return lent(make_in(memory, size_class, class_bytes(size_class)));
}

// ---- Taking back

[[gnu::hot]] void BufferPool::give_back(Buffer* buffer) noexcept {
  lent_ -= buffer->counted;
  poison(buffer->data(), buffer->capacity);  // a view that outlived its receive() is caught here
  if (kept_ + buffer->counted > limits_.kept_bytes_max) [[unlikely]] {
    if (buffer->counted > trim_bytes_max) return release(buffer);
    make_room(buffer->counted, buffer->size_class);
    has_excess_ = has_excess_ || kept_ + buffer->counted > limits_.kept_bytes_max;
  }
  if (buffer->size_class == growing && buffer->counted > usual_bytes_) [[unlikely]]
    has_excess_ = true;
  kept_ += buffer->counted;
  buffer->next = free_[buffer->size_class];
  free_[buffer->size_class] = buffer;
}

// For so much more memory. Whoever needed much a moment ago needs it again, and the size that was needed last: memory
// that is new costs more than most messages. What can't go at once trim() takes.
void BufferPool::make_room(std::size_t bytes, unsigned size_class) noexcept {
  const std::size_t most = std::max(limits_.kept_bytes_max, needed_lately() - lent_);
  if (kept_ + bytes > most) shrink(most - std::min(most, bytes), 2 * bytes, size_class);
}

// Returns free buffers to the system, about `bytes_max` of them: how much that was.
std::size_t BufferPool::shrink(std::size_t kept_max, std::size_t bytes_max, unsigned last_class) noexcept {
  std::size_t released = 0;
  for (unsigned i = 1; i <= free_.size(); ++i) {
    const auto size_class = static_cast<unsigned>((last_class + i) % free_.size());
    while (kept_ > kept_max && released < bytes_max) {
      Buffer* buffer = take_free(size_class);
      if (!buffer) break;
      released += buffer->counted;
      release(buffer);
    }
  }
  return released;
}

void BufferPool::trim() noexcept {
  const std::size_t keep = std::max(limits_.kept_bytes_max, needed_lately() - lent_);
  lent_before_ = std::exchange(lent_lately_, lent_);
  const std::size_t released = shrink(keep, trim_bytes_max, growing);
  has_excess_ = kept_ > limits_.kept_bytes_max;
  const bool needs_large_ones = grew_lately_ || grew_before_;
  grew_before_ = std::exchange(grew_lately_, false);
  if (needs_large_ones) {
    has_excess_ = true;
  } else {
    shorten_grown(trim_bytes_max - std::min(trim_bytes_max, released));
  }
}

// Nobody has needed them so large for a while: they become what they were.
void BufferPool::shorten_grown(std::size_t bytes_max) noexcept {
  std::size_t released = 0;
  for (Buffer* buffer = free_[growing]; buffer; buffer = buffer->next) {
    if (buffer->counted <= usual_bytes_) continue;
    if (released >= bytes_max) {
      has_excess_ = true;
      return;
    }
    const std::size_t bytes = buffer->counted - usual_bytes_;
    madvise(reinterpret_cast<std::byte*>(buffer) + usual_bytes_, bytes, MADV_DONTNEED);
    buffer->counted = static_cast<std::uint32_t>(usual_bytes_);
    kept_ -= bytes;
    released += bytes;
  }
}

// Of one that is poisoned.
void BufferPool::release(Buffer* buffer) noexcept {
  if (buffer->size_class == growing) {
    unpoison(buffer, reserved_bytes());
    munmap(buffer, reserved_bytes());
    mapped.fetch_sub(1, std::memory_order_relaxed);
  } else {
    unpoison(buffer, buffer->counted);
    std::free(buffer);
  }
}

// ---- Growing

// Null: there are no addresses for it, or no memory.
Buffer* BufferPool::lend_growing(std::size_t bytes) noexcept {
  Buffer* buffer = take_free(growing);
  if (!buffer) [[unlikely]]
    buffer = map();
  if (buffer && buffer->capacity != bytes && !expose(*buffer, bytes)) [[unlikely]]
    release(std::exchange(buffer, nullptr));
  return buffer ? lent(buffer) : nullptr;
}

// Addresses that can't be used are not counted as memory, not even where the system promises no more than it has; only
// RLIMIT_AS counts them.
Buffer* BufferPool::map() noexcept {
  if (mapped.load(std::memory_order_relaxed) >= mapped_max) return nullptr;
  if (has_excess_) make_room(growing_bytes_min, growing);
  void* memory = mmap(nullptr, reserved_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (mprotect(memory, growing_bytes_min, PROT_READ | PROT_WRITE) != 0) {
    munmap(memory, reserved_bytes());
    return nullptr;
  }
  mapped.fetch_add(1, std::memory_order_relaxed);
  Buffer* buffer = make_in(memory, growing, growing_bytes_min);
  poison(buffer->data(), buffer->capacity);
  return buffer;
}

// What is added is poisoned.
bool BufferPool::expose(Buffer& buffer, std::size_t bytes) noexcept {
  const std::size_t needed = (bytes + Buffer::header_bytes + smallest_bytes - 1) / smallest_bytes * smallest_bytes;
  if (needed > reserved_bytes()) return false;
  if (const std::size_t before = std::bit_ceil(std::size_t{buffer.counted}); needed > before) {
    auto* const memory = reinterpret_cast<std::byte*>(&buffer);
    const std::size_t after = std::bit_ceil(needed);
    if (mprotect(memory + before, after - before, PROT_READ | PROT_WRITE) != 0) return false;
    poison(memory + before, after - before);
  }
  if (needed > usual_bytes_) grew_lately_ = true;
  buffer.capacity = static_cast<std::uint32_t>(bytes);
  buffer.counted = std::max(buffer.counted, static_cast<std::uint32_t>(needed));
  return true;
}

bool BufferPool::grow(Buffer& buffer, std::size_t bytes) noexcept {
  const std::size_t capacity = buffer.capacity;
  if (bytes <= capacity) return true;
  const std::size_t counted = buffer.counted;
  if (buffer.size_class != growing || !expose(buffer, bytes)) return false;
  unpoison(buffer.data() + capacity, bytes - capacity);
  lent_ += buffer.counted - counted;
  lent_lately_ = std::max(lent_lately_, lent_);
  return true;
}

}  // namespace parley::detail
