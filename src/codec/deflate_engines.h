// What compresses and inflates for all connections of a loop, and the budget of the windows that they keep.
//
//   compressing   ISA-L; zlib for the levels above its own, and where ISA-L is not installed
//   inflating     libdeflate, for a message that has come whole; zlib otherwise, and where libdeflate is not installed
//
// An engine knows nothing of a connection: it is shown the window, then the message. How fast that is, and how small
// messages become: docs/limits.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <parley/bytes.h>

namespace parley::codec {

// What an engine appends to: memory of the caller's.
class Output {
 public:
  // Makes `capacity` at least `bytes`, more if that is wise, and keeps the first `size` bytes. False: it can't.
  virtual bool grow(std::size_t bytes) noexcept = 0;

  std::byte* data = nullptr;
  std::size_t size = 0;
  std::size_t capacity = 0;

 protected:
  ~Output() = default;
};

struct DeflateSettings {
  static constexpr std::uint8_t fast_max = 3;      // levels up to this: ISA-L, with the static codes if they are short
  static constexpr std::uint8_t balanced_max = 6;  // up to this: ISA-L

  // 8 to 15. How far back a match may lie: 2^window_bits bytes.
  std::uint8_t window_bits = 15;
  // What was sent before may be referred to by later messages.
  bool keeps_context = true;
  // 0 (none) to 9 (best): a Deflater's.
  std::uint8_t level = 6;

  std::size_t window_bytes_max() const noexcept { return std::size_t{1} << window_bits; }
};

class DeflateEngines;

// The last bytes of one direction, as far as there have been any.
class Window {
 public:
  enum class From : std::uint8_t {
    budget,   // its memory is taken from the budget as it grows; there may be none
    reserve,  // all of it is taken from the budget now, whether there is enough or not
  };
  Window(DeflateEngines& engines, std::size_t bytes_max, From from) noexcept;
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  DeflateEngines& engines() const noexcept { return engines_; }
  Bytes bytes() const noexcept { return {memory_.get(), size_}; }
  std::size_t capacity() const noexcept { return capacity_; }

  // Keeps the last `bytes_max` of what it had and `fresh`. False: there is no memory for that; it is empty then.
  bool add(Bytes fresh) noexcept;
  void forget() noexcept;

 private:
  bool grow(std::size_t bytes) noexcept;

  DeflateEngines& engines_;
  const std::uint32_t bytes_max_;
  const From from_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::unique_ptr<std::byte[]> memory_;
};

struct ZlibDeflate;
struct IsalDeflate;
struct ZlibInflate;
struct LibdeflateInflate;
// Defined where the engine is.
struct EndEngine {
  void operator()(ZlibDeflate* engine) const noexcept;
  void operator()(IsalDeflate* engine) const noexcept;
  void operator()(ZlibInflate* engine) const noexcept;
  void operator()(LibdeflateInflate* engine) const noexcept;
};
template <class Engine>
using Owned = std::unique_ptr<Engine, EndEngine>;

using LentInflate = Owned<ZlibInflate>;

class DeflateEngines {
 public:
  struct Libraries {
    bool isal = true;
    bool libdeflate = true;
  };
  static Libraries installed() noexcept;

  explicit DeflateEngines(std::size_t windows_bytes_max) noexcept : DeflateEngines(windows_bytes_max, Libraries{}) {}
  DeflateEngines(std::size_t windows_bytes_max, Libraries libraries) noexcept;  // of those that are installed
  ~DeflateEngines();
  DeflateEngines(const DeflateEngines&) = delete;
  DeflateEngines& operator=(const DeflateEngines&) = delete;

  // Appends what `piece` becomes behind `window`, with 00 00 FF FF at its end. False: there was no memory.
  bool deflate(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept;

  // Appends what `payload`, a whole message, becomes behind `window`, at most `bytes_max` in all. False, with nothing
  // appended: it can't be told by this way; whatever is the matter, a lent engine will find it.
  bool inflate_whole(Bytes window, Bytes payload, Output& out, std::size_t bytes_max) noexcept;

  // An engine for one message behind `window`, which refers 2^window_bits bytes back at most. Null: no memory.
  LentInflate lend(Bytes window, std::uint8_t window_bits) noexcept;
  void give_back(LentInflate engine) noexcept;

  // ---- The budget of the windows, in bytes

  bool take(std::size_t bytes) noexcept;  // false: there is not so much left
  void take_anyway(std::size_t bytes) noexcept { windows_bytes_ += bytes; }
  void release(std::size_t bytes) noexcept { windows_bytes_ -= bytes; }
  bool has_room(std::size_t bytes) const noexcept {
    return windows_bytes_ <= windows_bytes_max_ && windows_bytes_max_ - windows_bytes_ >= bytes;
  }
  // More than seven eighths are taken: connections that are idle should give back what they can do without.
  bool is_tight() const noexcept { return windows_bytes_ > windows_bytes_max_ - windows_bytes_max_ / 8; }
  std::size_t windows_bytes() const noexcept { return windows_bytes_; }

 private:
  bool deflate_by_isal(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept;
  bool deflate_by_zlib(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept;

  const Libraries libraries_;
  const std::size_t windows_bytes_max_;
  std::size_t windows_bytes_ = 0;
  std::array<Owned<ZlibDeflate>, 16> zlib_deflate_;  // by window_bits
  Owned<IsalDeflate> isal_deflate_;
  Owned<LibdeflateInflate> libdeflate_inflate_;
  LentInflate spare_inflate_;  // the one that was given back last
};

// ---- For the engines

// Room for `bytes` more, or for as much again as there is: a length that somebody claims plays no part.
bool make_room(Output& out, std::size_t bytes, std::size_t size_max) noexcept;

inline constexpr std::size_t room_bytes_min = 256;
inline constexpr std::size_t room_bytes_max = 64 * 1024;
inline constexpr std::size_t chunk_bytes_max = 1u << 24;  // shown to a library at once: they count in 32 bits

// One message, or part of it, inflated by zlib.
enum class InflateEnd : std::uint8_t { starved, full, broken, no_memory };
InflateEnd run(ZlibInflate& engine, Bytes& input, Output& out, std::size_t bytes_max, std::size_t room) noexcept;
bool is_between_blocks(const ZlibInflate& engine) noexcept;
std::size_t memory_bytes(const ZlibInflate& engine) noexcept;

}  // namespace parley::codec
