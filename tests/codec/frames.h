// Frames read in pieces, for the tests of frames and messages.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codec/frame.h"
#include "codec/frames_slow.h"
#include "codec/wire.h"

namespace parley::codec {

// What came of reading a stream of frames.
struct ReadFrames {
  std::vector<Frame> frames;
  Violation violation = Violation::none;
  std::size_t left_over = 0;
};

// Shows a reader one piece after the other, the way a connection does: what it leaves is shown again with more behind.
inline ReadFrames read_frames(const std::vector<std::string>& pieces, Role role, bool rsv1_allowed) {
  ReadFrames result;
  FrameReader reader(role, rsv1_allowed);
  std::string unread;
  for (const std::string& more : pieces) {
    unread += more;
    std::vector<std::byte> memory(unread.size());  // of just this size, so that ASan sees what reads beyond
    std::ranges::copy(as_bytes(unread), memory.begin());
    std::span<std::byte> bytes(memory);
    Piece piece;
    FrameReader::Step step = FrameReader::Step::starved;
    while ((step = reader.next(bytes, piece)) == FrameReader::Step::piece) {
      if (piece.first) result.frames.push_back({piece.bits.value, piece.bytes.size() + piece.left, ""});
      Frame& frame = result.frames.back();
      EXPECT_FALSE(piece.bits.is_control() && !(piece.first && piece.last));
      EXPECT_EQ(frame.bits, piece.bits.value);
      frame.payload += as_text(piece.bytes);
      EXPECT_EQ(frame.payload.size() + piece.left, frame.size);
      EXPECT_EQ(piece.last, piece.left == 0);
      EXPECT_EQ(reader.in_frame(), !piece.last);
      EXPECT_EQ(reader.left(), piece.left);
    }
    result.violation = reader.violation();
    EXPECT_EQ(step == FrameReader::Step::violation, result.violation != Violation::none);
    if (step == FrameReader::Step::violation) return result;
    unread = as_text(bytes);
    EXPECT_LE(unread.size(), 130u);
  }
  result.left_over = unread.size();
  return result;
}

}  // namespace parley::codec
