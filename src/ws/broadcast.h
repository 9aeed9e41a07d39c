// One message for many sessions: framed once, compressed once for each way in which they compress, and waiting in their
// queues without a copy for each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <parley/ws/session.h>

#include "codec/deflate.h"
#include "codec/frame.h"

namespace parley::ws {

using SharedBytes = std::shared_ptr<const std::byte[]>;

// Where the frames of small messages lie, side by side: what follows one another there leaves a session in one piece.
class Gathered {
 public:
  static constexpr std::size_t bytes_max = 64 * 1024;

  // For a frame of at most so many bytes. What it lies in lives as long as somebody holds it.
  struct Place {
    std::byte* data;
    SharedBytes memory;
  };
  Place room(std::size_t bytes);
  // From the beginning again, unless somebody still holds some of it.
  void reuse() noexcept;

 private:
  std::shared_ptr<std::byte[]> memory_;
  std::size_t used_ = 0;
};

// Of a message in one frame.
inline codec::FrameBits whole(Kind kind) noexcept {
  return {static_cast<std::uint8_t>(codec::FrameBits::fin_bit | static_cast<std::uint8_t>(kind))};
}

// A frame as it leaves a server.
struct SharedFrame {
  Bytes bytes = {};
  std::size_t head_bytes = 0;
  SharedBytes memory = {};
  bool is_gathered = false;  // the memory is that of many frames: not to be kept for long

  codec::FrameBits bits() const noexcept { return {std::to_integer<std::uint8_t>(bytes[0])}; }
  Bytes payload() const noexcept { return bytes.subspan(head_bytes); }
};

class Broadcast {
 public:
  // A larger frame is not gathered: it has memory of its own, which the sessions share.
  static constexpr std::size_t gathered_frame_bytes_max = 16 * 1024;

  // Both must outlive it.
  Broadcast(const Message& message, Gathered& gathered) noexcept : message_(message), gathered_(gathered) {}
  // The same of a message whose frame was made before.
  Broadcast(const Message& message, const SharedFrame& frame, Gathered& gathered);

  // Its frame, in memory of its own: for several Broadcasts.
  static SharedFrame frame_of(const Message& message);
  const Message& message() const noexcept { return message_; }
  const SharedFrame& plain();
  // Compressed so that it refers to nothing that was sent before; null: it would not be shorter.
  const SharedFrame* deflated(const codec::DeflateSettings& settings, codec::DeflateEngines& engines);

 private:
  struct Variant {
    std::uint8_t window_bits;
    std::uint8_t level;
    std::optional<SharedFrame> frame;  // none: it would not be shorter
  };

  SharedFrame make(codec::FrameBits bits, Bytes payload) const;

  const Message& message_;
  Gathered& gathered_;
  std::optional<SharedFrame> plain_;
  std::vector<Variant> deflated_;  // seldom more than one
};

}  // namespace parley::ws
