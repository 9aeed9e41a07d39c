// Frames: the first byte of the input chooses the role, whether RSV1 is allowed and how the rest is cut; the frames are
// those of the slow reader, and so is what is wrong with them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "codec/frames_slow.h"
#include "codec/message.h"

namespace parley::codec {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Seen {
  std::vector<Frame> frames;
  Violation violation = Violation::none;
};

Seen read(std::string_view wire, Role role, bool rsv1_allowed, std::size_t step) {
  Seen seen;
  FrameReader reader(role, rsv1_allowed);
  MessageReader messages;
  std::string unread;
  while (!wire.empty()) {
    const std::size_t bytes = std::min(step, wire.size());
    unread += wire.substr(0, bytes);
    wire.remove_prefix(bytes);
    std::vector<char> memory(unread.begin(), unread.end());  // of just this size, so that ASan sees what reads beyond
    std::span<std::byte> rest = std::as_writable_bytes(std::span(memory));
    Piece piece;
    FrameReader::Step outcome = FrameReader::Step::starved;
    while ((outcome = reader.next(rest, piece)) == FrameReader::Step::piece) {
      if (piece.first) seen.frames.push_back({piece.bits.value, piece.bytes.size() + piece.left, ""});
      seen.frames.back().payload += as_text(piece.bytes);
      require(seen.frames.back().payload.size() + piece.left == seen.frames.back().size);
      if (!piece.bits.is_control()) messages.take(piece, {.message_bytes_max = 1000, .fragments_max = 10});
    }
    seen.violation = reader.violation();
    if (outcome == FrameReader::Step::violation) break;
    require(rest.size() <= 130);
    unread = as_text(rest);
  }
  return seen;
}

void check(std::string_view wire, Role role, bool rsv1_allowed, std::size_t step) {
  const Seen seen = read(wire, role, rsv1_allowed, step);
  for (const Frame& frame : seen.frames) {
    const auto head = slow_head(wire);
    require(head && slow_violations(wire, role, rsv1_allowed).empty());
    const std::size_t here = std::min<std::uint64_t>(head->frame.size, wire.size() - head->bytes);
    require(frame.bits == head->frame.bits && frame.size == head->frame.size);
    require(frame.payload == slow_mask(std::string(wire.substr(head->bytes, here)), head->key));
    wire.remove_prefix(head->bytes + here);
  }
  const auto head = slow_head(wire);
  if (!head) return;
  const std::set<Violation> wrong = slow_violations(wire, role, rsv1_allowed);
  const bool is_half_control = head->frame.bits & 8 && wire.size() - head->bytes < head->frame.size;
  require(wrong.empty() ? is_half_control && seen.violation == Violation::none : wrong.contains(seen.violation));
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto role = data[0] & 1 ? parley::codec::Role::server : parley::codec::Role::client;
  parley::codec::check(wire, role, data[0] & 2, data[0] / 4 + 1u);
  return 0;
}
