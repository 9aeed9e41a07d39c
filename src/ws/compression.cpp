#include "ws/compression.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "ws/session_core.h"

namespace parley::ws {

using codec::FrameBits;

namespace {

constexpr std::size_t part_bytes_max = 64 * 1024;  // what receive_some() shows at once of what was inflated
constexpr std::size_t inflated_bytes_max = std::size_t{1} << 30;  // of one message, whatever its limit

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
  detail::Buffer* wider = pool_.lend(bytes);
  if (size != 0) std::memcpy(wider->data(), data, size);
  if (buffer_) pool_.give_back(buffer_);
  buffer_ = wider;
  data = wider->data();
  capacity = wider->capacity;
  return true;
}

void Inflated::release() noexcept {
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

// Takes bytes of a compressed message; `whole`: its last ones. True when that made it whole, or ended the session.
bool SessionCore::inflate(Buffer& buffer, Bytes bytes, bool whole) noexcept {
  Compression& compression = *rare_->compression;
  Inbox& inbox = held(buffer).inbox;
  Inflated& message = compression.message;
  const std::size_t before = message.size;
  const std::size_t bytes_max = parts_ ? part_bytes_max : shared_.limits.message_bytes_max;
  inflated_ = true;
  const Violation violation = compression.inflater.inflate(bytes, whole, message, bytes_max);
  compression.unfinished = violation == Violation::message_too_large && parts_;
  if (violation != Violation::none && !compression.unfinished) return fail(violation), true;
  compression.rest = bytes;
  compression.rest_whole = whole;
  part_ = !whole || compression.unfinished;
  const Bytes fresh(message.data + before, message.size - before);
  if (inbox.messages.is_text() && (!inbox.utf8.feed(fresh) || (!part_ && !inbox.utf8.is_whole()))) {
    return fail(Violation::not_utf8), true;
  }
  if (part_ && (!parts_ || message.size == 0)) return false;
  show(buffer, Bytes(message.data, message.size), inbox.messages.is_text() ? Kind::text : Kind::binary);
  inbox_made_ = part_;
  return true;
}

// Of a message of which receive_some() has shown the first part.
bool SessionCore::inflate_rest() noexcept {
  const Compression& compression = *rare_->compression;
  return compression.unfinished && inflate(*stream_->in, compression.rest, compression.rest_whole);
}

// Idle: what it keeps only to compress better may be of more use to others.
void SessionCore::give_back_window() noexcept {
  if (engines_of(shared_.core).is_tight()) rare_->compression->deflater.forget();
}

void SessionCore::give_back_inflated() noexcept {
  Inflated& message = rare_->compression->message;
  if (part_ && how_ == Errc::none) {
    message.size = 0;
    return;
  }
  message.release();
  inflated_ = false;
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
  std::array<std::byte, codec::head_bytes_max> head;
  const std::size_t head_bytes = codec::write_head(head, bits, bytes.size(), masked, key);
  codec::mask(bytes, key);
  std::byte* const begin = bytes.data() - head_bytes;
  std::memcpy(begin, head.data(), head_bytes);
  return {.rest = {begin, head_bytes + bytes.size()},
          .copy = std::move(made.memory),
          .sender = nullptr,
          .is_message = is_message};
}

}  // namespace parley::ws
