// Text from a peer: a stream of bytes cut at whole UTF-8 characters, and text made safe to show on a terminal.
//
//   parley::Utf8Stream stream;
//   std::string text;
//   stream.feed(bytes, text);                           // a character split across two receives is put together again
//   std::cout << parley::escape_controls(text) << '\n';
//
// Nothing here fails: bytes that are not UTF-8 are handed on as they are, and shown escaped. UTF-8 is that of RFC 3629:
// no overlong form, no surrogate, nothing above U+10FFFF.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <parley/bytes.h>

namespace parley {

// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

// `text` so that it can't drive a terminal or reorder what stands around it:
//   \x1b      a C0 control or DEL (so a line feed too: \x0a)
//   \xe9      a byte that is not part of well-formed UTF-8
//   \u{9b}    a C1 control, U+0080 … U+009F
//   \u{202e}  a bidirectional override or isolate, U+202A … U+202E and U+2066 … U+2069
// All else stays as it is, a backslash too: the result is for eyes, and what it came from can't always be told back.
// It is always well-formed UTF-8, at most four times as long as `text`.
std::string escape_controls(std::string_view text);

// Cuts a stream of bytes at whole characters. Every byte fed comes out once and in order; those at the end that may be
// the beginning of a character wait for the rest. Four bytes, and nothing on the heap; one thread at a time.
class Utf8Stream {
 public:
  static constexpr std::size_t held_bytes_max = 3;

  // Appends to `text` what is complete with these bytes. A byte that can't belong to any character is complete: it is
  // appended as it is.
  void feed(Bytes bytes, std::string& text);

  // The stream has ended: appends what waited, an unfinished character, and is as new.
  void finish(std::string& text);

  // How many bytes wait, up to held_bytes_max.
  std::size_t held_bytes() const noexcept { return size_; }

 private:
  std::array<char, held_bytes_max> held_{};
  unsigned char size_ = 0;
};

}  // namespace parley
