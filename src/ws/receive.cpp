// The receiving half of a session.
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "ws/sessions.h"

namespace parley::ws {

using codec::FrameBits;
using codec::FrameReader;
using codec::Opcode;

namespace {

constexpr std::uint32_t busy_room_bytes_min = 256;  // less than this, and a session whose handler is busy stops reading

}  // namespace

[[gnu::hot]] void SessionCore::arrived() noexcept {
  heard_ = static_cast<std::uint16_t>(shared_.sessions.second());
  pinged_ = false;
  if (!reader_ || later_) [[unlikely]]
    return dropped_ || how_ != Errc::none ? discard() : look_ahead();
  shared_.core.begin_share();
  if (advance()) [[likely]] {
    const Buffer* buffer = stream_ ? stream_->in : nullptr;
    if (buffer && buffer->capacity - buffer->end < busy_room_bytes_min) [[unlikely]]
      read(false);  // until the handler has taken what is there
    if (later_) [[unlikely]]
      return look_ahead();
    wake();
  } else {
    settle();
  }
}

// Nobody will look at it: only a Close frame, or the end of the stream, is of interest.
void SessionCore::discard() noexcept {
  while (how_ == Errc::none && advance()) shown_ = false;
  if (!stream_) return;
  if (how_ == Errc::none) return settle();
  release();
  if (stream_->ended.code != Errc::none) close_stream();
}

// Takes frames from the unread bytes until a message is whole, or the end is reached.
[[gnu::hot]] bool SessionCore::advance() noexcept {
  Buffer* buffer = stream_->in;
  if (buffer) [[likely]] {
    if (shared_.is_plain_server && !inbox_made_) [[likely]] {
      const codec::SimpleMessage simple = codec::simple_message(buffer->unread());
      if (simple.head_bytes != 0 && simple.payload_bytes <= shared_.limits.message_bytes_max) [[likely]] {
        const std::span payload(buffer->data() + buffer->begin + simple.head_bytes, simple.payload_bytes);
        buffer->begin += static_cast<std::uint32_t>(simple.head_bytes + simple.payload_bytes);
        if (simple.bits.opcode() == Opcode::text) {
          codec::Utf8 utf8;
          if (!utf8.feed_masked(payload, simple.key) || !utf8.is_whole()) [[unlikely]]
            return fail(Violation::not_utf8), true;
        } else {
          codec::mask(payload, simple.key);
        }
        show(*buffer, payload, static_cast<Kind>(simple.bits.opcode()));
        return true;
      }
    }
    if (buffer->begin != buffer->end && read_frames(*buffer)) return true;
  }
  if (stream_->ended.code == Errc::none) [[likely]]
    return false;
  lost(stream_->ended);
  return true;
}

void SessionCore::show(Buffer& buffer, Bytes bytes, Kind kind) noexcept {
  held(buffer).shown = {bytes.data(), bytes.size(), kind};
  shown_ = true;
}

Inbox& SessionCore::inbox(Buffer& buffer) noexcept {
  Inbox& inbox = held(buffer).inbox;
  if (!inbox_made_) {
    new (&inbox) Inbox(shared_.role, deflate_);
    inbox_made_ = true;
  } else if (rare_ && rare_->inbox) {
    inbox = *std::exchange(rare_->inbox, nullptr);
  }
  return inbox;
}

[[gnu::hot]] bool SessionCore::read_frames(Buffer& buffer) noexcept {
  unsigned controls = 0;
  Inbox& inbox = this->inbox(buffer);
  std::span<std::byte> unread(buffer.data() + buffer.begin, buffer.end - buffer.begin);
  codec::Piece piece;
  for (;;) {
    const FrameReader::Step step = inbox.frames.next(unread, piece);
    buffer.begin = buffer.end - static_cast<std::uint32_t>(unread.size());
    if (step == FrameReader::Step::starved) {
      inbox_made_ = inbox.frames.in_frame() || inbox.messages.is_open();
      return false;
    }
    if (step == FrameReader::Step::violation) return fail(inbox.frames.violation()), true;
    if (shared_.observer) [[unlikely]] {
      codec::mask(piece.bytes, std::exchange(piece.key, 0));
      if (piece.first) watch(false, piece.bits, piece.bytes, piece.bytes.size() + piece.left);
    }
    if (!piece.bits.is_control()) {
      if (take_data(buffer, inbox, piece)) return true;
    } else {
      if (take_control(piece)) return true;
      if (++controls == detail::Core::share_max && !dropped_) return go_on_later(), true;
    }
  }
}

// True when that made a message whole, or ended the session.
[[gnu::hot]] bool SessionCore::take_data(Buffer& buffer, Inbox& inbox, const codec::Piece& piece) noexcept {
  const bool begins = !inbox.messages.is_open();
  const bool compressed = begins ? piece.bits.rsv1() : inbox.messages.is_compressed();
  const std::uint64_t bytes_max = shared_.limits.message_bytes_max;
  // What does not compress becomes a little longer, and what inflates to nothing must end, too.
  const std::uint64_t slack = compressed ? std::min(bytes_max / 8 + 1024, UINT64_MAX - bytes_max) : 0;
  const codec::MessageLimits limits{parts_ ? UINT64_MAX : bytes_max + slack,
                                    parts_ ? UINT32_MAX : shared_.limits.fragments_max};
  if (Violation violation = inbox.messages.take(piece, limits); violation != Violation::none) {
    return fail(violation), true;
  }
  if (begins) {
    inbox.bytes = 0;
    inbox.utf8 = {};
  }
  if (dropped_) [[unlikely]] {  // nobody will look at it
    inbox.bytes = 0;
    return false;
  }
  // What was begun in parts, and without a limit, and is now to be whole.
  if (!parts_ && inbox.bytes + piece.bytes.size() + piece.left > limits.message_bytes_max) [[unlikely]]
    return fail(Violation::message_too_large), true;
  const bool whole = piece.last && piece.bits.fin();
  inbox.in_last_frame = piece.bits.fin();
  if (inbox.bytes == 0) inbox.begin = static_cast<std::uint32_t>(piece.bytes.data() - buffer.data());
  // Fragments are put together where the first of them lies.
  std::byte* const to = buffer.data() + inbox.begin + inbox.bytes;
  if (to != piece.bytes.data()) std::memmove(to, piece.bytes.data(), piece.bytes.size());
  const std::span<std::byte> bytes(to, piece.bytes.size());
  inbox.bytes += static_cast<std::uint32_t>(bytes.size());
  if (compressed) {
    codec::mask(bytes, piece.key);
    // What a peer needs no more than a few bytes for is not to lie here until it goes on.
    if (!whole && !parts_) return false;
    return inflate(Bytes(buffer.data() + inbox.begin, inbox.bytes), whole);
  }

  // "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid
  // UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_." (8.1)
  if (!inbox.messages.is_text()) {
    codec::mask(bytes, piece.key);
  } else if (!inbox.utf8.feed_masked(bytes, piece.key) || (whole && !inbox.utf8.is_whole())) {
    return fail(Violation::not_utf8), true;
  }
  part_ = !whole;
  if (part_ && (!parts_ || inbox.bytes == 0)) return false;
  show(buffer, Bytes(buffer.data() + inbox.begin, inbox.bytes), inbox.messages.is_text() ? Kind::text : Kind::binary);
  inbox_made_ = part_;
  return true;
}

// "An endpoint MUST be capable of handling control frames in the middle of a fragmented message." (5.4): nothing here
// touches what has come of one.
bool SessionCore::take_control(const codec::Piece& piece) noexcept {
  switch (piece.bits.opcode()) {
    case Opcode::ping:
      // "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a
      // Close frame." (5.5.2)
      send_control(Opcode::pong, piece.bytes);
      return how_ != Errc::none;
    case Opcode::close: got_close(piece.bytes); return true;
    default: got_pong(piece.bytes); return false;
  }
}

// There is more to do than a turn is for.
void SessionCore::go_on_later() noexcept {
  later_ = true;
  if (!is_inflating()) shared_.core.slices.spend_all();
  if (rare().later.is_listed()) return;
  shared_.core.slices.add(rare_->later);
  // It may wait for long, and many with it.
  Buffer& buffer = *stream_->in;
  const Inbox* inbox = inbox_made_ ? &this->inbox(buffer) : nullptr;
  const std::uint32_t begun = inbox && (unfinished_ || inbox->messages.is_open()) ? inbox->bytes : 0;
  const std::size_t bytes = begun + buffer.end - buffer.begin + room_bytes_min;
  if (buffer.capacity / sparse_share <= bytes) return;
  Compression* compression = unfinished_ ? rare_->compression.get() : nullptr;
  const std::byte* const before = buffer.data() + (begun ? inbox->begin : buffer.begin);
  move_in(bytes, begun);
  if (!compression || !compression->to_inflate) return;
  compression->rest = Bytes(stream_->in->data() + (compression->rest.data() - before), compression->rest.size());
}

void SessionCore::not_later() noexcept {
  later_ = false;
  rare_->later.unlist();
}

void SessionCore::go_on() noexcept {
  if (!reader_) return not_later();  // receive() was cancelled, and the next one comes back to it; or it is over
  if (unfinished_ && is_broken()) return lost(stream_->ended);
  shared_.core.begin_share();
  later_ = false;
  const bool stops = (unfinished_ && inflate_slice()) || advance();
  if (is_inflating()) go_on_later();
  if (later_) return;
  rare_->later.unlist();
  stops ? wake() : settle();
}

// The handler is busy, or there is more to do than a turn is for: answers what must not wait for it. Frames that are
// dealt with here are passed over later: a ping that has been answered becomes a pong, which means nothing.
void SessionCore::look_ahead() noexcept {
  Buffer* buffer = stream_->in;
  if (is_inflating() && is_broken()) return lost(stream_->ended);
  if (stream_->ended.code != Errc::none || !buffer) return;
  std::uint64_t at = std::max(buffer->mark, buffer->begin);
  if (shared_.observer) at = buffer->end;  // who watches sees each frame as it came
  if (inbox_made_ && buffer->mark <= buffer->begin) at += inbox(*buffer).frames.left();
  // A busy handler may be so for long: all of it, then. Of what goes on by itself, no more than a share.
  const unsigned frames_max = later_ ? detail::Core::share_max : UINT32_MAX;
  for (unsigned frames = 0; at < buffer->end && frames < frames_max; ++frames) {
    std::byte* const frame = buffer->data() + at;
    const codec::Glance glance = codec::glance({frame, static_cast<std::size_t>(buffer->end - at)});
    const std::uint64_t whole = glance.head_bytes + glance.payload_bytes;
    if (glance.head_bytes == 0 || glance.payload_bytes >> 32) break;  // not whole, or no sound length
    if (glance.bits.is_control()) {
      const bool is_ping = glance.bits.value == (FrameBits::fin_bit | static_cast<std::uint8_t>(Opcode::ping));
      const bool is_pong = glance.bits.value == (FrameBits::fin_bit | static_cast<std::uint8_t>(Opcode::pong));
      const bool sound = (is_ping || is_pong) && glance.payload_bytes <= codec::control_payload_bytes_max &&
                         glance.masked == (shared_.role == Role::server);
      if (whole > buffer->end - at) break;
      if (sound) {
        std::array<std::byte, codec::control_payload_bytes_max> payload;
        const auto size = static_cast<std::size_t>(glance.payload_bytes);
        std::memcpy(payload.data(), frame + glance.head_bytes, size);
        codec::MaskKey key = 0;
        if (glance.masked) std::memcpy(&key, frame + glance.head_bytes - sizeof key, sizeof key);
        codec::mask(std::span(payload.data(), size), key);
        if (is_ping) {
          send_control(Opcode::pong, Bytes(payload.data(), size));
          if (!stream_) return;
          frame[0] = static_cast<std::byte>(FrameBits::fin_bit | static_cast<std::uint8_t>(Opcode::pong));
        } else {
          got_pong(Bytes(payload.data(), size));
        }
        // In front of everything else it is done with.
        if (!shown_ && !inbox_made_ && at == buffer->begin) buffer->begin += static_cast<std::uint32_t>(whole);
      }
    }
    at += whole;
  }
  buffer->mark = static_cast<std::uint32_t>(std::min<std::uint64_t>(at, UINT32_MAX));
  if (!shown_ && !inbox_made_ && buffer->begin == buffer->end) return release();
  if (buffer->capacity - buffer->end < busy_room_bytes_min) read(false);
}

// All bytes are taken and no message is whole: hold no more of a buffer than what has begun needs.
[[gnu::hot]] void SessionCore::settle() noexcept {
  Buffer* buffer = stream_->in;
  if (!buffer) return read(true);
  const std::uint32_t unread = buffer->end - buffer->begin;  // part of a head, or of a control frame
  if (!inbox_made_ && unread == 0) [[likely]]
    return release_and_read();
  Inbox* inbox = inbox_made_ ? &this->inbox(*buffer) : nullptr;
  const std::uint32_t begun = inbox && inbox->messages.is_open() ? inbox->bytes : 0;
  const std::uint64_t left = inbox ? inbox->frames.left() : 0;
  const std::size_t kept = std::size_t{begun} + unread;
  if (kept == 0) return inbox->frames.in_frame() || inbox->messages.is_open() ? put_inbox_aside() : release_and_read();
  // Room for as much again as has arrived, and for a while: a length is not believed before its bytes are here.
  const std::uint64_t to_come = begun && !inbox->in_last_frame ? kept : std::min<std::uint64_t>(left, kept);
  const std::size_t wanted = kept + to_come + room_bytes_min;
  std::byte* const from = buffer->data() + (begun ? inbox->begin : buffer->begin);
  const std::uint32_t message_begin = begun ? inbox->begin : 0;
  // What grows has room for the next message, too, or that would begin in the smallest of buffers.
  const std::size_t behind =
      wanted >= kept + left ? std::min(wanted, 2 * shared_.core.options.receive_buffer_bytes) : 0;
  const bool fits = buffer->capacity >= wanted || shared_.core.buffers.grow(*buffer, message_begin + wanted + behind);
  if (!fits || buffer->capacity / sparse_share > wanted) {
    move_in(wanted, begun);
    buffer = stream_->in;
  } else {
    std::memmove(buffer->data() + message_begin + begun, buffer->data() + buffer->begin, unread);
    buffer->begin = message_begin + begun;
    if (buffer->capacity - buffer->begin - unread < std::min<std::uint64_t>(left + 1, room_bytes_min)) {
      std::memmove(buffer->data(), from, kept);
      if (begun) inbox->begin = 0;
      buffer->begin = begun;
    }
  }
  buffer->end = buffer->begin + unread;
  buffer->mark = 0;
  read(true);
}

// To a buffer with room for `bytes`, with what has begun and what is unread.
void SessionCore::move_in(std::size_t bytes, std::uint32_t begun) noexcept {
  Buffer* const old = stream_->in;
  Buffer* const buffer = shared_.core.buffers.lend_to_grow(bytes);
  const std::uint32_t unread = old->end - old->begin;
  std::memcpy(buffer->owner, old->owner, sizeof buffer->owner);
  if (begun) {
    Inbox& inbox = held(*buffer).inbox;
    std::memcpy(buffer->data(), old->data() + inbox.begin, begun);
    inbox.begin = 0;
  }
  std::memcpy(buffer->data() + begun, old->data() + old->begin, unread);
  buffer->begin = begun;
  buffer->end = begun + unread;
  shared_.core.buffers.give_back(old);
  stream_->in = buffer;
}

// Between a head and its payload, or two parts of a message, nothing is held: what comes next is received into a buffer
// of the usual size.
void SessionCore::put_inbox_aside() noexcept {
  Buffer* buffer = std::exchange(stream_->in, nullptr);
  rare().inbox = std::make_unique<Inbox>(held(*buffer).inbox);
  shared_.core.buffers.give_back(buffer);
  read(true);
}

[[gnu::hot]] void SessionCore::release() noexcept {
  if (inbox_made_) [[unlikely]] {
    inbox_made_ = false;
    if (rare_) rare_->inbox.reset();
  }
  Buffer* buffer = std::exchange(stream_->in, nullptr);
  if (shown_ || inflated_) [[unlikely]]
    return put_aside(buffer);
  if (buffer) [[likely]]
    shared_.core.buffers.give_back(buffer);
}

[[gnu::hot]] void SessionCore::release_and_read() noexcept {
  release();
  read(true);
}

// The session has ended, and its handler may look at a message that lies there.
void SessionCore::put_aside(Buffer* buffer) noexcept {
  if (shown_ && buffer && !rare().looked_at) std::swap(buffer, rare_->looked_at);
  if (buffer) shared_.core.buffers.give_back(buffer);
  if (!shown_) give_back_inflated();
}

// Nobody looks at a message any more, nor will: the session has ended.
void SessionCore::unshow() noexcept {
  shown_ = false;
  if (inflated_) give_back_inflated();
  if (rare_ && rare_->looked_at) shared_.core.buffers.give_back(std::exchange(rare_->looked_at, nullptr));
}

void SessionCore::read(bool on) noexcept {
  reading_ = on;
  stream_->read(on);
}

void SessionCore::wake() noexcept {
  if (reader_) forget_reader().resume();
}

[[gnu::hot]] bool SessionCore::poll(bool parts) noexcept {
  if (reader_) [[unlikely]]
    return false;  // it is refused, and whoever waits is not to notice
  if (has_request_) [[unlikely]]
    forget_request();
  if (how_ != Errc::none) [[unlikely]]
    return unshow(), true;
  if (inflated_ && shown_) [[unlikely]] {
    give_back_inflated();
  } else if (part_ && shown_) {
    held(*stream_->in).inbox.bytes = 0;
  }
  shown_ = false;
  parts_ = parts;
  if (unfinished_ || later_) [[unlikely]]
    return go_on_later(), false;
  if (stream_->in && stream_->in->begin != stream_->in->end) {
    if (shared_.core.share_is_over()) [[unlikely]]
      return go_on_later(), false;
    if (advance()) return !later_;
  } else if (stream_->ended.code != Errc::none) {
    lost(stream_->ended);
    return true;
  }
  settle();
  return false;
}

void SessionCore::agreed(std::string_view subprotocol, const std::optional<codec::DeflateParameters>& deflate) {
  const auto& known = shared_.subprotocols;
  PARLEY_CHECK(known.size() <= Shared::subprotocols_max, "more than 127 subprotocols are listed");
  const auto found = std::ranges::find(known, subprotocol);
  if (!subprotocol.empty() && found != known.end()) {
    subprotocol_ = static_cast<std::uint8_t>(found - known.begin() + 1) & Shared::subprotocols_max;
  }
  if (!deflate) return;
  rare().compression = std::make_unique<Compression>(shared_.core, shared_.role, shared_.deflate, *deflate,
                                                     shared_.limits.when_full == WhenFull::drop_oldest);
  deflate_ = true;
}

void SessionCore::keep_request(std::unique_ptr<Request> request) noexcept {
  rare().request = std::move(request);
  has_request_ = true;
}

void SessionCore::watch(bool sent, FrameBits bits, Bytes begin, std::uint64_t payload_bytes) noexcept {
  const Frame frame{.sent = sent,
                    .fin = bits.fin(),
                    .rsv1 = bits.rsv1(),
                    .opcode = static_cast<std::uint8_t>(bits.opcode()),
                    .masked = sent == (shared_.role == Role::client),
                    .payload_bytes = payload_bytes,
                    .begin = begin};
  shared_.observer(frame, shared_.observer_state);
}

// An idle session keeps nothing of its handshake.
void SessionCore::forget_request() noexcept {
  has_request_ = false;
  rare_->request.reset();
  if (!needs_rare()) rare_.reset();
}

Result<Piece> SessionCore::take_some() const noexcept {
  if (!shown_) return parley::fail(how_);
  const Shown& shown = held(*stream_->in).shown;
  return Piece{Bytes(shown.data, shown.bytes), shown.kind, !part_};
}

[[gnu::hot]] Result<Message> SessionCore::take() const noexcept {
  if (shown_) [[likely]]
    return held(*stream_->in).shown.message();
  return parley::fail(how_);
}

}  // namespace parley::ws
