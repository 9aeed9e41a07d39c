// Messages compressed and inflated, for the tests of deflate.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "codec/deflate.h"
#include "codec/outputs.h"
#include "codec/wire.h"

namespace parley::codec {

using Flush = Deflater::Flush;
using Made = Deflater::Made;

inline DeflateSettings at_level(int level) { return {.level = static_cast<std::uint8_t>(level)}; }

constexpr std::size_t plenty = std::size_t{1} << 30;

// With the libraries that are fast, and by zlib alone.
inline void with_each(const std::function<void(DeflateEngines&)>& test) {
  for (const bool fast : {true, false}) {
    SCOPED_TRACE(fast ? "all libraries" : "zlib alone");
    DeflateEngines engines(plenty, {.isal = fast, .libdeflate = fast});
    test(engines);
  }
}

// In pieces, so that it is compressed even if that makes it longer.
inline std::string compressed(Deflater& deflater, const std::vector<std::string>& pieces) {
  TestOutput out;
  for (const std::string& piece : pieces) EXPECT_EQ(deflater.compress(as_bytes(piece), Flush::piece, out), Made::bytes);
  EXPECT_EQ(deflater.compress({}, Flush::message, out), Made::bytes);
  return std::string(out.text());
}

// Whole, or in pieces if that would be no gain.
inline std::string compressed(Deflater& deflater, std::string_view message) {
  TestOutput out;
  const Made made = deflater.compress(as_bytes(message), Flush::message, out);
  EXPECT_NE(made, Made::no_memory);
  return made == Made::bytes ? std::string(out.text()) : compressed(deflater, std::vector{std::string(message)});
}

struct Inflated {
  std::string text;
  Violation violation = Violation::none;
};

inline Inflated inflated(Inflater& inflater, const std::vector<std::string>& pieces, std::size_t bytes_max = SIZE_MAX) {
  TestOutput out;
  Inflated result;
  for (std::size_t i = 0; i < pieces.size() && result.violation == Violation::none; ++i) {
    Bytes piece = as_bytes(pieces[i]);
    result.violation = inflater.inflate(piece, i + 1 == pieces.size(), out, bytes_max);
    EXPECT_TRUE(result.violation != Violation::none || piece.empty());
  }
  EXPECT_LE(out.largest - 1, bytes_max);
  result.text = out.text();
  return result;
}

inline std::string sample(std::size_t bytes, int kind) {
  Random random(static_cast<std::uint64_t>(bytes));
  std::string text;
  while (text.size() < bytes) {
    if (kind == 0) text += 'a';
    if (kind == 1) text += R"({"name":"value )" + std::to_string(random.below(1000)) + "\"},";
    if (kind == 2) text += static_cast<char>(random.below(256));
  }
  text.resize(bytes);
  return text;
}

// Inflates by plain zlib a byte at a time, so that it never sees farther back than its window.
inline std::string plainly_inflated(const std::vector<std::string>& messages, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -window_bits), Z_OK);
  std::string text;
  for (const std::string& message : messages) {
    std::string input = message + unhex("00 00 ff ff");
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    int result = Z_OK;
    while (result == Z_OK) {
      char byte = 0;
      stream.next_out = reinterpret_cast<Bytef*>(&byte);
      stream.avail_out = 1;
      result = ::inflate(&stream, Z_SYNC_FLUSH);
      if (stream.avail_out == 0) text += byte;
    }
    EXPECT_EQ(result, Z_BUF_ERROR) << "window bits " << window_bits;
    EXPECT_EQ(stream.avail_in, 0u);
  }
  inflateEnd(&stream);
  return text;
}

}  // namespace parley::codec
