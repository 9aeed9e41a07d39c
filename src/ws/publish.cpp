// The part of a session that a hub calls: what many sessions get is queued at once, and leaves when all of it has been.
#include <utility>

#include "ws/sessions.h"

namespace parley::ws {

using codec::FrameBits;

void SessionCore::publish(Broadcast& broadcast) noexcept {
  if (shared_.core.corked == this) shared_.core.flush_cork();  // what was sent before leaves before
  if (!is_open() || !stream_ || !has_room_for_published()) return;
  active_ = static_cast<std::uint16_t>(shared_.sessions.second());
  const Message& message = broadcast.message();
  const bool compressed = deflate_ && is_worth_it(message, true, Compress::automatic);
  if (fragmenting_ || shared_.role == Role::client) {
    FrameBits bits = whole(message.kind());
    if (compressed) bits.value |= FrameBits::rsv1_bit | to_deflate_bit;
    return fragmenting_ ? keep_waiting(bits, message.bytes(), nullptr) : append_fresh(frame(bits, message.bytes()));
  }
  const SharedFrame* shared = nullptr;
  if (compressed) {
    codec::Deflater& deflater = rare_->compression->deflater;
    shared = broadcast.deflated(deflater.settings(), engines_of(shared_.core));
    if (shared) deflater.forget();  // the peer's window goes on with what ours does not have
  }
  if (!shared) shared = &broadcast.plain();
  if (shared_.observer) [[unlikely]]
    watch(true, shared->bits(), shared->payload(), shared->payload().size());
  append_fresh(*shared);
}

// What can't wait is dropped, where send() would wait.
bool SessionCore::has_room_for_published() noexcept {
  if (!rare_) return true;
  const auto is_full = [&] {
    if (rare_->queue.empty() && rare_->waiting.empty()) return false;
    const bool others_wait = !fragmenting_ && !rare_->waiting.empty();
    return others_wait || rare_->queue_bytes + rare_->waiting_bytes >= shared_.limits.queue_bytes_max;
  };
  if (!is_full()) [[likely]]
    return true;
  if (rare_->fresh > 0) {  // the peer may have room
    flush_published();
    if (!is_open() || !stream_) return false;
    if (!is_full()) return true;
  }
  if (shared_.limits.when_full == WhenFull::close) {
    (void)close(1008, "messages are not read fast enough");
    return false;
  }
  if (shared_.limits.when_full == WhenFull::drop_oldest && !fragmenting_) {
    drop_oldest();
    return true;
  }
  rare_->dropped += 1;
  return false;
}

void SessionCore::append_fresh(Queued queued) {
  if (!stream_) return;
  queued.is_fresh = true;
  append(std::move(queued));
  rare_->fresh += 1;
}

// What lies behind the last one leaves with it, in one piece.
void SessionCore::append_fresh(const SharedFrame& frame) {
  if (has_queue() && frame.is_gathered) {
    Queued& last = rare_->queue.back();
    const bool is_beside = last.is_fresh && last.shared == frame.memory;
    if (is_beside && last.rest.data() + last.rest.size() == frame.bytes.data()) {
      last.rest = {last.rest.data(), last.rest.size() + frame.bytes.size()};
      last.messages += 1;
      rare_->queue_bytes += frame.bytes.size();
      return;
    }
  }
  append_fresh({.rest = frame.bytes, .shared = frame.memory, .messages = 1, .is_gathered = frame.is_gathered});
}

// Nothing but tail calls, as for send_corked(): there is a system call below.
[[gnu::hot]] std::ptrdiff_t SessionCore::send_published() noexcept {
  if (!has_queue() || rare_->queue.size() != 1 || !rare_->queue.front().is_fresh) return 0;
  return stream_->write(rare_->queue.front().rest);
}

[[gnu::hot]] void SessionCore::sent_published(std::ptrdiff_t sent) noexcept {
  if (sent == 0) return flush_published();
  const std::size_t bytes = taken(sent, 0);
  if (!stream_) return;
  sent_of_queue(bytes);
  if (has_queue()) return flush_published();
  stream_->tell_writable(false);
  if (how_ != Errc::none) finish_stream();
}

void SessionCore::flush_published() noexcept {
  if (!has_queue()) return;
  if (rare_->queue.front().is_fresh) pump();
  for (auto at = rare_->queue.rbegin(); rare_->fresh > 0; ++at) {
    if (!std::exchange(at->is_fresh, false)) continue;
    rare_->fresh -= 1;
    if (!std::exchange(at->is_gathered, false)) continue;
    keep(at->rest, at->copy);
    at->shared = nullptr;
  }
}

}  // namespace parley::ws
