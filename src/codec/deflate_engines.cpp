#include "codec/deflate_engines.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace parley::codec {

// ---- Window

namespace {

constexpr std::size_t window_bytes_first = 256;

}  // namespace

Window::Window(DeflateEngines& engines, std::size_t bytes_max, From from) noexcept
    : engines_(engines), bytes_max_(static_cast<std::uint32_t>(bytes_max)), from_(from) {
  if (from_ == From::reserve) engines_.take_anyway(bytes_max_);
}

Window::~Window() {
  forget();
  if (from_ == From::reserve) engines_.release(bytes_max_);
}

void Window::forget() noexcept {
  if (from_ == From::budget) engines_.release(capacity_);
  memory_.reset();
  size_ = capacity_ = 0;
}

bool Window::grow(std::size_t bytes) noexcept {
  const std::size_t wider = std::min<std::size_t>(bytes_max_, std::max({bytes, 2UZ * capacity_, window_bytes_first}));
  if (from_ == From::budget && !engines_.take(wider - capacity_)) return false;
  std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[wider]);  // owned: by the unique_ptr
  if (!memory) {
    if (from_ == From::budget) engines_.release(wider - capacity_);
    return false;
  }
  if (size_ != 0) std::memcpy(memory.get(), memory_.get(), size_);
  memory_ = std::move(memory);
  capacity_ = static_cast<std::uint32_t>(wider);
  return true;
}

bool Window::add(Bytes fresh) noexcept {
  if (fresh.size() > bytes_max_) fresh = fresh.last(bytes_max_);
  if (fresh.empty()) return true;
  const std::size_t kept = std::min(std::size_t{size_}, bytes_max_ - fresh.size());
  if (kept + fresh.size() > capacity_ && !grow(kept + fresh.size())) {
    forget();
    return false;
  }
  std::memmove(memory_.get(), memory_.get() + (size_ - kept), kept);
  std::memcpy(memory_.get() + kept, fresh.data(), fresh.size());
  size_ = static_cast<std::uint32_t>(kept + fresh.size());
  return true;
}

// ---- DeflateEngines

namespace {

bool both(bool wanted, bool there) noexcept { return wanted ? there : false; }

}  // namespace

DeflateEngines::DeflateEngines(std::size_t windows_bytes_max, Libraries libraries) noexcept
    : libraries_{both(libraries.isal, installed().isal), both(libraries.libdeflate, installed().libdeflate)},
      windows_bytes_max_(windows_bytes_max) {}

DeflateEngines::Libraries DeflateEngines::installed() noexcept {
#ifdef PARLEY_ISAL
  constexpr bool isal = true;
#else
  constexpr bool isal = false;
#endif
#ifdef PARLEY_LIBDEFLATE
  constexpr bool libdeflate = true;
#else
  constexpr bool libdeflate = false;
#endif
  return {isal, libdeflate};
}

DeflateEngines::~DeflateEngines() = default;

bool DeflateEngines::take(std::size_t bytes) noexcept {
  if (!has_room(bytes)) return false;
  windows_bytes_ += bytes;
  return true;
}

bool DeflateEngines::deflate(const DeflateSettings& settings, Bytes window, Bytes piece, Output& out) noexcept {
  const bool by_isal = libraries_.isal && settings.level >= 1 && settings.level <= DeflateSettings::balanced_max;
  return by_isal ? deflate_by_isal(settings, window, piece, out) : deflate_by_zlib(settings, window, piece, out);
}

void DeflateEngines::give_back(LentInflate engine) noexcept {
  if (engine) spare_inflate_ = std::move(engine);
}

bool make_room(Output& out, std::size_t bytes, std::size_t size_max) noexcept {
  if (out.size < out.capacity) return true;
  return out.grow(std::min(size_max, out.size + std::max(bytes, out.size)));
}

}  // namespace parley::codec
