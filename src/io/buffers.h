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

  // A buffer of the usual size; a small one while more than lent_bytes_max are out, and where there are no addresses
  // for one that grows. Never null: out of memory aborts.
  Buffer* lend() noexcept;
  // One with room for `bytes`, and more, up to a power of two, whatever is out.
  Buffer* lend(std::size_t bytes) noexcept { return lend_class(size_class(bytes)); }
  // One with room for `bytes`, for what is expected to need more of it.
  Buffer* lend_to_grow(std::size_t bytes) noexcept;
  // Makes room for `bytes` in all where the buffer lies. False: there is not so much. Large ones of lend() and
  // lend_to_grow() have it, up to 32 MiB.
  bool grow(Buffer& buffer, std::size_t bytes) noexcept;
  void give_back(Buffer* buffer) noexcept;

  std::size_t lent_bytes() const noexcept { return lent_; }

  // More is free than is to be kept for long, since it was needed lately. Then trim() wants to be called each second:
  // it returns to the system what was not needed between the last two calls either, some at a time.
  bool has_excess() const noexcept { return has_excess_; }
  void trim() noexcept;

 private:
  static constexpr unsigned class_count = 20;
  static constexpr std::size_t smallest_bytes = 4096;
  static constexpr std::size_t trim_bytes_max = 64 * 1024 * 1024;  // at once: it takes some ms; a larger one isn't kept
  static constexpr std::size_t class_bytes(unsigned size_class) noexcept { return smallest_bytes << size_class; }
  static unsigned size_class(std::size_t bytes) noexcept;
  Buffer* lend_usual() noexcept;
  Buffer* lend_class(unsigned size_class) noexcept;
  Buffer* take_free(unsigned size_class) noexcept;
  Buffer* lent(Buffer* buffer) noexcept;
  void release(Buffer* buffer) noexcept;
  void make_room(std::size_t bytes, unsigned size_class) noexcept;
  std::size_t shrink(std::size_t kept_max, std::size_t bytes_max, unsigned last_class) noexcept;
  void shorten_grown(std::size_t bytes_max) noexcept;
  std::size_t needed_lately() const noexcept { return std::max(lent_lately_, lent_before_); }

  // Those that grow have addresses behind them, which become memory when they are used.
  static constexpr unsigned growing = class_count;  // their size class
  static constexpr std::size_t growing_bytes_min = 64 * 1024;
  static constexpr std::size_t reserved_bytes_min = 32 * 1024 * 1024;
  static constexpr unsigned mapped_max = 8192;  // of the process, which has some 65,000 mappings: each is two
  std::size_t reserved_bytes() const noexcept { return std::max(reserved_bytes_min, usual_bytes_); }
  Buffer* lend_growing(std::size_t bytes) noexcept;
  Buffer* map() noexcept;
  bool expose(Buffer& buffer, std::size_t bytes) noexcept;

  Limits limits_;
  std::size_t usual_bytes_;
  std::size_t lent_ = 0;
  std::size_t lent_lately_ = 0;  // the most since the last trim()
  std::size_t lent_before_ = 0;  // the most between the two last ones
  std::size_t kept_ = 0;
  bool has_excess_ = false;
  bool grew_lately_ = false;  // beyond the usual size, since the last trim()
  bool grew_before_ = false;  // between the two last ones
  std::array<Buffer*, class_count + 1> free_{};
};

}  // namespace parley::detail
