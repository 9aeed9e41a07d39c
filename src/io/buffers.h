// The loop's receive buffers. A source borrows one while it has unread bytes; the last one given back is the next one
// lent, so one buffer, warm in the cache, serves thousands of connections.
#pragma once

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
  Buffer* lend() noexcept { return lend_class(lent_ >= limits_.lent_bytes_max ? 0 : usual_); }
  // One with room for `bytes`, whatever is out.
  Buffer* lend(std::size_t bytes) noexcept { return lend_class(size_class(bytes)); }
  void give_back(Buffer* buffer) noexcept;

  std::size_t lent_bytes() const noexcept { return lent_; }

 private:
  static constexpr unsigned class_count = 20;
  static constexpr std::size_t smallest_bytes = 4096;
  static constexpr std::size_t class_bytes(unsigned size_class) noexcept { return smallest_bytes << size_class; }
  static unsigned size_class(std::size_t bytes) noexcept;
  Buffer* lend_class(unsigned size_class) noexcept;

  Limits limits_;
  unsigned usual_;
  std::size_t lent_ = 0;
  std::size_t kept_ = 0;
  std::array<Buffer*, class_count> free_{};
};

}  // namespace parley::detail
