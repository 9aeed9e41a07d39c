// UTF-8: cut anywhere, the same verdict as by decoding each character.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/utf8.h"
#include "codec/utf8_slow.h"

namespace parley::codec {
namespace {

SlowUtf8 fed(Bytes bytes, std::size_t step) {
  Utf8 utf8;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(step, bytes.size()));
    if (!utf8.feed(piece)) return SlowUtf8::invalid;
    bytes = bytes.subspan(piece.size());
  }
  return utf8.is_whole() ? SlowUtf8::valid : SlowUtf8::cut_short;
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const parley::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const parley::codec::SlowUtf8 expected = parley::codec::slow_utf8(parley::as_text(bytes));
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{8}, size / 2 + 1, size + 1}) {
    if (parley::codec::fed(bytes, step) != expected) std::abort();
  }
  return 0;
}
