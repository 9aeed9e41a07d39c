// UringBuffers: the ring of buffers that io_uring receives into. They are the pool's own, so that what was received is
// lent on without a copy, and another takes its place.
#pragma once

#include <liburing.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "io/buffers.h"

namespace parley::detail {

class UringBuffers {
 public:
  static constexpr unsigned count = 128;  // a power of two
  static constexpr std::size_t buffer_bytes = 32 * 1024;
  static constexpr int group = 0;

  UringBuffers() = default;
  ~UringBuffers() { std::free(ring_); }  // after the io_uring has ended
  UringBuffers(const UringBuffers&) = delete;
  UringBuffers& operator=(const UringBuffers&) = delete;

  // Makes it at the first call. False: the kernel refuses it.
  bool open(io_uring& uring, BufferPool& pool) noexcept {
    if (ring_ || is_refused_) [[likely]]
      return ring_ != nullptr;
    constexpr std::size_t bytes = std::max<std::size_t>(count * sizeof(io_uring_buf), page_bytes);
    void* memory = std::aligned_alloc(page_bytes, bytes);
    PARLEY_CHECK(memory != nullptr, "out of memory for a ring of buffers");
    std::memset(memory, 0, bytes);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = count;
    registration.bgid = group;
    if (io_uring_register_buf_ring(&uring, &registration, 0) != 0) {
      std::free(memory);
      is_refused_ = true;
      return false;
    }
    ring_ = static_cast<io_uring_buf_ring*>(memory);
    for (unsigned i = 0; i < count; ++i) {
      buffers_[i] = lend(pool);
      provide(i);
    }
    return true;
  }

  // For the kernel to fill (again).
  void provide(unsigned index) noexcept {
    Buffer* buffer = buffers_[index];
    io_uring_buf_ring_add(ring_, buffer->data(), buffer->capacity, static_cast<unsigned short>(index),
                          io_uring_buf_ring_mask(count), 0);
    io_uring_buf_ring_advance(ring_, 1);
  }

  // One that the kernel has filled.
  Buffer* take(unsigned index, BufferPool& pool) noexcept {
    Buffer* filled = std::exchange(buffers_[index], lend(pool));
    provide(index);
    return filled;
  }

  void give_back(BufferPool& pool) noexcept {
    for (Buffer*& buffer : buffers_) {
      if (buffer) pool.give_back(std::exchange(buffer, nullptr));
    }
  }

 private:
  static constexpr std::size_t page_bytes = 4096;
  static Buffer* lend(BufferPool& pool) noexcept { return pool.lend(buffer_bytes - Buffer::header_bytes); }

  io_uring_buf_ring* ring_ = nullptr;
  std::array<Buffer*, count> buffers_{};
  bool is_refused_ = false;
};

}  // namespace parley::detail
