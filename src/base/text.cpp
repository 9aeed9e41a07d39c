#include <parley/text.h>

#include <algorithm>
#include <cstdint>

namespace parley {
namespace {

// The beginning of a text: one character, an invalid byte, or a character that is not whole yet.
struct Head {
  enum class Is : std::uint8_t { character, invalid, unfinished };
  Is is;
  std::uint8_t size;  // in bytes; of an unfinished one, what is there
  char32_t character = 0;
};

struct Lead {
  std::uint8_t size;        // of the whole character; 0: no character begins so
  std::uint8_t second_min;  // RFC 3629, 4: the second byte's range depends on the first
  std::uint8_t second_max;
};

constexpr Lead lead(std::uint8_t byte) noexcept {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xc2) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// `text` is not empty.
constexpr Head head(std::string_view text) noexcept {
  const auto first = static_cast<std::uint8_t>(text.front());
  const Lead want = lead(first);
  if (want.size == 0) return {Head::Is::invalid, 1};
  if (want.size == 1) return {Head::Is::character, 1, first};

  char32_t character = first & (0x7fu >> want.size);
  for (std::uint8_t i = 1; i < want.size; ++i) {
    if (i == text.size()) return {Head::Is::unfinished, i};
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < (i == 1 ? want.second_min : 0x80) || byte > (i == 1 ? want.second_max : 0xbf)) {
      return {Head::Is::invalid, 1};
    }
    character = character << 6 | (byte & 0x3fu);
  }
  return {Head::Is::character, want.size, character};
}

// How many bytes at the end of `text` begin a character that is not whole.
std::size_t unfinished_bytes(std::string_view text) noexcept {
  for (std::size_t size = 1; size <= std::min(text.size(), Utf8Stream::held_bytes_max); ++size) {
    const Head last = head(text.substr(text.size() - size));
    if (last.is == Head::Is::unfinished) return size;
    if (last.is == Head::Is::character) return 0;
  }
  return 0;
}

constexpr bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

constexpr bool is_bidi_override(char32_t c) noexcept {
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void append_hex(std::string& out, char32_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (value > 0xf) append_hex(out, value >> 4);
  out += digits[value & 0xf];
}

void append_byte(std::string& out, std::uint8_t byte) {
  out += byte < 0x10 ? "\\x0" : "\\x";
  append_hex(out, byte);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Head next = head(text);
    if (next.is != Head::Is::character) return false;
    text.remove_prefix(next.size);
  }
  return true;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Head next = head(text);
    const bool whole = next.is == Head::Is::character;
    if (whole && !is_control(next.character) && !is_bidi_override(next.character)) {
      out += text.substr(0, next.size);
    } else if (!whole || next.size == 1) {
      for (const char byte : text.substr(0, next.size)) append_byte(out, static_cast<std::uint8_t>(byte));
    } else {
      out += "\\u{";
      append_hex(out, next.character);
      out += '}';
    }
    text.remove_prefix(next.size);
  }
  return out;
}

void Utf8Stream::feed(Bytes bytes, std::string& text) {
  std::string_view fresh = as_text(bytes);
  // One byte at a time until what was held is decided: as a character, or as bytes that never become one.
  while (size_ > 0 && !fresh.empty()) {
    char joined[held_bytes_max + 1];
    std::copy_n(held_.data(), size_, joined);
    joined[size_] = fresh.front();
    const std::string_view all(joined, size_ + 1u);
    const Head next = head(all);
    if (next.is == Head::Is::invalid) {
      finish(text);
      break;
    }
    fresh.remove_prefix(1);
    if (next.is == Head::Is::unfinished) {
      held_[size_++] = all.back();
    } else {
      text += all;
      size_ = 0;
    }
  }
  const std::size_t waits = unfinished_bytes(fresh);
  text += fresh.substr(0, fresh.size() - waits);
  if (waits > 0) size_ = static_cast<unsigned char>(fresh.copy(held_.data(), waits, fresh.size() - waits));
}

void Utf8Stream::finish(std::string& text) {
  text.append(held_.data(), size_);
  size_ = 0;
}

}  // namespace parley
