#include "io/buffers.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "base/check.h"
#include "base/sanitize.h"

namespace parley::detail {

BufferPool::BufferPool(const Limits& limits) noexcept
    : limits_(limits), usual_(size_class(std::max(limits.usual_bytes, Buffer::header_bytes) - Buffer::header_bytes)) {}

BufferPool::~BufferPool() {
  for (Buffer* list : free_) {
    while (Buffer* buffer = list) {
      list = buffer->next;
      unpoison(buffer, Buffer::header_bytes + buffer->capacity);
      std::free(buffer);
    }
  }
}

unsigned BufferPool::size_class(std::size_t bytes) noexcept {
  PARLEY_CHECK(bytes <= class_bytes(class_count - 1) - Buffer::header_bytes, "a receive buffer of over 2 GiB");
  const std::size_t units = (bytes + Buffer::header_bytes + smallest_bytes - 1) / smallest_bytes;
  return static_cast<unsigned>(std::bit_width(units - 1));
}

Buffer* BufferPool::lend_class(unsigned size_class) noexcept {
  const std::size_t bytes = class_bytes(size_class);
  Buffer* buffer = free_[size_class];
  if (buffer) [[likely]] {
    free_[size_class] = buffer->next;
    kept_ -= bytes;
    unpoison(buffer->data(), buffer->capacity);
  } else {
    void* memory = std::aligned_alloc(smallest_bytes, bytes);
    PARLEY_CHECK(memory != nullptr, "out of memory for a receive buffer");
    buffer = new (memory) Buffer{};
    buffer->size_class = size_class;
    buffer->capacity = static_cast<std::uint32_t>(bytes - Buffer::header_bytes);
  }
  buffer->begin = buffer->end = buffer->mark = 0;
  lent_ += bytes;
  return buffer;
}

void BufferPool::give_back(Buffer* buffer) noexcept {
  const std::size_t bytes = class_bytes(buffer->size_class);
  lent_ -= bytes;
  if (kept_ + bytes > limits_.kept_bytes_max) {
    std::free(buffer);
    return;
  }
  kept_ += bytes;
  buffer->next = free_[buffer->size_class];
  free_[buffer->size_class] = buffer;
  poison(buffer->data(), buffer->capacity);  // a view that outlived its receive() is caught here
}

}  // namespace parley::detail
