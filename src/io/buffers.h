// The loop's receive buffers. A source borrows one while it has unread bytes; the last one given back is the next one
// lent, so one buffer, warm in the cache, serves thousands of connections.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <parley/detail/source.h>

namespace parley::detail {

class BufferPool {
 public:
  struct Limits {
    std::size_t usual_bytes = 512 * 1024;  // with the header
    std::size_t lent_bytes_max = 64 * 1024 * 1024;
    std::size_t kept_bytes_max = 64 * 1024 * 1024;
  };

  explicit BufferPool(const Limits& limits) noexcept;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer of the usual size; a small one while more than lent_bytes_max are out. Never null: out of memory aborts.
  Buffer* lend() noexcept { return lent_ >= limits_.lent_bytes_max ? lend_class(0) : lend_class(usual_); }
  // One with room for `bytes`, whatever is out.
  Buffer* lend(std::size_t bytes) noexcept { return lend_class(size_class(bytes)); }
  // Makes room for `bytes` in all where the buffer lies. False: there is not so much. Those of the usual size grow.
  bool grow(Buffer& buffer, std::size_t bytes) noexcept;
  void give_back(Buffer* buffer) noexcept;

  std::size_t lent_bytes() const noexcept { return lent_; }

 private:
  static constexpr unsigned class_count = 20;
  static constexpr std::size_t smallest_bytes = 4096;
  static constexpr std::size_t class_bytes(unsigned size_class) noexcept { return smallest_bytes << size_class; }
  static unsigned size_class(std::size_t bytes) noexcept;
  Buffer* lend_class(unsigned size_class) noexcept;

  // Those of the usual size have addresses behind them to grow into, which become memory when they are used.
  static constexpr unsigned growing = class_count;  // their size class
  static constexpr std::size_t growing_bytes_min = 64 * 1024;
  static constexpr std::size_t reserved_bytes_min = 32 * 1024 * 1024;
  std::size_t reserved_bytes() const noexcept { return std::max(reserved_bytes_min, usual_bytes_); }
  std::size_t usable_bytes(const Buffer& buffer) const noexcept;
  Buffer* map_growing() const noexcept;

  Buffer* make(unsigned size_class) const noexcept;
  void release(Buffer* buffer) const noexcept;

  Limits limits_;
  std::size_t usual_bytes_;
  unsigned usual_;  // the size class
  std::size_t lent_ = 0;
  std::size_t kept_ = 0;
  std::array<Buffer*, class_count + 1> free_{};
};

}  // namespace parley::detail
