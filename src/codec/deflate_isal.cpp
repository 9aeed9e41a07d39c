// ISA-L: compresses several times as fast as zlib, to nearly as little.
#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "base/check.h"
#include "codec/deflate_engines.h"

#ifdef PARLEY_ISAL
#include <isa-l/igzip_lib.h>

namespace parley::codec {

struct IsalDeflate {
  isal_zstream isal;
  alignas(64) std::array<std::byte, ISAL_DEF_LVL1_SMALL> level_buffer;
};

void EndEngine::operator()(IsalDeflate* engine) const noexcept {
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

namespace {

// Below it, codes of a message's own take more room in its head than they save in its body (bench/deflate_bench).
constexpr std::size_t own_codes_bytes_min = 512;
constexpr std::size_t own_codes_bytes_min_fast = 4096;
// A shorter window hardly ever has a match, and ISA-L's way of marking an empty table needs some bytes in it.
constexpr std::size_t window_bytes_min = 16;

std::uint8_t* bytes_of(Bytes bytes) noexcept {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

// Level 0 has codes that are known beforehand, level 1 makes codes for the message.
void begin(IsalDeflate& engine, const DeflateSettings& settings, Bytes window, std::size_t bytes) noexcept {
  isal_zstream& isal = engine.isal;
  isal_deflate_init(&isal);
  const bool is_fast = settings.level <= DeflateSettings::fast_max;
  isal.level = bytes >= (is_fast ? own_codes_bytes_min_fast : own_codes_bytes_min) ? 1 : 0;
  isal.level_buf = reinterpret_cast<std::uint8_t*>(engine.level_buffer.data());
  isal.level_buf_size = static_cast<std::uint32_t>(engine.level_buffer.size());
  isal.hist_bits = settings.window_bits;
  isal_deflate_set_hufftables(&isal, nullptr, IGZIP_HUFFTABLE_STATIC);
  if (window.size() >= window_bytes_min) {
    isal_deflate_set_dict(&isal, bytes_of(window), static_cast<std::uint32_t>(window.size()));
  }
}

}  // namespace

bool DeflateEngines::deflate_by_isal(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept {
  if (!isal_deflate_) isal_deflate_.reset(new (std::nothrow) IsalDeflate);  // owned: by the unique_ptr
  if (!isal_deflate_) return false;
  isal_zstream& isal = isal_deflate_->isal;
  begin(*isal_deflate_, settings, window, piece.size());
  // It wants some bytes of room at once, or it may go round in circles.
  const std::size_t room = std::clamp(piece.size() / 2, room_bytes_min, room_bytes_max);
  do {
    const std::size_t shown = std::min(piece.size(), chunk_bytes_max);
    isal.next_in = bytes_of(piece);
    isal.avail_in = static_cast<std::uint32_t>(shown);
    isal.flush = shown == piece.size() ? SYNC_FLUSH : NO_FLUSH;
    if (out.size + room > out.capacity && !out.grow(out.size + std::max(room, out.size))) return false;
    isal.next_out = reinterpret_cast<std::uint8_t*>(out.data + out.size);
    isal.avail_out = static_cast<std::uint32_t>(std::min(out.capacity - out.size, chunk_bytes_max));
    const int result = isal_deflate(&isal);
    PARLEY_CHECK(result == COMP_OK, "ISA-L was called wrongly");
    out.size = static_cast<std::size_t>(reinterpret_cast<std::byte*>(isal.next_out) - out.data);
    piece = piece.subspan(shown - isal.avail_in);
  } while (!piece.empty() || isal.internal_state.state != ZSTATE_NEW_HDR);
  return true;
}

}  // namespace parley::codec

#else

namespace parley::codec {

struct IsalDeflate {};
void EndEngine::operator()(IsalDeflate* engine) const noexcept { delete engine; }  // owned: nobody makes one
bool DeflateEngines::deflate_by_isal(const DeflateSettings&, Bytes, Bytes, Output&) noexcept { return false; }

}  // namespace parley::codec

#endif
