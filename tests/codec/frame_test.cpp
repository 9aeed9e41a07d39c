#include "codec/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>

#include "codec/frames.h"

namespace parley::codec {
namespace {

constexpr Role roles[] = {Role::client, Role::server};
constexpr std::string_view key = "\x37\xFA\x21\x3D";

std::string key_for(Role role) { return role == Role::server ? std::string(key) : std::string(); }

// Reads `wire` cut in every way, and expects just these frames.
void expect_frames(std::string_view wire, Role role, const std::vector<Frame>& frames, bool rsv1_allowed = false) {
  cut_every_way(wire, [&](const std::vector<std::string>& pieces) {
    const ReadFrames read = read_frames(pieces, role, rsv1_allowed);
    EXPECT_EQ(read.violation, Violation::none);
    EXPECT_TRUE(read.frames == frames);
    EXPECT_EQ(read.left_over, 0u);
  });
}

TEST(Frame, the_examples_of_rfc_6455) {
  expect_frames(unhex("81 05 48 65 6c 6c 6f"), Role::client, {{0x81, 5, "Hello"}});
  expect_frames(unhex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), Role::server, {{0x81, 5, "Hello"}});
  expect_frames(unhex("01 03 48 65 6c 80 02 6c 6f"), Role::client, {{0x01, 3, "Hel"}, {0x80, 2, "lo"}});
  expect_frames(unhex("89 05 48 65 6c 6c 6f"), Role::client, {{0x89, 5, "Hello"}});
  expect_frames(unhex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"), Role::server, {{0x8A, 5, "Hello"}});
  const std::string a(256, 'a');
  expect_frames(unhex("82 7E 01 00") + a, Role::client, {{0x82, 256, a}});
  const std::string b(65536, 'b');
  const ReadFrames read = read_frames({unhex("82 7F 00 00 00 00 00 01 00 00") + b}, Role::client, false);
  EXPECT_TRUE(read.frames == (std::vector<Frame>{{0x82, 65536, b}}));
}

TEST(Frame, a_frame_without_payload_is_one_empty_piece) {
  for (const Role role : roles) {
    for (const FrameBits bits : {FrameBits{0x81}, {0x82}, {0x01}, {0x00}, {0x88}, {0x89}, {0x8A}}) {
      expect_frames(slow_frame(bits.value, "", key_for(role)), role, {{bits.value, 0, ""}});
    }
  }
}

TEST(Frame, a_control_frame_between_fragments_comes_whole) {
  for (const Role role : roles) {
    const std::string wire = slow_frame(0x01, "first", key_for(role)) + slow_frame(0x89, "", key_for(role)) +
                             slow_frame(0x00, "", key_for(role)) + slow_frame(0x8A, "pong", key_for(role)) +
                             slow_frame(0x80, "last", key_for(role)) + slow_frame(0x88, "", key_for(role));
    expect_frames(
        wire, role,
        {{0x01, 5, "first"}, {0x89, 0, ""}, {0x00, 0, ""}, {0x8A, 4, "pong"}, {0x80, 4, "last"}, {0x88, 0, ""}});
  }
}

TEST(Frame, rsv1_is_read_if_it_is_allowed) {
  for (const Role role : roles) {
    expect_frames(slow_frame(0xC1, "xyz", key_for(role)), role, {{0xC1, 3, "xyz"}}, true);
  }
}

// Every first byte, with and without a mask, and each form of the length at the ends of what it may say.
TEST(Frame, every_kind_of_head) {
  std::vector<std::string> lengths;
  for (const char* form : {"00", "01", "7D", "7E 0000", "7E 007D", "7E 007E", "7E FFFF", "7F 0000000000000000",
                           "7F 000000000000FFFF", "7F 0000000000010000", "7F 0001000000000000", "7F 7FFFFFFFFFFFFFFF",
                           "7F 8000000000000000", "7F FFFFFFFFFFFFFFFF"}) {
    lengths.push_back(unhex(form));
  }
  for (int first = 0; first < 256; ++first) {
    for (const bool masked : {false, true}) {
      for (std::string length : lengths) {
        if (masked) length[0] = static_cast<char>(length[0] | 0x80);
        std::string wire(1, static_cast<char>(first));
        wire += length;
        if (masked) wire += key;
        const auto head = slow_head(wire);
        ASSERT_TRUE(head && head->bytes == wire.size());
        const std::string payload(static_cast<std::size_t>(std::min<std::uint64_t>(head->frame.size, 130)), 'p');
        wire += slow_mask(payload, head->key);
        for (int which = 0; which < 4; ++which) {
          const Role role = roles[which % 2];
          const bool rsv1_allowed = which / 2;
          const auto wrong = slow_violations(wire, role, rsv1_allowed);
          cut_every_way(
              wire,
              [&](const std::vector<std::string>& pieces) {
                const ReadFrames read = read_frames(pieces, role, rsv1_allowed);
                if (!wrong.empty()) {
                  EXPECT_TRUE(wrong.contains(read.violation)) << phrase(read.violation);
                  EXPECT_TRUE(read.frames.empty());
                  return;
                }
                EXPECT_EQ(read.violation, Violation::none) << phrase(read.violation);
                EXPECT_TRUE(read.frames == (std::vector<Frame>{{head->frame.bits, head->frame.size, payload}}));
              },
              15);
          ASSERT_FALSE(HasFailure()) << "first byte " << first << ", role " << which % 2 << ", rsv1 " << rsv1_allowed;
        }
      }
    }
  }
}

TEST(Frame, what_two_bytes_tell_is_not_waited_for) {
  const auto verdict = [](const char* two, Role role) {
    return read_frames({unhex(two).substr(0, 1), unhex(two).substr(1)}, role, false).violation;
  };
  EXPECT_EQ(verdict("89 00", Role::server), Violation::not_masked);  // all that will come
  EXPECT_EQ(verdict("82 7F", Role::server), Violation::not_masked);
  EXPECT_EQ(verdict("89 80", Role::client), Violation::masked);
  EXPECT_EQ(verdict("C1 FE", Role::server), Violation::reserved_bits);
  EXPECT_EQ(verdict("83 FE", Role::server), Violation::reserved_opcode);
  EXPECT_EQ(verdict("08 80", Role::server), Violation::control_fragmented);
  EXPECT_EQ(verdict("89 FE", Role::server), Violation::control_too_long);
  EXPECT_EQ(verdict("89 7F", Role::client), Violation::control_too_long);
}

TEST(Frame, at_most_130_bytes_are_left) {
  for (const Role role : roles) {
    std::string wire = slow_frame(0x89, std::string(125, 'c'), key_for(role));
    wire.pop_back();
    const ReadFrames read = read_frames({wire}, role, false);
    EXPECT_TRUE(read.frames.empty());
    EXPECT_EQ(read.left_over, role == Role::server ? 130u : 126u);
  }
}

RC_GTEST_PROP(Frame, any_frames_cut_anywhere, ()) {
  const Role role = roles[*rc::gen::inRange(0, 2)];
  std::string wire;
  std::vector<Frame> frames;
  for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
    const auto bits = *rc::gen::element<std::uint8_t>(0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0xC1, 0x42, 0x88, 0x89, 0x8A);
    const int size_max = bits & 8 ? 125 : *rc::gen::element(10, 300, 70000);
    std::string payload(*rc::gen::inRange<std::size_t>(0, static_cast<std::size_t>(size_max) + 1), '\0');
    const auto step = *rc::gen::arbitrary<unsigned char>();
    for (std::size_t at = 0; at < payload.size(); ++at) payload[at] = static_cast<char>(at * step + at / 256);
    const auto octets = *rc::gen::container<std::string>(4, rc::gen::arbitrary<char>());
    wire += slow_frame(bits, payload, role == Role::server ? octets : "");
    frames.push_back({bits, payload.size(), payload});
  }
  std::vector<std::size_t> cuts;
  for (int i = *rc::gen::inRange(0, 20); i > 0; --i) cuts.push_back(*rc::gen::inRange<std::size_t>(0, wire.size() + 1));
  std::ranges::sort(cuts);
  const ReadFrames read = read_frames(cut(wire, cuts), role, true);
  RC_ASSERT(read.violation == Violation::none);
  RC_ASSERT(read.frames == frames);
  RC_ASSERT(read.left_over == 0u);
}

RC_GTEST_PROP(Frame, any_bytes_as_the_slow_reader_sees_them, ()) {
  const Role role = roles[*rc::gen::inRange(0, 2)];
  const bool rsv1_allowed = *rc::gen::arbitrary<bool>();
  auto wire = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  if (wire.size() > 1 && *rc::gen::arbitrary<bool>()) {  // likelier to be a frame
    wire[0] = static_cast<char>(*rc::gen::element(0x01, 0x82, 0x80, 0x89, 0xC2));
    wire[1] = static_cast<char>((wire[1] & 0x7F) % 8 + (role == Role::server ? 0x80 : 0));
  }
  std::vector<Frame> frames;
  std::set<Violation> wrong;
  std::string rest = wire;
  for (auto head = slow_head(rest); head; head = slow_head(rest)) {
    wrong = slow_violations(rest, role, rsv1_allowed);
    const std::size_t here = std::min<std::uint64_t>(head->frame.size, rest.size() - head->bytes);
    const bool is_control = head->frame.bits & 8;
    if (!wrong.empty() || (is_control && here < head->frame.size)) break;
    head->frame.payload = slow_mask(rest.substr(head->bytes, here), head->key);
    frames.push_back(head->frame);
    rest.erase(0, head->bytes + here);
  }
  std::vector<std::string> each;
  for (const char byte : wire) each.emplace_back(1, byte);
  for (const auto& pieces : {std::vector<std::string>{wire}, each}) {
    const ReadFrames read = read_frames(pieces, role, rsv1_allowed);
    RC_ASSERT(read.frames == frames);
    if (!wrong.empty()) RC_ASSERT(wrong.contains(read.violation));
    // Of a head that is not whole, two bytes may have told enough.
    if (wrong.empty() && rest.size() < 2) RC_ASSERT(read.violation == Violation::none);
  }
}

TEST(Frame, glance_tells_what_the_head_says_and_judges_nothing) {
  for (const char* wire : {"81 05", "81 85 37fa213d", "F3 7E 0001", "08 FE 0001 37fa213d", "82 7F 8000000000000001",
                           "82 FF 0000000000000000 00000000"}) {
    const std::string head = unhex(wire);
    for (std::size_t size = 0; size < head.size(); ++size) {
      EXPECT_EQ(glance(as_bytes(std::string(head.substr(0, size)))).head_bytes, 0u);
    }
    const auto slow = slow_head(head);
    ASSERT_TRUE(slow);
    const Glance seen = glance(as_bytes(head + "x"));
    EXPECT_EQ(seen.head_bytes, head.size());
    EXPECT_EQ(seen.bits.value, slow->frame.bits);
    EXPECT_EQ(seen.payload_bytes, slow->frame.size);
    EXPECT_EQ(seen.masked, !slow->key.empty());
  }
}

// What FrameReader says of it: a whole message in one frame, of at most 65,535 bytes?
void expect_the_same_of_simple_message(std::string wire) {
  const SimpleMessage simple = simple_message(as_bytes(wire));
  std::span<std::byte> bytes = std::as_writable_bytes(std::span(wire));
  FrameReader reader(Role::server, false);
  reader.leave_masked();
  Piece piece;
  const bool is_simple = reader.next(bytes, piece) == FrameReader::Step::piece && piece.last && piece.bits.fin() &&
                         (piece.bits.opcode() == Opcode::text || piece.bits.opcode() == Opcode::binary) &&
                         piece.bytes.size() < 65536;
  ASSERT_EQ(simple.head_bytes != 0, is_simple);
  if (!is_simple) return;
  EXPECT_EQ(simple.bits.value, piece.bits.value);
  EXPECT_EQ(simple.key, piece.key);
  EXPECT_EQ(simple.payload_bytes, piece.bytes.size());
  EXPECT_EQ(wire.data() + simple.head_bytes, reinterpret_cast<char*>(piece.bytes.data()));
}

// Sound heads and others, around each boundary of the length's encoding, with all, less and more of the payload.
TEST(Frame, a_simple_message_is_what_a_frame_reader_says) {
  for (const int first : {0x81, 0x82, 0x01, 0x80, 0x83, 0x88, 0x89, 0xA2, 0xC1}) {
    for (const std::size_t size : {0u, 1u, 64u, 124u, 125u, 126u, 127u, 128u, 65535u, 65536u}) {
      for (const bool masked : {true, false}) {
        const auto bits = static_cast<std::uint8_t>(first);
        const std::string sound = slow_frame(bits, std::string(size, 'x'), masked ? key : std::string_view());
        const char length = static_cast<char>(masked ? 0xFE : 0x7E);  // 16 bits of it, also where 7 do
        const std::string longer = std::string{sound[0], length, static_cast<char>(size >> 8), static_cast<char>(size)};
        for (const std::string& wire : {sound, longer + sound.substr(2)}) {
          for (std::size_t bytes = 0; bytes < 10; ++bytes) expect_the_same_of_simple_message(wire.substr(0, bytes));
          expect_the_same_of_simple_message(wire.substr(0, wire.size() - 1));
          expect_the_same_of_simple_message(wire);
          expect_the_same_of_simple_message(wire + "\x82\x80more");
        }
      }
    }
  }
}

TEST(Frame, written_heads_are_those_of_the_slow_writer) {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 1u << 24}) {
    for (const bool masked : {false, true}) {
      std::array<std::byte, head_bytes_max> head{};
      MaskKey octets = 0;
      std::memcpy(&octets, key.data(), sizeof octets);
      const std::size_t bytes = write_head(head.data(), {0x82}, size, masked, octets);
      const std::string frame = slow_frame(0x82, std::string(size, 'x'), masked ? key : std::string_view());
      EXPECT_EQ(bytes, frame.size() - size);
      EXPECT_EQ(bytes, head_bytes(size, masked));
      EXPECT_EQ(as_text(Bytes(head).first(bytes)), frame.substr(0, bytes));
    }
  }
  std::array<std::byte, head_bytes_max> head{};
  EXPECT_EQ(write_head(head.data(), {0x82}, INT64_MAX, false, 0), 10u);
  EXPECT_EQ(as_text(Bytes(head).first(10)), unhex("82 7F 7FFFFFFFFFFFFFFF"));
}

