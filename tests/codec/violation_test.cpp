#include "codec/violation.h"

#include <gtest/gtest.h>

#include <set>

#include "codec/close.h"

namespace parley::codec {
namespace {

constexpr auto last = Violation::no_memory;

TEST(Violation, each_has_a_code_that_may_be_sent_and_a_phrase_of_its_own) {
  std::set<std::string_view> phrases;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto violation = static_cast<Violation>(i);
    EXPECT_TRUE(may_be_sent(close_code(violation))) << i;
    EXPECT_FALSE(phrase(violation).empty());
    EXPECT_LE(phrase(violation).size(), close_reason_bytes_max);
    EXPECT_TRUE(phrases.insert(phrase(violation)).second) << phrase(violation);
  }
}

// RFC 6455, 7.4.1: 1002 "due to a protocol error", 1007 "data within a message that was not consistent with the type of
// the message", 1008 "a message that violates its policy", 1009 "a message that is too big for it to process".
TEST(Violation, codes) {
  EXPECT_EQ(close_code(Violation::none), 1000);
  EXPECT_EQ(close_code(Violation::not_utf8), 1007);
  EXPECT_EQ(close_code(Violation::close_reason), 1007);
  EXPECT_EQ(close_code(Violation::deflate_broken), 1007);
  EXPECT_EQ(close_code(Violation::message_too_large), 1009);
  EXPECT_EQ(close_code(Violation::too_many_fragments), 1008);
  EXPECT_EQ(close_code(Violation::no_memory), 1011);
  for (const Violation violation :
       {Violation::reserved_bits, Violation::reserved_opcode, Violation::length_not_minimal, Violation::length_high_bit,
        Violation::not_masked, Violation::masked, Violation::control_fragmented, Violation::control_too_long,
        Violation::nothing_to_continue, Violation::message_interrupted, Violation::close_too_short,
        Violation::close_code}) {
    EXPECT_EQ(close_code(violation), 1002) << phrase(violation);
  }
}

}  // namespace
}  // namespace parley::codec
