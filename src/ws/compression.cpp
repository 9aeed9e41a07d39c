#include "ws/compression.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "ws/session_core.h"

namespace parley::ws {

using codec::FrameBits;

namespace {

constexpr std::size_t part_bytes_max = detail::Slices::slice_bytes;  // what receive_some() shows at once
constexpr std::size_t inflated_bytes_max = std::size_t{1} << 30;     // of one message, whatever its limit
// What a message costs, however short, as if it had so many bytes more.
constexpr std::size_t inflate_bytes_least = 256;

constexpr std::uint8_t window_bits_usual = 12;

std::uint8_t usual(std::uint8_t window_bits) noexcept { return window_bits != 0 ? window_bits : window_bits_usual; }

codec::DeflateSettings settings(codec::Role sender, const codec::DeflateParameters& agreed) noexcept {
  const bool server = sender == codec::Role::server;
  return {.window_bits = server ? agreed.server_max_window_bits : agreed.client_max_window_bits,
          .keeps_context = !(server ? agreed.server_no_context_takeover : agreed.client_no_context_takeover)};
}

// What is sent may refer to less than was agreed; to nothing, if messages are dropped that others would refer to.
codec::DeflateSettings to_send(codec::Role role, const DeflateOptions& options, const codec::DeflateParameters& agreed,
                               bool may_drop) noexcept {
  codec::DeflateSettings sent = settings(role, agreed);
  const bool server = role == codec::Role::server;
  const std::uint8_t wish = server ? options.server_max_window_bits : options.client_max_window_bits;
  sent.window_bits = std::min(sent.window_bits, usual(wish));
  sent.keeps_context = sent.keeps_context && !may_drop;
  sent.level = options.level;
  return sent;
}

codec::Role other(codec::Role role) noexcept {
  return role == codec::Role::server ? codec::Role::client : codec::Role::server;
}

}  // namespace

bool is_sound(const DeflateOptions& options) noexcept {
  const auto is_window = [](std::uint8_t bits) {
    return bits == 0 ||
           (bits >= codec::DeflateParameters::window_bits_min && bits <= codec::DeflateParameters::window_bits_max);
  };
  return is_window(options.server_max_window_bits) && is_window(options.client_max_window_bits) && options.level <= 9;
}

codec::DeflateEngines& engines_of(detail::Core& core) {
  if (!core.deflate) core.deflate = std::make_shared<codec::DeflateEngines>(core.options.deflate_windows_bytes_max);
  return *core.deflate;
}

codec::DeflateParameters wishes(detail::Core& core, codec::Role role, const DeflateOptions& options) {
  codec::DeflateParameters parameters{.server_no_context_takeover = options.server_no_context_takeover,
                                      .client_no_context_takeover = options.client_no_context_takeover,
                                      .client_max_window_bits = usual(options.client_max_window_bits)};
  // A server that only uses less than it might need not say so, and not every client expects to hear of it.
  if (options.server_max_window_bits != 0) parameters.server_max_window_bits = options.server_max_window_bits;
  if (!engines_of(core).has_room(codec::DeflateSettings{}.window_bytes_max())) {
    (role == codec::Role::server ? parameters.client_no_context_takeover : parameters.server_no_context_takeover) =
        true;
  }
  return parameters;
}

bool Inflated::grow(std::size_t bytes) noexcept {
  if (bytes > inflated_bytes_max) return false;
  while (!move_some()) continue;  // seldom: it grows twofold, and moves twice what has come
  detail::Buffer* wider = pool_.lend(bytes);
  before_ = std::exchange(buffer_, wider);
  // What this slice has made is read before the next one.
  to_move_ = size - std::min(size, part_bytes_max);
  if (size != 0) std::memcpy(wider->data() + to_move_, data + to_move_, size - to_move_);
  if (to_move_ == 0 && before_) pool_.give_back(std::exchange(before_, nullptr));
  data = wider->data();
  capacity = wider->capacity;
  return true;
}

bool Inflated::move_some() noexcept {
  if (!before_) return true;
  const std::size_t bytes = std::min(to_move_, 2 * part_bytes_max);
  to_move_ -= bytes;
  std::memcpy(data + to_move_, before_->data() + to_move_, bytes);
  if (to_move_ != 0) return false;
  pool_.give_back(std::exchange(before_, nullptr));
  return true;
}

void Inflated::release() noexcept {
  if (before_) pool_.give_back(std::exchange(before_, nullptr));
  if (buffer_) pool_.give_back(std::exchange(buffer_, nullptr));
  data = nullptr;
  size = capacity = 0;
}

bool Deflated::grow(std::size_t bytes) noexcept {
  std::unique_ptr<std::byte[]> wider(new (std::nothrow) std::byte[bytes]);  // owned: by the unique_ptr
  if (!wider) return false;
  if (memory) std::memcpy(wider.get(), memory.get(), size);
  memory = std::move(wider);
  data = memory.get();
  capacity = bytes;
  return true;
}

Compression::Compression(detail::Core& core, codec::Role role, const DeflateOptions& options,
                         const codec::DeflateParameters& agreed, bool may_drop) noexcept
    : deflater(to_send(role, options, agreed, may_drop), engines_of(core)),
      inflater(settings(other(role), agreed), engines_of(core)),
      message(core.buffers) {}

// ---- What a session does with it

// Takes bytes of a compressed message; `whole`: its last ones. True when that made it whole, ended the session, or
// there is more to do, in other turns.
bool SessionCore::inflate(Bytes bytes, bool whole) noexcept {
  Compression& compression = *rare_->compression;
  compression.rest = bytes;
  compression.rest_whole = whole;
  compression.to_inflate = true;
  inflated_ = unfinished_ = true;
  const bool stops = shared_.core.slices.is_spent() || inflate_slice();
  if (is_inflating()) go_on_later();
  return stops;
}

// The same, of what is left.
bool SessionCore::inflate_slice() noexcept {
  Compression& compression = *rare_->compression;
  Buffer& buffer = *stream_->in;
  Inbox& inbox = held(buffer).inbox;
  Inflated& message = compression.message;
  const bool is_text = inbox.messages.is_text();
  if (compression.to_inflate) {
    const std::size_t before = message.size;
    const std::size_t unread = compression.rest.size();
    const std::size_t bytes_max = parts_ ? part_bytes_max : shared_.limits.message_bytes_max;
    const Violation violation =
        compression.inflater.inflate(compression.rest, compression.rest_whole, message, bytes_max, part_bytes_max);
    const Bytes fresh(message.data + before, message.size - before);
    shared_.core.slices.spend(fresh.size() + unread - compression.rest.size() + inflate_bytes_least);
    compression.to_inflate = violation == Violation::message_too_large && (parts_ || message.size <= bytes_max);
    if (violation != Violation::none && !compression.to_inflate) return fail(violation), true;
    part_ = !compression.rest_whole || compression.to_inflate;
    if (!compression.to_inflate) inbox.bytes = 0;
    if (is_text && (!inbox.utf8.feed(fresh) || (!part_ && !inbox.utf8.is_whole()))) {
      return fail(Violation::not_utf8), true;
    }
  }
  const bool moved = message.move_some();
  if (!moved) shared_.core.slices.spend(part_bytes_max);
  unfinished_ = compression.to_inflate || (!part_ && !moved);
  if (!moved || (part_ && (!parts_ || message.size == 0))) return unfinished_;
  show(buffer, Bytes(message.data, message.size), is_text ? Kind::text : Kind::binary);
  inbox_made_ = part_;
  return true;
}

// Idle: what it keeps only to compress better may be of more use to others.
void SessionCore::give_back_window() noexcept {
  if (engines_of(shared_.core).is_tight()) rare_->compression->deflater.forget();
}

void SessionCore::give_back_inflated() noexcept {
  Compression& compression = *rare_->compression;
  if (part_ && how_ == Errc::none && !dropped_) {
    compression.message.size = 0;
    return;
  }
  compression.message.release();
  inflated_ = unfinished_ = false;
  if (later_) not_later();
}

bool SessionCore::is_worth_it(const Message& message, bool last, Compress compress) const noexcept {
  if (compress != Compress::automatic) return compress == Compress::always;
  return !last || message.size() >= shared_.deflate.message_bytes_min;
}

Queued SessionCore::deflated_frame(FrameBits bits, Bytes payload) {
  using codec::Deflater;
  bits.value &= static_cast<std::uint8_t>(~to_deflate_bit);
  const bool is_message = bits.rsv1() && bits.fin();
  Deflated made;
  const Deflater::Flush flush = bits.fin() ? Deflater::Flush::message : Deflater::Flush::piece;
  const Deflater::Made outcome = rare_->compression->deflater.compress(payload, flush, made);
  if (is_message && outcome != Deflater::Made::bytes) {
    bits.value &= static_cast<std::uint8_t>(~FrameBits::rsv1_bit);
    return frame(bits, payload);
  }
  if (outcome == Deflater::Made::no_memory) return fail(Violation::no_memory), Queued{};
  if (!made.memory && !made.grow(codec::head_bytes_max)) return fail(Violation::no_memory), Queued{};

  const std::span<std::byte> bytes(made.data + codec::head_bytes_max, made.payload_bytes());
  if (shared_.observer) watch(true, bits, bytes, bytes.size());
  const bool masked = shared_.role == Role::client;
  const codec::MaskKey key = masked ? shared_.keys.next() : 0;
  const std::size_t head_bytes = codec::head_bytes(bytes.size(), masked);
  std::byte* const begin = bytes.data() - head_bytes;
  codec::write_head(begin, bits, bytes.size(), masked, key);
  codec::mask(bytes, key);
  return {.rest = {begin, head_bytes + bytes.size()}, .copy = std::move(made.memory), .messages = is_message ? 1u : 0u};
}

}  // namespace parley::ws
