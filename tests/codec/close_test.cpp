#include "codec/close.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <set>
#include <string>

#include "codec/utf8_slow.h"
#include "codec/wire.h"

namespace parley::codec {
namespace {

std::string written(std::uint16_t code, std::string_view reason) {
  std::array<std::byte, control_payload_bytes_max> payload{};
  return std::string(as_text(Bytes(payload).first(write_close(payload, {code, reason}))));
}

TEST(Close, every_code_that_there_is) {
  const std::set<int> registered{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
  for (int code = 0; code < 65536; ++code) {
    const bool allowed = registered.contains(code) || (code >= 3000 && code <= 4999);
    ASSERT_EQ(may_be_sent(static_cast<std::uint16_t>(code)), allowed) << code;
    const std::string payload{static_cast<char>(code / 256), static_cast<char>(code % 256)};
    CloseBody body;
    ASSERT_EQ(read_close(as_bytes(payload), body), allowed ? Violation::none : Violation::close_code) << code;
    ASSERT_EQ(body.code, code);
    ASSERT_EQ(body.reason, "");
    ASSERT_EQ(written(static_cast<std::uint16_t>(code), ""), code == no_code ? "" : payload);
  }
}

TEST(Close, reading) {
  CloseBody nothing;
  EXPECT_EQ(read_close({}, nothing), Violation::none);
  EXPECT_EQ(nothing.code, no_code);
  EXPECT_EQ(nothing.reason, "");

  CloseBody half;
  EXPECT_EQ(read_close(as_bytes("\x03"), half), Violation::close_too_short);
  EXPECT_EQ(half.code, no_code);

  CloseBody body;
  const std::string payload = unhex("03 E9") + "grüezi";
  EXPECT_EQ(read_close(as_bytes(payload), body), Violation::none);
  EXPECT_EQ(body.code, 1001);
  EXPECT_EQ(body.reason, "grüezi");
}

TEST(Close, a_reason_must_be_utf8_and_whole) {
  const auto verdict = [](std::string_view reason) {
    CloseBody body;
    return read_close(as_bytes(unhex("03 E8") + std::string(reason)), body);
  };
  EXPECT_EQ(verdict("ok \xE2\x82\xAC"), Violation::none);
  EXPECT_EQ(verdict("cut \xE2\x82"), Violation::close_reason);
  EXPECT_EQ(verdict("\xC0\x80"), Violation::close_reason);
  EXPECT_EQ(verdict(std::string(123, 'r')), Violation::none);
}

TEST(Close, a_reason_that_is_too_long_is_cut_between_characters) {
  for (const std::string_view last : {"x", "é", "€", "\U0001F600"}) {
    for (std::size_t before = 115; before <= 125; ++before) {
      std::string reason(before, 'a');
      std::string expected;
      reason += last;
      reason += "and more";
      for (std::size_t size = 0; size <= close_reason_bytes_max; ++size) {
        if (slow_utf8(reason.substr(0, size)) == SlowUtf8::valid) expected = reason.substr(0, size);
      }
      EXPECT_EQ(written(1000, reason), unhex("03 E8") + expected);
    }
  }
  EXPECT_EQ(written(1000, std::string(123, 'a')).size(), 125u);
  EXPECT_EQ(written(1000, std::string(124, 'a')).size(), 125u);
  EXPECT_EQ(written(1000, std::string(200, '\x80')), unhex("03 E8"));  // not UTF-8: there is no place to cut
}

RC_GTEST_PROP(Close, what_is_written_is_read, ()) {
  const auto code = *rc::gen::element<std::uint16_t>(1000, 1011, 1014, 3000, 4999, no_code);
  std::string reason;
  for (int i = *rc::gen::inRange(0, 60); i > 0; --i) reason += *rc::gen::element("a", "é", "€", "\U0001F600");
  const std::string payload = written(code, reason);
  CloseBody body;
  RC_ASSERT(read_close(as_bytes(payload), body) == Violation::none);
  RC_ASSERT(body.code == code);
  RC_ASSERT(reason.starts_with(body.reason));
  RC_ASSERT(code == no_code || body.reason.size() == reason.size() || body.reason.size() > 119);
}

RC_GTEST_PROP(Close, any_payload, ()) {
  auto payload = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  if (payload.size() > 1 && *rc::gen::arbitrary<bool>()) payload.replace(0, 2, "\x03\xE8");
  CloseBody body;
  const Violation violation = read_close(as_bytes(payload), body);
  RC_ASSERT((violation == Violation::close_too_short) == (payload.size() == 1));
  if (payload.size() < 2) return;
  RC_ASSERT((violation == Violation::close_code) == !may_be_sent(body.code));
  if (violation == Violation::close_code) return;
  RC_ASSERT((violation == Violation::none) == (slow_utf8(payload.substr(2)) == SlowUtf8::valid));
}

}  // namespace
}  // namespace parley::codec
