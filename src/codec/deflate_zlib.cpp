// zlib: what compresses best, reads everything in pieces, and is there everywhere.
#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

#include "codec/deflate_engines.h"

namespace parley::codec {

namespace {

void* allocate(void* opaque, unsigned count, unsigned size) noexcept {
  const std::size_t bytes = std::size_t{count} * size;
  *static_cast<std::size_t*>(opaque) += bytes;  // an engine that doesn't get it is done for
  return ::operator new(bytes, std::nothrow);
}

void release(void*, void* memory) noexcept { ::operator delete(memory); }

struct Stream {
  Stream() noexcept {
    zlib.zalloc = &allocate;
    zlib.zfree = &release;
    zlib.opaque = &bytes;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void show(Bytes input) noexcept {
    zlib.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
    zlib.avail_in = static_cast<uInt>(std::min(input.size(), chunk_bytes_max));
  }
  void lend(const Output& out, std::size_t size_max) noexcept {
    zlib.next_out = reinterpret_cast<Bytef*>(out.data + out.size);
    zlib.avail_out = static_cast<uInt>(std::min(std::min(out.capacity, size_max) - out.size, chunk_bytes_max));
  }
  void take(Output& out) const noexcept {
    out.size = static_cast<std::size_t>(reinterpret_cast<std::byte*>(zlib.next_out) - out.data);
  }

  z_stream zlib{};
  std::size_t bytes = 0;
};

const Bytef* bytes_of(Bytes bytes) noexcept { return reinterpret_cast<const Bytef*>(bytes.data()); }

}  // namespace

struct ZlibDeflate : Stream {};

struct ZlibInflate : Stream {
  bool between = true;  // a block with BFINAL=1 has ended just here, or nothing has begun
};

void EndEngine::operator()(ZlibDeflate* engine) const noexcept {
  deflateEnd(&engine->zlib);
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

void EndEngine::operator()(ZlibInflate* engine) const noexcept {
  inflateEnd(&engine->zlib);
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

// ---- Compressing

namespace {

Owned<ZlibDeflate> make_deflate(std::uint8_t window_bits, int level) noexcept {
  Owned<ZlibDeflate> engine(new (std::nothrow) ZlibDeflate);  // owned: by the unique_ptr
  // zlib makes no raw deflate with 8 window bits. With 9 it looks back 2^9 - 262 = 250 bytes at most, because it keeps
  // the longest match (258) and a few bytes of its window for looking ahead: that fits into 2^8.
  const int bits = std::max<int>(window_bits, 9);
  // A table of hashes that suits the window: it is cleared for each message.
  const int memory_level = std::min(bits - 7, 8);
  if (!engine || deflateInit2(&engine->zlib, level, Z_DEFLATED, -bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
    return nullptr;
  }
  return engine;
}

}  // namespace

bool DeflateEngines::deflate_by_zlib(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept {
  Owned<ZlibDeflate>& engine = zlib_deflate_[settings.window_bits];
  if (!engine) engine = make_deflate(settings.window_bits, settings.level);
  if (!engine) return false;
  z_stream& zlib = engine->zlib;
  deflateReset(&zlib);
  deflateParams(&zlib, settings.level, Z_DEFAULT_STRATEGY);
  if (!window.empty()) deflateSetDictionary(&zlib, bytes_of(window), static_cast<uInt>(window.size()));
  const std::size_t room = std::clamp(piece.size() / 2, room_bytes_min, room_bytes_max);
  do {
    engine->show(piece);
    const std::size_t shown = zlib.avail_in;
    if (!make_room(out, room, SIZE_MAX)) return false;
    engine->lend(out, SIZE_MAX);
    ::deflate(&zlib, shown == piece.size() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    engine->take(out);
    piece = piece.subspan(shown - zlib.avail_in);
  } while (!piece.empty() || zlib.avail_out == 0);
  return true;
}

// ---- Inflating

// It keeps a window of its own of that size, for what comes in pieces, and gets a new one when the size changes.
LentInflate DeflateEngines::lend(Bytes window, std::uint8_t window_bits) noexcept {
  LentInflate engine = std::move(spare_inflate_);
  if (engine) {
    inflateReset2(&engine->zlib, -int{window_bits});
    engine->between = true;
  } else {
    engine.reset(new (std::nothrow) ZlibInflate);  // owned: by the unique_ptr
    if (!engine || inflateInit2(&engine->zlib, -int{window_bits}) != Z_OK) return nullptr;
  }
  if (!window.empty() &&
      inflateSetDictionary(&engine->zlib, bytes_of(window), static_cast<uInt>(window.size())) != Z_OK) {
    return nullptr;
  }
  return engine;
}

InflateEnd run(ZlibInflate& engine, Bytes& input, Output& out, std::size_t bytes_max, std::size_t room) noexcept {
  z_stream& zlib = engine.zlib;
  const std::size_t size_max = bytes_max == SIZE_MAX ? SIZE_MAX : bytes_max + 1;
  for (;;) {
    if (out.size >= size_max) return InflateEnd::full;
    if (!make_room(out, room, size_max)) return InflateEnd::no_memory;
    engine.show(input);
    const std::size_t shown = zlib.avail_in;
    engine.lend(out, size_max);
    const int result = ::inflate(&zlib, Z_SYNC_FLUSH);
    engine.take(out);
    input = input.subspan(shown - zlib.avail_in);
    if (result == Z_DATA_ERROR) return InflateEnd::broken;
    if (result == Z_MEM_ERROR) return InflateEnd::no_memory;
    if (shown != zlib.avail_in) engine.between = false;
    if (result == Z_STREAM_END) {
      // "When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end at a byte boundary, an endpoint MUST add
      // minimal padding bits of 0 to make it end at a byte boundary. The next DEFLATE block follows the padded data if
      // any." (7.2.1) What came before stays in the window.
      inflateResetKeep(&zlib);
      engine.between = true;
    }
    if (input.empty() && zlib.avail_out != 0) return InflateEnd::starved;
  }
}

bool is_between_blocks(const ZlibInflate& engine) noexcept {
  constexpr int unused_bits = 63;
  constexpr int at_end_of_block = 128;  // zlib.h says so of data_type
  return engine.between || (engine.zlib.data_type & (at_end_of_block | unused_bits)) == at_end_of_block;
}

std::size_t memory_bytes(const ZlibInflate& engine) noexcept { return sizeof(ZlibInflate) + engine.bytes; }

}  // namespace parley::codec
