// libdeflate: inflates what has come whole up to twice as fast as zlib. It knows of no window and no end but BFINAL=1,
// so it is shown a stream of its own: the window as a stored block, the message, and an empty last block.
#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "base/check.h"
#include "codec/deflate_engines.h"

#ifdef PARLEY_LIBDEFLATE
#include <libdeflate.h>

namespace parley::codec {

namespace {

// Shorter messages, or those behind a much longer window, zlib inflates as fast (bench/deflate_bench).
constexpr std::size_t payload_bytes_min = 256;
constexpr std::size_t window_share_max = 16;
constexpr std::size_t input_bytes_max = 64 * 1024;
constexpr std::size_t output_bytes_max = 256 * 1024;
constexpr std::size_t stored_head_bytes = 5;
// "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." (7.2.2) Behind that, the last
// block, which is empty.
constexpr std::array<std::uint8_t, 9> tail{0x00, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0xFF, 0xFF};

}  // namespace

struct LibdeflateInflate {
  libdeflate_decompressor* libdeflate = nullptr;
  std::array<std::byte, input_bytes_max> input;
  std::array<std::byte, output_bytes_max> output;
};

void EndEngine::operator()(LibdeflateInflate* engine) const noexcept {
  libdeflate_free_decompressor(engine->libdeflate);
  delete engine;  // owned: by the unique_ptr whose deleter this is
}

namespace {

Owned<LibdeflateInflate> make_inflate() noexcept {
  Owned<LibdeflateInflate> engine(new (std::nothrow) LibdeflateInflate);  // owned: by the unique_ptr
  if (!engine) return engine;
  engine->libdeflate = libdeflate_alloc_decompressor();
  PARLEY_CHECK(engine->libdeflate != nullptr, "out of memory for libdeflate");
  return engine;
}

// The stream that stands for the message.
Bytes stream_of(LibdeflateInflate& engine, Bytes window, Bytes payload) noexcept {
  std::byte* at = engine.input.data();
  const auto put = [&at](const void* bytes, std::size_t size) {
    std::memcpy(at, bytes, size);
    at += size;
  };
  if (!window.empty()) {
    const auto size = static_cast<std::uint16_t>(window.size());
    const std::array<std::uint8_t, stored_head_bytes> head{
        0, static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(~size),
        static_cast<std::uint8_t>(~size >> 8)};
    put(head.data(), head.size());
    put(window.data(), window.size());
  }
  put(payload.data(), payload.size());
  put(tail.data(), tail.size());
  return {engine.input.data(), at};
}

}  // namespace

bool DeflateEngines::inflate_whole(Bytes window, Bytes payload, Output& out, std::size_t bytes_max) noexcept {
  const std::size_t around = stored_head_bytes + window.size() + tail.size();
  if (!libraries_.libdeflate || payload.size() < payload_bytes_min ||
      window.size() > window_share_max * payload.size() || payload.size() > input_bytes_max - around ||
      out.size > bytes_max) {
    return false;
  }
  if (!libdeflate_inflate_) libdeflate_inflate_ = make_inflate();
  if (!libdeflate_inflate_) return false;
  LibdeflateInflate& engine = *libdeflate_inflate_;
  const Bytes stream = stream_of(engine, window, payload);
  const std::size_t room = std::min(engine.output.size() - window.size(), bytes_max - out.size);
  std::size_t taken = 0;
  std::size_t made = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      engine.libdeflate, stream.data(), stream.size(), engine.output.data(), window.size() + room, &taken, &made);
  // If it stopped before, a block of the message had BFINAL=1.
  if (result != LIBDEFLATE_SUCCESS || taken != stream.size()) return false;
  const std::size_t fresh = made - window.size();
  if (out.size + fresh > out.capacity && !out.grow(out.size + fresh)) return false;
  if (fresh != 0) std::memcpy(out.data + out.size, engine.output.data() + window.size(), fresh);
  out.size += fresh;
  return true;
}

}  // namespace parley::codec

#else

namespace parley::codec {

struct LibdeflateInflate {};
void EndEngine::operator()(LibdeflateInflate* engine) const noexcept { delete engine; }  // owned: nobody makes one
bool DeflateEngines::inflate_whole(Bytes, Bytes, Output&, std::size_t) noexcept { return false; }

}  // namespace parley::codec

#endif
