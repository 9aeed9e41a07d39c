#include "codec/message.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "codec/frames.h"

namespace parley::codec {
namespace {

struct Read {
  std::string log;  // "text(Hello) binary~(compressed bytes) ..."
  Violation violation = Violation::none;
};

// Puts messages together from the pieces of frames, as a session does.
Read read_messages(const std::vector<std::string>& pieces, Role role, const MessageLimits& limits) {
  Read read;
  FrameReader frames(role, true);
  MessageReader messages;
  std::string payload;
  std::string unread;
  for (const std::string& more : pieces) {
    unread += more;
    std::string memory = unread;
    std::span<std::byte> bytes = std::as_writable_bytes(std::span(memory));
    Piece piece;
    FrameReader::Step step = FrameReader::Step::starved;
    while ((step = frames.next(bytes, piece)) == FrameReader::Step::piece) {
      if (piece.bits.is_control()) {
        read.log += "control ";
        continue;
      }
      const bool was_open = messages.is_open();
      read.violation = messages.take(piece, limits);
      if (read.violation != Violation::none) return read;
      payload += as_text(piece.bytes);
      const bool whole = piece.last && piece.bits.fin();
      EXPECT_EQ(messages.is_open(), !whole);
      EXPECT_TRUE(was_open || piece.first);
      if (!whole) continue;
      read.log += messages.is_text() ? "text" : "binary";
      read.log += messages.is_compressed() ? "~(" : "(";
      read.log += payload + ") ";
      payload.clear();
    }
    read.violation = frames.violation();
    if (step == FrameReader::Step::violation) return read;
    unread = as_text(bytes);
  }
  return read;
}

struct Sent {
  std::uint8_t bits;
  std::string payload;
};

void expect_read(const std::vector<Sent>& frames, std::string_view log, Violation violation = Violation::none,
                 const MessageLimits& limits = {}) {
  for (const Role role : {Role::client, Role::server}) {
    std::string wire;
    for (const Sent& frame : frames) {
      wire += slow_frame(frame.bits, frame.payload, role == Role::server ? "\x37\xFA\x21\x3D" : "");
    }
    cut_every_way(wire, [&](const std::vector<std::string>& pieces) {
      const Read read = read_messages(pieces, role, limits);
      EXPECT_EQ(read.log, log);
      EXPECT_EQ(read.violation, violation) << phrase(read.violation);
    });
  }
}

TEST(Message, whole_and_in_fragments) {
  expect_read({{0x81, "Hello"}}, "text(Hello) ");
  expect_read({{0x82, ""}}, "binary() ");
  expect_read({{0x01, "Hel"}, {0x80, "lo"}}, "text(Hello) ");
  expect_read({{0x02, ""}, {0x00, ""}, {0x80, ""}}, "binary() ");
  expect_read({{0x01, "a"}, {0x89, ""}, {0x00, "b"}, {0x8A, "x"}, {0x80, "c"}, {0x82, "d"}},
              "control control text(abc) binary(d) ");
}

TEST(Message, the_compressed_bit_speaks_of_one_message) {
  expect_read({{0xC1, "x"}, {0x81, "y"}, {0x42, "z"}, {0x80, "z"}}, "text~(x) text(y) binary~(zz) ");
}

// RFC 6455, 5.4, as a table: a message is open or not, and a frame continues or begins, is the last or not.
TEST(Message, which_frame_may_follow_which) {
  for (const bool open : {false, true}) {
    for (const int opcode : {0, 1, 2}) {
      for (const bool fin : {false, true}) {
        for (const bool rsv1 : {false, true}) {
          std::vector<Sent> frames;
          if (open) frames.push_back({0x01, "-"});
          const auto bits = static_cast<std::uint8_t>(opcode | (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0));
          frames.push_back({bits, "+"});
          Violation expected = Violation::none;
          if (!open && opcode == 0) expected = Violation::nothing_to_continue;
          if (open && opcode != 0) expected = Violation::message_interrupted;
          if (open && opcode == 0 && rsv1) expected = Violation::reserved_bits;
          std::string log;
          if (expected == Violation::none && fin) {
            log =
                std::string(open || opcode == 1 ? "text" : "binary") + (rsv1 ? "~(" : "(") + (open ? "-+" : "+") + ") ";
          }
          expect_read(frames, log, expected);
        }
      }
    }
  }
}

TEST(Message, a_continuation_after_the_last_frame_has_nothing_to_continue) {
  expect_read({{0x81, "a"}, {0x80, "b"}}, "text(a) ", Violation::nothing_to_continue);
  expect_read({{0x01, "a"}, {0x80, "b"}, {0x00, ""}}, "text(ab) ", Violation::nothing_to_continue);
}

TEST(Message, as_large_as_allowed_and_one_byte_more) {
  const MessageLimits limits{.message_bytes_max = 5, .fragments_max = 10};
  expect_read({{0x81, "12345"}, {0x81, "12345"}}, "text(12345) text(12345) ", Violation::none, limits);
  expect_read({{0x81, "123456"}}, "", Violation::message_too_large, limits);
  expect_read({{0x01, "123"}, {0x80, "45"}}, "text(12345) ", Violation::none, limits);
  expect_read({{0x01, "12345"}, {0x80, ""}}, "text(12345) ", Violation::none, limits);
  expect_read({{0x01, "123"}, {0x80, "456"}}, "", Violation::message_too_large, limits);
  expect_read({{0x81, ""}}, "text() ", Violation::none, {.message_bytes_max = 0, .fragments_max = 1});
  expect_read({{0x81, "1"}}, "", Violation::message_too_large, {.message_bytes_max = 0, .fragments_max = 1});
}

TEST(Message, as_many_fragments_as_allowed_and_one_more) {
  const MessageLimits limits{.message_bytes_max = 100, .fragments_max = 3};
  expect_read({{0x01, ""}, {0x00, ""}, {0x80, ""}, {0x81, ""}}, "text() text() ", Violation::none, limits);
  expect_read({{0x01, ""}, {0x00, ""}, {0x00, ""}, {0x80, ""}}, "", Violation::too_many_fragments, limits);
}

// A claimed length is judged as soon as it is read, however large; sums do not overflow.
TEST(Message, a_claim_that_is_too_large_fails_at_its_head) {
  const auto claim = [](std::uint8_t bits, std::uint64_t bytes) {
    std::array<std::byte, head_bytes_max> head{};
    return std::string(as_text(Bytes(head).first(write_head(head.data(), {bits}, bytes, false, 0))));
  };
  const MessageLimits limits{.message_bytes_max = 1 << 20, .fragments_max = 10};
  EXPECT_EQ(read_messages({claim(0x82, 1 << 20)}, Role::client, limits).violation, Violation::none);
  EXPECT_EQ(read_messages({claim(0x82, (1 << 20) + 1)}, Role::client, limits).violation, Violation::message_too_large);
  EXPECT_EQ(read_messages({claim(0x82, INT64_MAX)}, Role::client, limits).violation, Violation::message_too_large);
  const std::string begun = slow_frame(0x02, "123", "");
  EXPECT_EQ(read_messages({begun + claim(0x80, INT64_MAX)}, Role::client, limits).violation,
            Violation::message_too_large);
  const MessageLimits none{.message_bytes_max = UINT64_MAX, .fragments_max = UINT32_MAX};
  EXPECT_EQ(read_messages({begun + claim(0x80, INT64_MAX)}, Role::client, none).violation, Violation::none);
}

TEST(Message, a_limit_that_was_lowered_meanwhile) {
  MessageReader messages;
  std::array<std::byte, 8> bytes{};
  const Piece first{bytes, {0x02}, true, true, 0};
  EXPECT_EQ(messages.take(first, {}), Violation::none);
  const Piece second{{}, {0x80}, true, true, 0};
  EXPECT_EQ(messages.take(second, {.message_bytes_max = 7, .fragments_max = 9}), Violation::message_too_large);
}

RC_GTEST_PROP(Message, any_messages_cut_anywhere, ()) {
  const Role role = *rc::gen::element(Role::client, Role::server);
  std::string wire;
  std::string log;
  const auto add = [&](int bits, std::string_view payload) {
    wire += slow_frame(static_cast<std::uint8_t>(bits), payload, role == Role::server ? "\1\2\3\4" : "");
  };
  for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
    const int opcode = *rc::gen::element(1, 2);
    const int rsv1 = *rc::gen::element(0, 0x40);
    const int fragments = *rc::gen::inRange(1, 5);
    std::string payload;
    for (int fragment = 0; fragment < fragments; ++fragment) {
      if (*rc::gen::inRange(0, 4) == 0) {
        add(*rc::gen::element(0x89, 0x8A), "p");
        log += "control ";
      }
      const std::string part(*rc::gen::element<std::size_t>(0, 1, 20, 200), static_cast<char>('a' + fragment));
      add((fragment == 0 ? opcode | rsv1 : 0) | (fragment == fragments - 1 ? 0x80 : 0), part);
      payload += part;
    }
    log += (opcode == 1 ? "text" : "binary") + std::string(rsv1 ? "~(" : "(") + payload + ") ";
  }
  std::vector<std::size_t> cuts;
  for (int i = *rc::gen::inRange(0, 20); i > 0; --i) cuts.push_back(*rc::gen::inRange<std::size_t>(0, wire.size() + 1));
  std::ranges::sort(cuts);
  const Read read = read_messages(cut(wire, cuts), role, {});
  RC_ASSERT(read.violation == Violation::none);
  RC_ASSERT(read.log == log);
}

}  // namespace
}  // namespace parley::codec
