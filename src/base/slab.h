// A slab: objects of one type that lie side by side and can all be visited. For each of them that costs one bit, and no
// links in the object.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "base/sanitize.h"

namespace parley {

// Places for objects of type T, which whoever takes one makes and destroys. Memory is never returned before the slab
// ends, and then no place may be taken.
template <class T>
class Slab {
 public:
  static constexpr std::size_t block_bytes = 4096;  // a page, so that what is not used is not resident

  Slab() noexcept = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (void* chunk : chunks_) {
      detail::unpoison(chunk, chunk_bytes);
      ::operator delete(chunk, std::align_val_t{block_bytes});
    }
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void* take() {
    if (!with_room_) with_room_ = fresh_block();
    Block& block = *with_room_;
    std::size_t word = 0;
    while (block.room[word] == 0) ++word;
    const auto bit = static_cast<std::size_t>(std::countr_zero(block.room[word]));
    block.room[word] &= block.room[word] - 1;
    if (block.is_full()) with_room_ = block.next;
    size_ += 1;
    void* place = block.place(word * word_bits + bit);
    detail::unpoison(place, sizeof(T));
    return place;
  }

  void give_back(void* place) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    auto& block = *reinterpret_cast<Block*>(address - address % block_bytes);
    const auto index = static_cast<std::size_t>(static_cast<std::byte*>(place) - block.places) / sizeof(T);
    if (block.is_full()) {
      block.next = with_room_;
      with_room_ = &block;
    }
    block.room[index / word_bits] |= std::uint64_t{1} << index % word_bits;
    size_ -= 1;
    detail::poison(place, sizeof(T));
  }

  // `visit` may take places, which are visited or not, and give back any, which are not visited then.
  template <class F>
  void for_each(F visit) {
    for (std::size_t i = 0; i < blocks_; ++i) {
      Block& block = *block_at(i);
      for (std::size_t word = 0; word < Block::words; ++word) {
        for (std::uint64_t left = block.taken(word); left != 0; left &= left - 1) {
          const std::size_t index = word * word_bits + static_cast<std::size_t>(std::countr_zero(left));
          if (!block.has_room(index)) visit(*reinterpret_cast<T*>(block.place(index)));
        }
      }
    }
  }

 private:
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t chunk_blocks = 64;
  static constexpr std::size_t chunk_bytes = chunk_blocks * block_bytes;  // the system's allocator maps so much apart

  struct Block {
    static constexpr std::size_t words = block_bytes / sizeof(T) / word_bits + 1;
    static constexpr std::size_t count = (block_bytes - sizeof(void*) - words * sizeof(std::uint64_t)) / sizeof(T);

    Block() noexcept {
      for (std::size_t word = 0; word < words; ++word) room[word] = all(word);
      detail::poison(places, sizeof places);
    }
    // The bits of a word that stand for places.
    static constexpr std::uint64_t all(std::size_t word) noexcept {
      const std::size_t places_left = count > word * word_bits ? count - word * word_bits : 0;
      return places_left >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << places_left) - 1;
    }
    std::uint64_t taken(std::size_t word) const noexcept { return all(word) & ~room[word]; }
    bool has_room(std::size_t index) const noexcept { return room[index / word_bits] >> index % word_bits & 1; }
    bool is_full() const noexcept {
      for (const std::uint64_t word : room) {
        if (word != 0) return false;
      }
      return true;
    }
    std::byte* place(std::size_t index) noexcept { return places + index * sizeof(T); }

    Block* next = nullptr;  // in the list of those with room
    std::array<std::uint64_t, words> room{};
    alignas(T) std::byte places[count * sizeof(T)];
  };
  static_assert(sizeof(Block) <= block_bytes);
  static_assert(Block::count >= 8, "too large to share a page with others");

  Block* block_at(std::size_t index) noexcept {
    std::byte* chunk = chunks_[index / chunk_blocks];
    return reinterpret_cast<Block*>(chunk + index % chunk_blocks * block_bytes);
  }
  Block* fresh_block() {
    if (blocks_ == chunks_.size() * chunk_blocks) {
      chunks_.reserve(chunks_.size() + 1);
      chunks_.push_back(static_cast<std::byte*>(::operator new(chunk_bytes, std::align_val_t{block_bytes})));
    }
    blocks_ += 1;
    return new (block_at(blocks_ - 1)) Block;
  }

  std::vector<std::byte*> chunks_;
  std::size_t blocks_ = 0;  // that have been begun
  Block* with_room_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace parley