TEST(Frame, the_first_byte) {
  for (int value = 0; value < 256; ++value) {
    const FrameBits bits{static_cast<std::uint8_t>(value)};
    EXPECT_EQ(static_cast<int>(bits.opcode()), value % 16);
    EXPECT_EQ(bits.fin(), value >= 128);
    EXPECT_EQ(bits.rsv1(), value % 128 >= 64);
    EXPECT_EQ(bits.is_control(), value % 16 >= 8);
  }
}

TEST(Frame, payload_of_data_frames_can_be_left_masked) {
  for (std::size_t cut = 0; cut <= 11; ++cut) {
    std::string wire = unhex("81 85 37 fa 21 3d 7f 9f 4d 51 58 89 81 37 fa 21 3d 16");  // "Hello", then a ping of "!"
    FrameReader reader(Role::server, false);
    reader.leave_masked();
    std::span<std::byte> bytes = std::as_writable_bytes(std::span(wire)).first(cut);
    std::string text;
    Piece piece;
    for (int more = 0; more < 2; ++more) {
      while (reader.next(bytes, piece) == FrameReader::Step::piece) {
        if (piece.bits.is_control()) {
          EXPECT_EQ(piece.key, 0u);
          EXPECT_EQ(as_text(piece.bytes), "!");
        } else {
          mask(piece.bytes, piece.key);
          text += as_text(piece.bytes);
        }
      }
      bytes = std::as_writable_bytes(std::span(wire)).subspan(cut - bytes.size());
    }
    EXPECT_EQ(text, "Hello") << cut;
  }
}

}  // namespace
}  // namespace parley::codec
