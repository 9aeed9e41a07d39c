#include "codec/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace parley::codec {

struct ZlibEngine {
  z_stream stream{};
  std::size_t bytes = 0;
};

namespace {

constexpr std::size_t chunk_bytes_max = 1u << 24;  // shown to zlib at once: it counts in 32 bits
constexpr std::size_t room_bytes_min = 256;
constexpr std::size_t room_bytes_max = 64 * 1024;
constexpr std::size_t tail_bytes = 4;
constexpr std::array tail{std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};

void* allocate(void* opaque, unsigned count, unsigned size) noexcept {
  ZlibEngine& engine = *static_cast<ZlibEngine*>(opaque);
  const std::size_t bytes = std::size_t{count} * size;
  engine.bytes += bytes;  // an engine that doesn't get it is done for
  return ::operator new(bytes, std::nothrow);
}

void release(void*, void* memory) noexcept { ::operator delete(memory); }

ZlibEngine* make_engine() noexcept {
  // owned: by the caller, who gives it to his unique_ptr
  ZlibEngine* engine = new (std::nothrow) ZlibEngine;
  if (!engine) return nullptr;
  engine->stream.zalloc = &allocate;
  engine->stream.zfree = &release;
  engine->stream.opaque = engine;
  return engine;
}

void show(z_stream& stream, Bytes input) noexcept {
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  stream.avail_in = static_cast<uInt>(std::min(input.size(), chunk_bytes_max));
}

void lend(z_stream& stream, Output& out, std::size_t size_max) noexcept {
  stream.next_out = reinterpret_cast<Bytef*>(out.data + out.size);
  stream.avail_out = static_cast<uInt>(std::min(std::min(out.capacity, size_max) - out.size, chunk_bytes_max));
}

void take(z_stream& stream, Output& out) noexcept {
  out.size = static_cast<std::size_t>(reinterpret_cast<std::byte*>(stream.next_out) - out.data);
}

// Room for `bytes` more, or for as much again as there is: a length that somebody claims plays no part.
bool make_room(Output& out, std::size_t bytes, std::size_t size_max) noexcept {
  if (out.size < out.capacity) return true;
  return out.grow(std::min(size_max, out.size + std::max(bytes, out.size)));
}

}  // namespace

