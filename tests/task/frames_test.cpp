// The memory of coroutine frames, on one thread.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/task.h>

#include "base/sanitize.h"

namespace parley::detail {
namespace {

bool is_aligned(const void* memory, std::size_t to) { return reinterpret_cast<std::uintptr_t>(memory) % to == 0; }

TEST(Frames, each_size_is_usable_to_its_last_byte_and_apart_from_all_others) {
  std::set<std::pair<std::byte*, std::size_t>> taken;
  for (std::size_t bytes = 1; bytes < 2000; bytes += 3) {
    auto* memory = static_cast<std::byte*>(frame_allocate(bytes));
    std::fill_n(memory, bytes, std::byte{0xee});
    taken.emplace(memory, bytes);
  }
  const std::byte* end = nullptr;
  for (const auto& [memory, bytes] : taken) {
    EXPECT_LE(end, memory);
    end = memory + bytes;
  }
  for (const auto& [memory, bytes] : taken) frame_free(memory, bytes);
}

TEST(Frames, what_was_freed_is_used_again) {
#ifdef PARLEY_SANITIZER
  GTEST_SKIP() << "under a sanitizer nothing is pooled";
#endif
  void* first = frame_allocate(136);
  frame_free(first, 136);
  void* second = frame_allocate(129);
  EXPECT_EQ(first, second);
  frame_free(second, 129);
}

TEST(Frames, memory_for_what_needs_16_bytes_alignment_has_it) {
  std::vector<std::pair<void*, std::size_t>> taken;
  for (int round = 0; round < 100; ++round) {
    for (const std::size_t bytes : {56u, 48u, 136u, 8u, 144u, 24u, 1024u, 1000u, 1016u, 16u}) {
      void* memory = frame_allocate(bytes);
      EXPECT_TRUE(is_aligned(memory, bytes % 16 == 0 ? 16 : 8));
      taken.emplace_back(memory, bytes);
    }
  }
  for (const auto& [memory, bytes] : taken) frame_free(memory, bytes);
}

struct alignas(16) Aligned {  // on the type: g++ 12 ignores an alignas of a task's variable
  std::array<unsigned char, 24> bytes;
};

Task<> hold_aligned(int depth) {
  Aligned local{};
  co_await yield();
  EXPECT_TRUE(is_aligned(&local, 16)) << "at depth " << depth;
  if (depth > 0) co_await hold_aligned(depth - 1);
  local.bytes[0] = 1;
}

Task<> hold_other(int depth) {
  void* odd = frame_allocate(8);  // what follows it must not be carved 8 bytes further
  if (depth > 0) co_await hold_aligned(depth - 1);
  frame_free(odd, 8);
}

TEST(Frames, a_local_variable_of_a_task_is_aligned_as_its_type_says) {
  Loop loop;
  for (int depth = 0; depth < 20; ++depth) {
    ASSERT_TRUE(loop.run(hold_other(depth)));
  }
}

}  // namespace
}  // namespace parley::detail
