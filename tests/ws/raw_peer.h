// The other end of a session under test: it speaks frames byte by byte, right or wrong, over a pipe in memory.
#pragma once

#include <parley/parley.h>
#include <parley/ws/session.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/frame.h"
#include "ws/session_core.h"
#include "ws/shared.h"

namespace parley::ws::testing {

using codec::Opcode;

struct Frame {
  std::uint8_t first = 0;
  std::string payload;
  bool masked = false;

  friend bool operator==(const Frame&, const Frame&) = default;
};

inline constexpr std::uint8_t fin = 0x80;

// A frame as it goes over the wire.
inline std::string wire(std::uint8_t first, std::string_view payload, bool masked) {
  constexpr codec::MaskKey key = 0x3d21fa37;  // of the examples in RFC 6455, 5.7
  std::array<std::byte, codec::head_bytes_max> head;
  const std::size_t size = codec::write_head(head.data(), {first}, payload.size(), masked, key);
  std::vector<std::byte> bytes(as_bytes(payload).begin(), as_bytes(payload).end());
  if (masked) codec::mask(bytes, key);
  return std::string(as_text(Bytes(head.data(), size))) + std::string(as_text(bytes));
}

// A pipe with a session of `role` at one end.
class Pair {
 public:
  Pair(Loop& loop, Role role, const Limits& limits = {}, const std::optional<codec::DeflateParameters>& deflate = {},
       const DeflateOptions& deflate_options = {})
      : masks_(role == Role::server), deflates_(deflate.has_value()) {
    auto ends = pipe(loop, 256 * 1024);
    peer = std::move(ends.first);
    shared_ = new Shared(loop.core(), role, limits);  // owned: released below, deletes itself
    shared_->deflate = deflate_options;
    session = SessionCore::make(std::move(ends.second), *shared_, 0);
    SessionCore::of(session).agreed({}, deflate);
  }
  ~Pair() { shared_->release(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // As the peer would send it: masked if the session is a server.
  std::string wire(std::uint8_t first, std::string_view payload) const { return testing::wire(first, payload, masks_); }
  std::string wire(Opcode opcode, std::string_view payload) const {
    return wire(static_cast<std::uint8_t>(fin | static_cast<std::uint8_t>(opcode)), payload);
  }

  // The next frame that the session sent; an empty optional at the end of the stream.
  Task<std::optional<Frame>> frame() {
    codec::FrameReader reader(masks_ ? Role::client : Role::server, deflates_);
    Frame frame;
    for (;;) {
      std::span<std::byte> bytes(unread_);
      codec::Piece piece;
      const auto before = bytes.size();
      const auto step = reader.next(bytes, piece);
      if (step == codec::FrameReader::Step::piece) {
        frame.first = piece.bits.value;
        frame.masked = !masks_;
        frame.payload += as_text(piece.bytes);
      }
      unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(before - bytes.size()));
      if (step == codec::FrameReader::Step::piece && piece.last) co_return frame;
      if (step == codec::FrameReader::Step::violation) co_return std::nullopt;
      if (step == codec::FrameReader::Step::piece) continue;
      auto received = co_await peer.receive();
      if (!received) co_return std::nullopt;
      unread_.insert(unread_.end(), received->begin(), received->end());
    }
  }

  Stream peer;
  Session session;

  Shared& shared() noexcept { return *shared_; }

 private:
  const bool masks_;
  const bool deflates_;
  Shared* shared_ = nullptr;
  std::vector<std::byte> unread_;
};

}  // namespace parley::ws::testing