void EndDeflate::operator()(ZlibEngine* engine) const noexcept {
  deflateEnd(&engine->stream);
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

void EndInflate::operator()(ZlibEngine* engine) const noexcept {
  inflateEnd(&engine->stream);
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

// ---- Compressing

bool Deflater::start() noexcept {
  engine_.reset(make_engine());
  // zlib makes no raw deflate with 8 window bits. With 9 it looks back 2^9 - 262 = 250 bytes at most, because it keeps
  // the longest match (258) and a few bytes of its window for looking ahead: that fits into 2^8.
  const int window_bits = std::max<int>(settings_.window_bits, 9);
  return engine_ && deflateInit2(&engine_->stream, settings_.level, Z_DEFLATED, -window_bits, settings_.memory_level,
                                 Z_DEFAULT_STRATEGY) == Z_OK;
}

bool Deflater::run(Bytes piece, int flush, Output& out) noexcept {
  z_stream& stream = engine_->stream;
  const std::size_t room = std::clamp(piece.size() / 2, room_bytes_min, room_bytes_max);
  do {
    show(stream, piece);
    const std::size_t shown = stream.avail_in;
    if (!make_room(out, room, SIZE_MAX)) return false;
    lend(stream, out, SIZE_MAX);
    deflate(&stream, shown == piece.size() ? flush : Z_NO_FLUSH);
    take(stream, out);
    piece = piece.subspan(shown - stream.avail_in);
  } while (!piece.empty() || stream.avail_out == 0);
  return true;
}

bool Deflater::compress(Bytes piece, Flush flush, Output& out) noexcept {
  // "If the compression library being used doesn't generate any data when its buffer is empty, an empty uncompressed
  // DEFLATE block can be built and used for this purpose" (7.2.3.6): zlib doesn't write a second time that all is said.
  if (piece.empty() && flushed_) {
    if (flush != Flush::message) return true;
    if (!make_room(out, room_bytes_min, SIZE_MAX)) return false;
    out.data[out.size++] = std::byte{0x00};
  } else {
    const bool done = (engine_ || start()) && run(piece, flush == Flush::none ? Z_NO_FLUSH : Z_SYNC_FLUSH, out);
    flushed_ = !done || flush != Flush::none;
    if (!done) {
      forget();
      return false;
    }
    // "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end." (7.2.1) A sync flush ends with them.
    if (flush == Flush::message) out.size -= tail_bytes;
  }
  if (flush == Flush::message && !settings_.keeps_context) forget();
  return true;
}

std::size_t Deflater::memory_bytes() const noexcept { return engine_ ? sizeof(ZlibEngine) + engine_->bytes : 0; }

// ---- Inflating

bool Inflater::start() noexcept {
  engine_.reset(make_engine());
  return engine_ && inflateInit2(&engine_->stream, -int{settings_.window_bits}) == Z_OK;
}

Inflater::End Inflater::run(Bytes& input, Output& out, std::size_t bytes_max, std::size_t room) noexcept {
  z_stream& stream = engine_->stream;
  const std::size_t size_max = bytes_max == SIZE_MAX ? SIZE_MAX : bytes_max + 1;
  for (;;) {
    if (out.size >= size_max) return End::full;
    if (!make_room(out, room, size_max)) return End::no_memory;
    show(stream, input);
    const std::size_t shown = stream.avail_in;
    lend(stream, out, size_max);
    const int result = ::inflate(&stream, Z_SYNC_FLUSH);
    take(stream, out);
    input = input.subspan(shown - stream.avail_in);
    if (result == Z_DATA_ERROR) return End::broken;
    if (result == Z_MEM_ERROR) return End::no_memory;
    if (shown != stream.avail_in) between_ = false;
    if (result == Z_STREAM_END) {
      // "When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end at a byte boundary, an endpoint MUST add
      // minimal padding bits of 0 to make it end at a byte boundary. The next DEFLATE block follows the padded data if
      // any." (7.2.1) What came before stays in the window.
      inflateResetKeep(&stream);
      between_ = true;
    }
    if (input.empty() && stream.avail_out != 0) return End::starved;
  }
}

Violation Inflater::inflate(Bytes& piece, bool last, Output& out, std::size_t bytes_max) noexcept {
  if (!engine_ && !start()) return Violation::no_memory;
  const std::size_t room = std::clamp(piece.size() * 4, room_bytes_min, room_bytes_max);
  End end = run(piece, out, bytes_max, room);
  // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." (7.2.2)
  if (end == End::starved && last) {
    Bytes rest = Bytes(tail).subspan(tail_taken_);
    end = run(rest, out, bytes_max, room);
    tail_taken_ = static_cast<std::uint8_t>(tail_bytes - rest.size());
  }
  if (end == End::full) return Violation::message_too_large;
  if (end == End::no_memory) return Violation::no_memory;
  if (end == End::broken) return Violation::deflate_broken;
  if (!last) return Violation::none;

  // The message ends between two blocks, or it is not whole.
  constexpr int unused_bits = 63;
  constexpr int at_end_of_block = 128;  // zlib.h says so of data_type
  const int state = engine_->stream.data_type;
  if (!between_ && (state & (at_end_of_block | unused_bits)) != at_end_of_block) return Violation::deflate_broken;
  tail_taken_ = 0;
  between_ = true;
  if (!settings_.keeps_context) engine_.reset();
  return Violation::none;
}

std::size_t Inflater::memory_bytes() const noexcept { return engine_ ? sizeof(ZlibEngine) + engine_->bytes : 0; }

}  // namespace parley::codec
