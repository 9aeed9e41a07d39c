#include "ws/broadcast.h"

#include <algorithm>
#include <utility>

#include "base/copy.h"
#include "ws/compression.h"

namespace parley::ws {

using codec::FrameBits;

namespace {

SharedFrame write(std::byte* place, SharedBytes memory, FrameBits bits, Bytes payload) noexcept {
  const std::size_t head_bytes = codec::write_head(place, bits, payload.size(), false, 0);
  copy_bytes(payload, place + head_bytes);
  return {{place, head_bytes + payload.size()}, head_bytes, std::move(memory)};
}

std::size_t frame_bytes(Bytes payload) noexcept { return codec::head_bytes(payload.size(), false) + payload.size(); }

SharedFrame write_apart(FrameBits bits, Bytes payload) {
  auto memory = std::make_shared_for_overwrite<std::byte[]>(frame_bytes(payload));
  std::byte* const place = memory.get();
  return write(place, std::move(memory), bits, payload);
}

}  // namespace

std::byte* Gathered::room(std::size_t bytes) noexcept {
  if (!has_room(bytes)) return nullptr;
  if (!bytes_) bytes_ = std::make_unique_for_overwrite<std::byte[]>(bytes_max);
  return bytes_.get() + std::exchange(used_, used_ + bytes);
}

Broadcast::Broadcast(const Message& message, const SharedFrame& frame, Gathered& gathered)
    : message_(message), gathered_(gathered) {
  if (frame.bytes.size() > gathered_frame_bytes_max) plain_ = frame;
}

SharedFrame Broadcast::frame_of(const Message& message) { return write_apart(whole(message.kind()), message.bytes()); }

std::size_t Broadcast::gathered_bytes(const Message& message) noexcept {
  const std::size_t bytes = frame_bytes(message.bytes());
  return bytes <= gathered_frame_bytes_max ? bytes : 0;
}

SharedFrame Broadcast::make(FrameBits bits, Bytes payload) const {
  const std::size_t bytes = frame_bytes(payload);
  std::byte* const room = bytes <= gathered_frame_bytes_max ? gathered_.room(bytes) : nullptr;
  return room ? write(room, nullptr, bits, payload) : write_apart(bits, payload);
}

const SharedFrame& Broadcast::plain() {
  if (!plain_) plain_ = make(whole(message_.kind()), message_.bytes());
  return *plain_;
}

const SharedFrame* Broadcast::deflated(const codec::DeflateSettings& settings, codec::DeflateEngines& engines) {
  const auto is_it = [&](const Variant& made) {
    return made.window_bits == settings.window_bits && made.level == settings.level;
  };
  auto made = std::ranges::find_if(deflated_, is_it);
  if (made == deflated_.end()) {
    made = deflated_.insert(made, {settings.window_bits, settings.level, std::nullopt});
    codec::Deflater deflater({settings.window_bits, false, settings.level}, engines);
    Deflated bytes;
    if (deflater.compress(message_.bytes(), codec::Deflater::Flush::message, bytes) == codec::Deflater::Made::bytes) {
      const FrameBits bits{static_cast<std::uint8_t>(whole(message_.kind()).value | FrameBits::rsv1_bit)};
      made->frame = make(bits, {bytes.data + codec::head_bytes_max, bytes.payload_bytes()});
    }
  }
  return made->frame ? &*made->frame : nullptr;
}

}  // namespace parley::ws
