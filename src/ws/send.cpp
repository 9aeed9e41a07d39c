// The sending half of a session.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/copy.h"
#include "ws/sessions.h"

namespace parley::ws {

using codec::FrameBits;
using codec::Opcode;

namespace {

// Smaller messages are copied into the loop's cork and leave together; larger ones leave at once from where they lie.
constexpr std::size_t cork_copy_bytes_max = 4096;
// Answers to pings that wait beyond the queue's own maximum. RFC 6455, 5.5.3: "the endpoint MAY elect to send a Pong
// frame for only the most recently processed Ping frame", so more of them are not kept.
constexpr std::size_t control_queue_bytes_max = 4096;
// Of the queue, in one system call.
constexpr std::size_t parts_max = 16;

// A message in one frame: part of one must not be dropped.
bool is_whole(FrameBits bits) noexcept {
  return bits.fin() && !bits.is_control() && bits.opcode() != Opcode::continuation;
}

}  // namespace

void keep(Bytes& bytes, std::unique_ptr<std::byte[]>& copy) {
  copy = std::make_unique_for_overwrite<std::byte[]>(bytes.size());
  copy_bytes(bytes, copy.get());
  bytes = {copy.get(), bytes.size()};
}

// "The endpoint MUST ensure the WebSocket connection is in the OPEN state" (6.1); "The application MUST NOT send any
// more data frames after sending a Close frame." (5.5.1)
[[gnu::hot]] bool SessionCore::send(Context& context, std::coroutine_handle<> waiter, const Message& message,
                                    Compress compress) noexcept {
  if (!is_open()) [[unlikely]] {
    context.set(Error{how_ == Errc::none ? Errc::end : how_, 0});
    return false;
  }
  context.set({});
  active_ = static_cast<std::uint16_t>(shared_.sessions.second());
  FrameBits bits = whole(message.kind());
  const bool compressed = deflate_ && is_worth_it(message, true, compress);
  if (compressed) bits.value |= FrameBits::rsv1_bit | to_deflate_bit;
  // "The fragments of one message MUST NOT be interleaved between the fragments of another message" (5.4)
  if (fragmenting_) [[unlikely]]
    return wait_for_room(context, waiter, bits, message.bytes());
  if (has_queue()) [[unlikely]]
    return send_queued(context, waiter, bits, message.bytes());
  if (compressed) return write_made(context, bits, message.bytes()), false;
  if (message.size() <= cork_copy_bytes_max && write_corked(bits, message.bytes())) [[likely]]
    return false;
  return write_through(context, waiter, bits, message.bytes());
}

// In the loop's cork, or null: it can't be there.
[[gnu::hot]] std::byte* SessionCore::room(std::size_t bytes) noexcept {
  if (std::byte* room = shared_.core.cork(*this, bytes)) [[likely]]
    return room;
  shared_.core.flush_cork();
  return has_queue() || how_ != Errc::none ? nullptr : shared_.core.cork(*this, bytes);
}

// Into the loop's cork: it leaves at the end of this turn, with what else there is by then.
// "a client MUST mask all frames that it sends to the server", "A server MUST NOT mask any frames that it sends to the
// client." (5.1)
[[gnu::hot]] bool SessionCore::write_corked(FrameBits bits, Bytes payload) noexcept {
  const bool masked = shared_.role == Role::client;
  const codec::MaskKey key = masked ? shared_.keys.next() : 0;
  const std::size_t head_bytes = codec::head_bytes(payload.size(), masked);
  std::byte* const room = this->room(head_bytes + payload.size());
  if (!room) return false;
  if (shared_.observer) [[unlikely]]
    watch(true, bits, payload, payload.size());
  codec::write_head(room, bits, payload.size(), masked, key);
  copy_bytes(payload, room + head_bytes);
  if (masked) codec::mask(std::span(room + head_bytes, payload.size()), key);
  return true;
}

[[gnu::hot]] std::ptrdiff_t SessionCore::send_corked(Bytes bytes) noexcept {
  if (!stream_) [[unlikely]]
    return std::ssize(bytes);
  return has_queue() ? 0 : stream_->write(bytes);
}

void SessionCore::sent_partly(Bytes bytes, std::ptrdiff_t sent) noexcept {
  Queued queued{.rest = bytes.subspan(taken(sent, bytes.size()))};
  if (queued.rest.empty()) return;
  keep(queued.rest, queued.copy);
  enqueue(std::move(queued));
}

// What the stream took of `all` bytes. If that failed the session is lost, and all counts as taken.
std::size_t SessionCore::taken(std::ptrdiff_t written, std::size_t all) noexcept {
  if (written >= 0) [[likely]]
    return static_cast<std::size_t>(written);
  lost(Error::from_errno(static_cast<int>(-written)));  // which empties the queue, where the parts may lie
  return all;
}

// At once, from where it lies; the rest stays there while the sender waits.
[[gnu::hot]] bool SessionCore::write_through(Context& context, std::coroutine_handle<> waiter, FrameBits bits,
                                             Bytes payload) noexcept {
  shared_.core.flush_cork();
  if (has_queue()) return send_queued(context, waiter, bits, payload);
  if (how_ != Errc::none) {
    context.set(Error{how_, 0});
    return false;
  }
  if (shared_.role == Role::client) return write_made(context, bits, payload), false;
  std::array<std::byte, codec::head_bytes_max> head;
  const std::size_t head_bytes = codec::write_head(head.data(), bits, payload.size(), false, 0);
  if (shared_.observer) [[unlikely]]
    watch(true, bits, payload, payload.size());
  const std::array<Bytes, 2> parts{Bytes(head.data(), head_bytes), payload};
  const std::size_t written = taken(stream_->write(parts), head_bytes + payload.size());
  if (written == head_bytes + payload.size()) [[likely]] {
  } else if (written < head_bytes || shared_.limits.when_full != WhenFull::wait || !context.wait(*this, waiter)) {
    auto copy = std::make_unique_for_overwrite<std::byte[]>(head_bytes + payload.size() - written);
    const std::size_t head_left = head_bytes - std::min(written, head_bytes);
    const Bytes payload_left = payload.subspan(written - std::min(written, head_bytes));
    std::memcpy(copy.get(), head.data() + head_bytes - head_left, head_left);
    copy_bytes(payload_left, copy.get() + head_left);
    const Bytes rest(copy.get(), head_left + payload_left.size());
    enqueue({.rest = rest, .copy = std::move(copy), .messages = written == 0 && is_whole(bits) ? 1u : 0u});
  } else {
    enqueue({.rest = payload.subspan(written - head_bytes), .sender = &context});
    return true;
  }
  if (how_ != Errc::none) context.set(Error{how_, 0});
  return false;
}

// What is sent is not what lies there, but masked or compressed.
void SessionCore::write_made(Context& context, FrameBits bits, Bytes payload) noexcept {
  Queued made = frame(bits, payload);
  std::byte* const room = made.rest.size() <= cork_copy_bytes_max && !has_queue() && how_ == Errc::none
                              ? this->room(made.rest.size())
                              : nullptr;
  if (room) {
    copy_bytes(made.rest, room);
    return;
  }
  shared_.core.flush_cork();
  if (!has_queue() && stream_) made.rest = made.rest.subspan(taken(stream_->write(made.rest), made.rest.size()));
  enqueue(std::move(made));
  if (how_ != Errc::none) context.set(Error{how_, 0});
}

Queued SessionCore::frame(FrameBits bits, Bytes payload) {
  if (bits.value & to_deflate_bit) return deflated_frame(bits, payload);
  if (shared_.observer) [[unlikely]]
    watch(true, bits, payload, payload.size());
  const bool masked = shared_.role == Role::client;
  const codec::MaskKey key = masked ? shared_.keys.next() : 0;
  const std::size_t head_bytes = codec::head_bytes(payload.size(), masked);
  auto copy = std::make_unique_for_overwrite<std::byte[]>(head_bytes + payload.size());
  codec::write_head(copy.get(), bits, payload.size(), masked, key);
  copy_bytes(payload, copy.get() + head_bytes);
  if (masked) codec::mask(std::span(copy.get() + head_bytes, payload.size()), key);
  const Bytes made(copy.get(), head_bytes + payload.size());
  return {.rest = made, .copy = std::move(copy), .messages = is_whole(bits) ? 1u : 0u};
}

void SessionCore::enqueue(Queued queued) {
  if (shared_.core.corked == this) shared_.core.flush_cork();  // what was sent before leaves before
  if (!stream_ || queued.rest.empty()) return;
  append(std::move(queued));
  if (rare_->queue.size() == 1) stream_->tell_writable(true);
}

void SessionCore::append(Queued queued) {
  rare().queue_bytes += queued.rest.size();
  rare_->queue.push_back(std::move(queued));
}

// What was published for it may have room, and be gone after this.
bool SessionCore::is_full() noexcept {
  const auto is_it = [&] {
    return !rare_->waiting.empty() || (has_queue() && rare_->queue_bytes >= shared_.limits.queue_bytes_max);
  };
  if (is_it() && rare_->fresh > 0) flush_published();
  return is_it() || !stream_;
}

// The stream has no room now.
bool SessionCore::send_queued(Context& context, std::coroutine_handle<> waiter, FrameBits bits,
                              Bytes payload) noexcept {
  if (is_full()) {
    if (how_ != Errc::none) {
      context.set(Error{how_, 0});
      return false;
    }
    switch (shared_.limits.when_full) {
      case WhenFull::wait: return wait_for_room(context, waiter, bits, payload);
      case WhenFull::drop_newest:
        rare_->dropped += 1;
        context.set(Error{Errc::too_large, 0});
        return false;
      case WhenFull::drop_oldest: drop_oldest(); break;
      case WhenFull::close:
        (void)close(1008, "messages are not read fast enough");
        context.set(Error{Errc::too_large, 0});
        return false;
    }
  }
  if (!has_queue()) return write_made(context, bits, payload), false;
  enqueue(frame(bits, payload));
  return false;
}

// The message goes when its turn comes, also if its sender can't wait for that.
bool SessionCore::wait_for_room(Context& context, std::coroutine_handle<> waiter, FrameBits bits,
                                Bytes payload) noexcept {
  const bool waits = context.wait(*this, waiter);
  keep_waiting(bits, payload, waits ? &context : nullptr);
  return waits;
}

void SessionCore::keep_waiting(FrameBits bits, Bytes payload, Context* sender) {
  rare().waiting.push_back({.bits = bits, .payload = payload, .sender = sender});
  rare_->waiting_bytes += payload.size();
  if (!sender) keep(rare_->waiting.back().payload, rare_->waiting.back().copy);
}

void SessionCore::release_waiting(std::size_t queue_bytes_max) noexcept {
  while (!fragmenting_ && !rare_->waiting.empty() && rare_->queue_bytes < queue_bytes_max) {
    Waiting next = std::move(rare_->waiting.front());
    rare_->waiting.pop_front();
    rare_->waiting_bytes -= next.payload.size();
    if (next.sender) next.sender->ready();
    enqueue(frame(next.bits, next.payload));
  }
}

bool SessionCore::send_some(Context& context, std::coroutine_handle<> waiter, const Message& part, bool last,
                            Compress compress) noexcept {
  if (!is_open()) {
    context.set(Error{how_ == Errc::none ? Errc::end : how_, 0});
    return false;
  }
  context.set({});
  active_ = static_cast<std::uint16_t>(shared_.sessions.second());
  // "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by
  // zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN
  // bit set and an opcode of 0." (5.4)
  if (!fragmenting_ && rare_) release_waiting(SIZE_MAX);  // what was sent before leaves before
  FrameBits bits = whole(part.kind());
  const bool compressed = deflate_ && (fragmenting_ ? rare_->compression->sending : is_worth_it(part, last, compress));
  if (fragmenting_) bits.value = FrameBits::fin_bit | static_cast<std::uint8_t>(Opcode::continuation);
  if (!last) bits.value &= static_cast<std::uint8_t>(~FrameBits::fin_bit);
  if (compressed) bits.value |= fragmenting_ ? to_deflate_bit : FrameBits::rsv1_bit | to_deflate_bit;
  if (deflate_) rare_->compression->sending = compressed && !last;
  fragmenting_ = !last;
  bool waits = false;
  if (compressed && !has_queue()) {
    write_made(context, bits, part.bytes());
    waits = wait_for_queue(context, waiter);
  } else if (has_queue() || part.size() > cork_copy_bytes_max || !write_corked(bits, part.bytes())) {
    shared_.core.flush_cork();
    if (has_queue() || shared_.role == Role::client) {
      write_made(context, bits, part.bytes());
      waits = wait_for_queue(context, waiter);
    } else {
      waits = write_through(context, waiter, bits, part.bytes());
    }
  }
  if (last && rare_ && stream_) release_waiting(shared_.limits.queue_bytes_max);
  return waits;
}

// After part of a message was queued, which is never dropped: above the queue's maximum its sender waits until it has
// gone.
bool SessionCore::wait_for_queue(Context& context, std::coroutine_handle<> waiter) noexcept {
  if (!has_queue() || rare_->queue_bytes < shared_.limits.queue_bytes_max) return false;
  if (rare_->fresh > 0) return flush_published(), wait_for_queue(context, waiter);
  if (shared_.limits.when_full == WhenFull::close) {
    (void)close(1008, "messages are not read fast enough");
    context.set(Error{Errc::too_large, 0});
    return false;
  }
  Queued& part = rare_->queue.back();
  if (part.sender || !context.wait(*this, waiter)) return false;
  part.sender = &context;
  return true;
}

bool SessionCore::ping(Context& context, std::coroutine_handle<> waiter) noexcept {
  if (!is_open() || rare().pinger) {
    context.set(Error{!is_open() ? (how_ == Errc::none ? Errc::end : how_) : Errc::already, 0});
    return false;
  }
  if (!context.wait(*this, waiter)) return false;
  rare_->pinger = &context;
  rare_->ping_number += 1;
  send_control(Opcode::ping, std::as_bytes(std::span(&rare_->ping_number, 1)), true);
  return true;
}

// "A Pong frame sent in response to a Ping frame must have identical "Application data" as found in the message body of
// the Ping frame being replied to." (5.5.3)
void SessionCore::got_pong(Bytes payload) noexcept {
  if (!rare_ || !rare_->pinger) return;
  if (!std::ranges::equal(payload, std::as_bytes(std::span(&rare_->ping_number, 1)))) return;
  std::exchange(rare_->pinger, nullptr)->ready();
}

// To make room for what is to come behind those that wait.
void SessionCore::drop_oldest() noexcept {
  auto& queue = rare_->queue;
  if (queue.empty()) return;
  for (auto at = std::next(queue.begin()); at != queue.end() && rare_->queue_bytes >= shared_.limits.queue_bytes_max;) {
    if (at->messages == 0) {
      ++at;
      continue;
    }
    rare_->queue_bytes -= at->rest.size();
    rare_->dropped += at->messages;
    rare_->fresh -= at->is_fresh ? 1 : 0;
    at = queue.erase(at);
  }
  release_waiting(SIZE_MAX);
}

void SessionCore::send_control(Opcode opcode, Bytes payload, bool always) noexcept {
  if (sent_close_ || !stream_) return;
  const FrameBits bits{static_cast<std::uint8_t>(FrameBits::fin_bit | static_cast<std::uint8_t>(opcode))};
  if (!has_queue() && write_corked(bits, payload)) return;
  if (!stream_) return;
  const std::size_t bytes_max = shared_.limits.queue_bytes_max + control_queue_bytes_max;
  if (rare().queue_bytes >= bytes_max && rare_->fresh > 0) flush_published();
  if (rare_->queue_bytes >= bytes_max && !always) return;
  enqueue(frame(bits, payload));
}

// There is room because the peer's system took what was sent before: a sign of life, though nothing was heard. A
// message that takes longer than keepalive_seconds and pong_seconds to leave holds up the ping, too.
void SessionCore::writable() noexcept {
  heard_ = static_cast<std::uint16_t>(shared_.sessions.second());
  pinged_ = false;
  pump();
}

void SessionCore::pump() noexcept {
  while (has_queue()) {
    std::array<Bytes, parts_max> parts;
    std::size_t count = 0;
    std::size_t all = 0;
    for (auto at = rare_->queue.begin(); at != rare_->queue.end() && count < parts_max; ++at) {
      parts[count++] = at->rest;
      all += at->rest.size();
    }
    const std::size_t written =
        taken(count == 1 ? stream_->write(parts[0]) : stream_->write({parts.data(), count}), all);
    if (!stream_) return;
    sent_of_queue(written);
    if (written < all) break;
  }
  stream_->tell_writable(has_queue());
  if (!has_queue() && how_ != Errc::none) finish_stream();
}

void SessionCore::sent_of_queue(std::size_t bytes) noexcept {
  rare_->queue_bytes -= bytes;
  while (bytes > 0) {
    Queued& front = rare_->queue.front();
    const std::size_t taken = std::min(bytes, front.rest.size());
    bytes -= taken;
    front.rest = front.rest.subspan(taken);
    front.messages = 0;
    if (!front.rest.empty()) break;
    if (front.sender) front.sender->ready();
    rare_->fresh -= front.is_fresh ? 1 : 0;
    rare_->queue.pop_front();
  }
  release_waiting(shared_.limits.queue_bytes_max);
}

void SessionCore::stop(Context& context, Stop level, Errc reason) noexcept {
  if (is_read_in(context)) {
    forget_reader(reason);
    return context.ready(Error{reason, 0});
  }
  if (level != Stop::all) return;
  if (&context == rare_->pinger) rare_->pinger = nullptr;
  for (Queued& queued : rare_->queue) {
    if (queued.sender != &context) continue;
    if (!queued.copy) keep(queued.rest, queued.copy);
    queued.sender = nullptr;
  }
  for (Waiting& waiting : rare_->waiting) {
    if (waiting.sender != &context) continue;
    keep(waiting.payload, waiting.copy);
    waiting.sender = nullptr;
  }
  context.ready(Error{reason, 0});
}

}  // namespace parley::ws
