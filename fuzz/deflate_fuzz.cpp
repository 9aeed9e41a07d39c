// permessage-deflate. The first two bytes of the input are settings; the rest is inflated under a limit, whole and cut,
// by all libraries and by zlib alone, with the same outcome; and compressed and inflated again, which must give the
// rest back.
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

// All libraries, and zlib alone, which is the reference.
DeflateEngines& all_engines() {
  static DeflateEngines engines(std::size_t{1} << 30);
  return engines;
}
DeflateEngines& plain_engines() {
  static DeflateEngines engines(std::size_t{1} << 30, {.isal = false, .libdeflate = false});
  return engines;
}

void any_bytes(Bytes bytes, const DeflateSettings& settings, std::size_t step) {
  // With the whole window: a smaller one is overstepped or not, depending on how the bytes are cut.
  Inflater whole({.keeps_context = settings.keeps_context}, all_engines());
  Inflater plain({.keeps_context = settings.keeps_context}, plain_engines());
  Inflater cut({.keeps_context = settings.keeps_context}, all_engines());
  for (int message = 0; message < 2; ++message) {
    TestOutput expected;
    TestOutput out;
    TestOutput fast;
    const Violation violation = inflate(plain, bytes, bytes.size() + 1, expected);
    require(inflate(cut, bytes, step, out) == violation);
    const Violation fast_violation = inflate(whole, bytes, bytes.size() + 1, fast);
    // zlib is stricter with codes that are not complete.
    require(fast_violation == violation || fast_violation == Violation::none);
    if (violation != Violation::none) break;
    require(out.text() == expected.text() && fast.text() == expected.text());
  }
  Inflater small(settings, all_engines());
  TestOutput out;
  inflate(small, bytes, step, out);
}

// `step`: the size of the pieces that are compressed; 0: the whole message, or as it is if that is no gain.
void round_trip(Bytes bytes, const DeflateSettings& settings, std::size_t step) {
  if (bytes.empty()) return;  // there is nothing to gain
  Deflater deflater(settings, all_engines());
  Inflater inflater(settings, all_engines());
  Inflater plain(settings, plain_engines());
  for (int message = 0; message < 3; ++message) {
    TestOutput payload;
    if (step == 0) {
      const Deflater::Made made = deflater.compress(bytes, Deflater::Flush::message, payload);
      if (made == Deflater::Made::no_gain) continue;
    } else {
      for (Bytes left = bytes; !left.empty();) {
        const Bytes piece = left.first(std::min(step, left.size()));
        left = left.subspan(piece.size());
        require(deflater.compress(piece, Deflater::Flush::piece, payload) == Deflater::Made::bytes);
      }
      require(deflater.compress({}, Deflater::Flush::message, payload) == Deflater::Made::bytes);
    }
    for (Inflater* reader : {&inflater, &plain}) {
      TestOutput out;
      const Violation violation = inflate(*reader, Bytes(payload.data, payload.size), step + 1000, out);
      require(violation == (bytes.size() > limit ? Violation::message_too_large : Violation::none));
      require(violation != Violation::none || out.text() == as_text(bytes));
    }
    if (bytes.size() > limit) return;
  }
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const parley::Bytes bytes(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  const parley::codec::DeflateSettings settings{.window_bits = static_cast<std::uint8_t>(8 + data[0] % 8),
                                                .keeps_context = (data[0] & 8) != 0,
                                                .level = static_cast<std::uint8_t>(data[0] / 16 % 10)};
  const std::size_t step = data[1] / 2;
  parley::codec::any_bytes(bytes, settings, step + 1);
  parley::codec::round_trip(bytes, settings, data[1] & 1 ? step : step * 256);
  return 0;
}
