// What waits for room in a stream's transport: the rest of what was sent, in order.
#pragma once

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <parley/bytes.h>
#include <parley/detail/context.h>

namespace parley::detail {

class Unsent {
 public:
  bool empty() const noexcept { return chunks_.empty(); }

  // `sender` waits until they have gone, and owns them.
  void add(Bytes rest, Context& sender) { chunks_.push_back({rest, &sender, nullptr}); }
  void add_copy(Bytes rest) {
    chunks_.push_back({rest, nullptr, nullptr});
    chunks_.back().keep();
  }

  // Sends with send(Bytes), which returns how much was taken, until there is no room; < 0 is its error.
  template <class Send>
  std::ptrdiff_t pump(Send send) {
    while (!chunks_.empty()) {
      Chunk& chunk = chunks_.front();
      const std::ptrdiff_t sent = send(chunk.rest);
      if (sent < 0) return sent;
      chunk.rest = chunk.rest.subspan(static_cast<std::size_t>(sent));
      if (!chunk.rest.empty()) return 0;
      if (chunk.sender) chunk.sender->ready();
      chunks_.erase(chunks_.begin());
    }
    return 0;
  }

  // Nothing of it goes any more.
  void fail(Error error) noexcept {
    for (Chunk& chunk : chunks_) {
      if (chunk.sender) chunk.sender->ready(error);
    }
    chunks_.clear();
  }

  // The sender does not wait any more; its bytes still go.
  void forget(const Context& sender) {
    for (Chunk& chunk : chunks_) {
      if (chunk.sender == &sender) chunk.keep();
    }
  }
  bool has_sender() const noexcept {
    for (const Chunk& chunk : chunks_) {
      if (chunk.sender) return true;
    }
    return false;
  }

 private:
  struct Chunk {
    void keep() {
      copy = std::make_unique_for_overwrite<std::byte[]>(rest.size());
      std::memcpy(copy.get(), rest.data(), rest.size());
      rest = Bytes(copy.get(), rest.size());
      sender = nullptr;
    }

    Bytes rest;
    Context* sender;
    std::unique_ptr<std::byte[]> copy;
  };

  std::vector<Chunk> chunks_;
};

}  // namespace parley::detail
