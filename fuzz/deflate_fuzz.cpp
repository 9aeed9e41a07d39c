// permessage-deflate. The first two bytes of the input are settings; the rest is inflated under a limit, whole and cut,
// with the same outcome; and compressed and inflated again, which must give the rest back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "codec/deflate.h"
#include "codec/outputs.h"

namespace parley::codec {
namespace {

constexpr std::size_t limit = 100'000;

void require(bool condition) {
  if (!condition) std::abort();
}

Violation inflate(Inflater& inflater, Bytes bytes, std::size_t step, TestOutput& out) {
  for (;;) {
    Bytes piece = bytes.first(std::min(step, bytes.size()));
    bytes = bytes.subspan(piece.size());
    const Violation violation = inflater.inflate(piece, bytes.empty(), out, limit);
    require(out.size <= limit + 1 && out.largest <= limit + 1);
    if (violation != Violation::none || bytes.empty()) return violation;
  }
}

void any_bytes(Bytes bytes, const DeflateSettings& settings, std::size_t step) {
  // With the whole window: a smaller one is overstepped or not, depending on how the bytes are cut.
  Inflater whole({.keeps_context = settings.keeps_context});
  Inflater cut({.keeps_context = settings.keeps_context});
  for (int message = 0; message < 2; ++message) {
    TestOutput expected;
    TestOutput out;
    const Violation violation = inflate(whole, bytes, bytes.size() + 1, expected);
    require(inflate(cut, bytes, step, out) == violation);
    if (violation != Violation::none) break;
    require(out.text() == expected.text());
  }
  Inflater small(settings);
  TestOutput out;
  inflate(small, bytes, step, out);
}

void round_trip(Bytes bytes, const DeflateSettings& settings, std::size_t step, bool flush) {
  Deflater deflater(settings);
  Inflater inflater(settings);
  for (int message = 0; message < 2; ++message) {
    TestOutput payload;
    for (Bytes left = bytes; !left.empty();) {
      const Bytes piece = left.first(std::min(step, left.size()));
      left = left.subspan(piece.size());
      require(deflater.compress(piece, flush ? Deflater::Flush::piece : Deflater::Flush::none, payload));
    }
    require(deflater.compress({}, Deflater::Flush::message, payload));
    TestOutput out;
    const Violation violation = inflate(inflater, Bytes(payload.data, payload.size), step, out);
    if (bytes.size() > limit) {
      require(violation == Violation::message_too_large);
      return;
    }
    require(violation == Violation::none && out.text() == as_text(bytes));
  }
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const parley::Bytes bytes(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  const parley::codec::DeflateSettings settings{.window_bits = static_cast<std::uint8_t>(8 + data[0] % 8),
                                                .keeps_context = (data[0] & 8) != 0,
                                                .level = static_cast<std::uint8_t>(data[0] / 16 % 10),
                                                .memory_level = static_cast<std::uint8_t>(1 + data[1] % 9)};
  const std::size_t step = data[1] / 2 + 1;
  parley::codec::any_bytes(bytes, settings, step);
  parley::codec::round_trip(bytes, settings, step, data[1] & 1);
  return 0;
}
