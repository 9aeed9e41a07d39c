#include "io/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"

namespace parley::detail {
namespace {

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
      usual_bytes_(class_bytes(size_class(std::max(limits.usual_bytes, Buffer::header_bytes) - Buffer::header_bytes))),
      usual_(usual_bytes_ < growing_bytes_min ? size_class(usual_bytes_ - Buffer::header_bytes) : growing) {}

BufferPool::~BufferPool() {
  for (Buffer* list : free_) {
    while (Buffer* buffer = list) {
      list = buffer->next;
      release(buffer);
    }
  }
}

unsigned BufferPool::size_class(std::size_t bytes) noexcept {
  PARLEY_CHECK(bytes <= class_bytes(class_count - 1) - Buffer::header_bytes, "a receive buffer of over 2 GiB");
  const std::size_t units = (bytes + Buffer::header_bytes + smallest_bytes - 1) / smallest_bytes;
  return static_cast<unsigned>(std::bit_width(units - 1));
}

Buffer* BufferPool::lend_class(unsigned size_class) noexcept {
  Buffer* buffer = free_[size_class];
  if (buffer) [[likely]] {
    free_[size_class] = buffer->next;
    kept_ -= buffer->counted;
    unpoison(buffer->data(), buffer->capacity);
  } else {
    buffer = make(size_class);
  }
  buffer->begin = buffer->end = buffer->mark = 0;
  lent_ += buffer->counted;
  return buffer;
}

Buffer* BufferPool::make(unsigned size_class) const noexcept {
  if (size_class == growing) {
    if (Buffer* buffer = map_growing()) return buffer;
    size_class = 0;  // as when too much is out
  }
  void* memory = std::aligned_alloc(smallest_bytes, class_bytes(size_class));
  PARLEY_CHECK(memory != nullptr, "out of memory for a receive buffer");
  return make_in(memory, size_class, class_bytes(size_class));
}

void BufferPool::give_back(Buffer* buffer) noexcept {
  lent_ -= buffer->counted;
  if (kept_ + buffer->counted > limits_.kept_bytes_max) return release(buffer);
  kept_ += buffer->counted;
  buffer->next = free_[buffer->size_class];
  free_[buffer->size_class] = buffer;
  poison(buffer->data(), buffer->capacity);  // a view that outlived its receive() is caught here
  if (buffer->size_class == growing) {
    buffer->capacity = static_cast<std::uint32_t>(usual_bytes_ - Buffer::header_bytes);
  }
}

void BufferPool::release(Buffer* buffer) const noexcept {
  if (buffer->size_class == growing) {
    unpoison(buffer, usable_bytes(*buffer));
    munmap(buffer, reserved_bytes());
  } else {
    unpoison(buffer, buffer->counted);
    std::free(buffer);
  }
}

// ---- Growing

// Addresses that can't be used cost nothing, even where the system promises no more memory than it has.
Buffer* BufferPool::map_growing() const noexcept {
  void* memory = mmap(nullptr, reserved_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (mprotect(memory, usual_bytes_, PROT_READ | PROT_WRITE) != 0) {
    munmap(memory, reserved_bytes());
    return nullptr;
  }
  return make_in(memory, growing, usual_bytes_);
}

std::size_t BufferPool::usable_bytes(const Buffer& buffer) const noexcept {
  return std::min(std::bit_ceil(std::size_t{buffer.counted}), reserved_bytes());
}

bool BufferPool::grow(Buffer& buffer, std::size_t bytes) noexcept {
  if (bytes <= buffer.capacity) return true;
  const std::size_t needed = (bytes + Buffer::header_bytes + smallest_bytes - 1) / smallest_bytes * smallest_bytes;
  if (buffer.size_class != growing || needed > reserved_bytes()) return false;
  if (const std::size_t before = usable_bytes(buffer); needed > before) {
    auto* const memory = reinterpret_cast<std::byte*>(&buffer);
    const std::size_t after = std::min(std::bit_ceil(needed), reserved_bytes());
    if (mprotect(memory + before, after - before, PROT_READ | PROT_WRITE) != 0) return false;
    poison(memory + before, after - before);
  }
  unpoison(buffer.data() + buffer.capacity, bytes - buffer.capacity);
  buffer.capacity = static_cast<std::uint32_t>(bytes);
  const auto counted = std::max(buffer.counted, static_cast<std::uint32_t>(needed));
  lent_ += counted - std::exchange(buffer.counted, counted);
  return true;
}

}  // namespace parley::detail
