// permessage-deflate of one session: its two engines, and the message that is being inflated.
#pragma once

#include <cstddef>
#include <memory>

#include <parley/ws/deflate.h>

#include "codec/deflate.h"
#include "codec/extension.h"
#include "codec/frame.h"
#include "io/core.h"

namespace parley::ws {

// Are the numbers ones that zlib and RFC 7692 know?
bool is_sound(const DeflateOptions& options) noexcept;

// What compresses and inflates for the sessions of a loop.
codec::DeflateEngines& engines_of(detail::Core& core);

// What `role` asks for: no context for what it receives if the loop has no room for the window.
codec::DeflateParameters wishes(detail::Core& core, codec::Role role, const DeflateOptions& options);

// What a compressed message becomes: a buffer of the loop's, lent while there is something in it. When that grows, only
// its last bytes move at once.
class Inflated final : public codec::Output {
 public:
  explicit Inflated(detail::BufferPool& pool) noexcept : pool_(pool) {}
  ~Inflated() { release(); }
  Inflated(const Inflated&) = delete;
  Inflated& operator=(const Inflated&) = delete;

  bool grow(std::size_t bytes) noexcept override;
  // Moves some of the others. False: there are more.
  bool move_some() noexcept;
  void release() noexcept;

 private:
  detail::BufferPool& pool_;
  detail::Buffer* buffer_ = nullptr;
  detail::Buffer* before_ = nullptr;  // the narrower one, where the first bytes still are
  std::size_t to_move_ = 0;           // so many
};

// What a message becomes when it is compressed: memory of its own, with room for a frame's head in front.
class Deflated final : public codec::Output {
 public:
  Deflated() noexcept { size = codec::head_bytes_max; }

  bool grow(std::size_t bytes) noexcept override;
  std::size_t payload_bytes() const noexcept { return size - codec::head_bytes_max; }

  std::unique_ptr<std::byte[]> memory;
};

struct Compression {
  // A peer that may not get all that was compressed for it (`may_drop`) must not need any of it later.
  Compression(detail::Core& core, codec::Role role, const DeflateOptions& options,
              const codec::DeflateParameters& agreed, bool may_drop) noexcept;

  codec::Deflater deflater;
  codec::Inflater inflater;
  bool sending = false;  // send_some() has begun a message that is compressed

  Inflated message;
  Bytes rest;               // of a piece of a frame, in the stream's buffer
  bool rest_whole = false;  // it ends its message
  bool to_inflate = false;  // there is more, maybe without any `rest`
};

}  // namespace parley::ws
