// Frames that are freed on another thread than they came from, and threads that end meanwhile.
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <parley/loop.h>
#include <parley/task.h>

namespace parley::detail {
namespace {

struct Block {
  unsigned char* memory;
  std::size_t bytes;
};

std::vector<Block> take_blocks(std::size_t count, unsigned char mark) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bytes = 8 + i * 8 % 1100;
    auto* memory = static_cast<unsigned char*>(frame_allocate(bytes));
    std::memset(memory, mark, bytes);
    blocks.push_back({memory, bytes});
  }
  return blocks;
}

bool all_are(const std::vector<Block>& blocks, unsigned char mark) {
  for (const Block& block : blocks) {
    for (std::size_t i = 0; i < block.bytes; ++i) {
      if (block.memory[i] != mark) return false;
    }
  }
  return true;
}

void free_blocks(std::vector<Block>& blocks) {
  for (const Block& block : blocks) frame_free(block.memory, block.bytes);
  blocks.clear();
}

TEST(FramesThreads, a_thread_may_end_before_its_frames_are_freed_elsewhere) {
  constexpr std::size_t count = 500;
  for (unsigned char round = 1; round < 10; ++round) {
    std::vector<Block> first;
    std::vector<Block> second;
    std::jthread([&] { first = take_blocks(count, round); }).join();
    // It has the list of the thread before, but not what is still in use.
    std::jthread([&] { second = take_blocks(count, static_cast<unsigned char>(round + 100)); }).join();
    EXPECT_TRUE(all_are(first, round));
    EXPECT_TRUE(all_are(second, static_cast<unsigned char>(round + 100)));
    std::jthread other([&] { free_blocks(first); });
    free_blocks(second);
  }
}

TEST(FramesThreads, threads_allocate_and_free_at_the_same_time) {
  auto work = [](unsigned char mark) {
    for (int round = 0; round < 20; ++round) {
      auto blocks = take_blocks(200, mark);
      EXPECT_TRUE(all_are(blocks, mark));
      free_blocks(blocks);
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned char mark = 1; mark <= 4; ++mark) threads.emplace_back(work, mark);
}

// Made before the thread's first frame, so destroyed after the thread's own list was passed on.
struct FreesLate {
  ~FreesLate() {
    free_blocks(blocks);
    auto more = take_blocks(100, 7);
    EXPECT_TRUE(all_are(more, 7));
    free_blocks(more);
  }
  std::vector<Block> blocks;
};

TEST(FramesThreads, what_a_thread_destroys_at_its_very_end_may_still_have_frames) {
  auto work = [] {
    thread_local FreesLate late;
    late.blocks = take_blocks(100, 1);
  };
  std::jthread a(work);
  std::jthread b(work);
  auto blocks = take_blocks(100, 2);
  free_blocks(blocks);
}

Task<int> run_a_while() {
  int turns = 0;
  for (int i = 0; i < 100; ++i) {
    co_await yield();
    ++turns;
  }
  co_return turns;
}

TEST(FramesThreads, a_loop_a_thread) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([] {
      Loop loop;
      EXPECT_EQ(loop.run(run_a_while()), 100);
    });
  }
}

}  // namespace
}  // namespace parley::detail
