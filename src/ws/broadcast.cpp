#include "ws/broadcast.h"

#include <algorithm>
#include <utility>

#include "base/copy.h"
#include "ws/compression.h"

namespace parley::ws {

using codec::FrameBits;

namespace {

SharedFrame write(std::byte* place, FrameBits bits, Bytes payload) noexcept {
  const std::size_t head_bytes = codec::write_head(place, bits, payload.size(), false, 0);
  copy_bytes(payload, place + head_bytes);
  return {.bytes = {place, head_bytes + payload.size()}, .head_bytes = head_bytes};
}

std::size_t frame_bytes(Bytes payload) noexcept { return codec::head_bytes(payload.size(), false) + payload.size(); }

SharedFrame write_apart(FrameBits bits, Bytes payload) {
  auto memory = std::make_shared_for_overwrite<std::byte[]>(frame_bytes(payload));
  SharedFrame frame = write(memory.get(), bits, payload);
  frame.memory = std::move(memory);
  return frame;
}

}  // namespace

Gathered::Place Gathered::room(std::size_t bytes) {
  if (!memory_ || bytes > bytes_max - used_) {
    if (memory_.use_count() != 1) memory_ = std::make_shared_for_overwrite<std::byte[]>(bytes_max);
    used_ = 0;
  }
  return {memory_.get() + std::exchange(used_, used_ + bytes), memory_};
}

void Gathered::reuse() noexcept {
  if (memory_.use_count() == 1) used_ = 0;
}

Broadcast::Broadcast(const Message& message, const SharedFrame& frame, Gathered& gathered)
    : message_(message), gathered_(gathered) {
  if (frame.bytes.size() > gathered_frame_bytes_max) plain_ = frame;
}

SharedFrame Broadcast::frame_of(const Message& message) { return write_apart(whole(message.kind()), message.bytes()); }

SharedFrame Broadcast::make(FrameBits bits, Bytes payload) const {
  if (frame_bytes(payload) > gathered_frame_bytes_max) return write_apart(bits, payload);
  Gathered::Place place = gathered_.room(frame_bytes(payload));
  SharedFrame frame = write(place.data, bits, payload);
  frame.memory = std::move(place.memory);
  frame.is_gathered = true;
  return frame;
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
