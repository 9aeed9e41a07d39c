#include "codec/field.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace parley::codec {
namespace {

TEST(Field, every_character_of_a_token) {
  // "any VCHAR, except delimiters", which are DQUOTE and "(),/:;<=>?@[\]{}" (RFC 9110, 5.6.2)
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool expected = value > 0x20 && value < 0x7F && !std::string_view("\"(),/:;<=>?@[\\]{}").contains(c);
    EXPECT_EQ(is_token_character(c), expected) << value;
    EXPECT_EQ(is_token(std::string(1, c)), expected) << value;
    EXPECT_EQ(is_token(std::string("a") + c), expected) << value;
  }
  EXPECT_FALSE(is_token(""));
}

TEST(Field, every_character_of_a_value) {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool expected = value == '\t' || (value >= ' ' && value != 0x7F);
    EXPECT_EQ(is_field_value(std::string("a") + c + "b"), expected) << value;
  }
  EXPECT_TRUE(is_field_value(""));
  for (const char* text : {" a", "a ", "\ta", "a\t", " "}) EXPECT_FALSE(is_field_value(text)) << text;
}

TEST(Field, only_letters_of_ascii_lose_their_case) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("WebSocket", "wEBsOCKET"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const auto is_letter = [](int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
      const bool expected = a == b || (is_letter(a) && is_letter(b) && (a ^ b) == 0x20);
      ASSERT_EQ(equals_ignoring_case(std::string(1, static_cast<char>(a)), std::string(1, static_cast<char>(b))),
                expected)
          << a << ' ' << b;
    }
  }
}

TEST(Field, trim) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim("\t \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\na\n"), "\na\n");
}

std::string printed(std::string_view text) {
  Authority authority;
  if (!parse_authority(text, authority)) return "none";
  return std::string(authority.host) + "|" + std::string(authority.port);
}

TEST(Field, authorities) {
  EXPECT_EQ(printed("example.org"), "example.org|");
  EXPECT_EQ(printed("example.org:80"), "example.org|80");
  EXPECT_EQ(printed("example.org:"), "example.org|");
  EXPECT_EQ(printed("127.0.0.1:65535"), "127.0.0.1|65535");
  EXPECT_EQ(printed("[::1]"), "[::1]|");
  EXPECT_EQ(printed("[2001:DB8::1]:9000"), "[2001:DB8::1]|9000");
  EXPECT_EQ(printed("[::ffff:127.0.0.1]:1"), "[::ffff:127.0.0.1]|1");
  EXPECT_EQ(printed("a_b~!$&'()*+,;=%2fc:1"), "a_b~!$&'()*+,;=%2fc|1");
  EXPECT_EQ(printed(""), "|");
  EXPECT_EQ(printed(":80"), "|80");
}

TEST(Field, what_is_no_authority) {
  for (const char* text :
       {"a:65536", "a:-1",        "a:+1", "a:080", "a:8 0",   "a:http",    "a:1:2", "::1",         "[::1",
        "::1]",    "[]",          "[1]",  "[:]",   "[::1]80", "[::1]x:80", "[::g]", "[fe80::1%1]", "[v1.x]",
        "user@a",  "user:pass@a", "a b",  " a",    "a/",      "a?",        "a#",    "a\\",         "a\"",
        "a<",      "%",           "%4",   "%4g",   "%g4",     "a%",        "\x7F",  "\xC3\xA4",    "a:\xFF"}) {
    EXPECT_EQ(printed(text), "none") << text;
  }
}

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> all;
  ListReader reader(list);
  for (std::string_view each; reader.next(each);) all.emplace_back(each);
  return all;
}

TEST(Field, lists) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(elements("a, b,c\t,\td"), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(elements(""), Strings{});
  EXPECT_EQ(elements(" , ,,\t,"), Strings{});
  EXPECT_EQ(elements(",a,,b,"), (Strings{"a", "b"}));
  EXPECT_EQ(elements("a;x=\"1,2\", b"), (Strings{"a;x=\"1,2\"", "b"}));
  EXPECT_EQ(elements("a=\"\\\",\", b"), (Strings{"a=\"\\\",\"", "b"}));
  EXPECT_EQ(elements("a\\, b"), (Strings{"a\\", "b"}));
  EXPECT_EQ(elements("a=\"open, b"), (Strings{"a=\"open, b"}));
  EXPECT_EQ(elements("a=\"open\\"), (Strings{"a=\"open\\"}));
}

RC_GTEST_PROP(Field, a_list_of_tokens_is_taken_apart_as_it_was_put_together, ()) {
  const auto tokens = *rc::gen::container<std::vector<std::string>>(
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019-_.")))));
  const auto gaps = *rc::gen::container<std::vector<std::string>>(
      tokens.size() + 1, rc::gen::container<std::string>(rc::gen::elementOf(std::string(" \t,"))));
  std::string list = gaps[0];
  for (std::size_t i = 0; i < tokens.size(); ++i) list += (i == 0 ? "" : ",") + tokens[i] + gaps[i + 1];
  // A gap of blanks alone, behind the last token, must not run into anything; before the next there is a comma.
  RC_ASSERT(elements(list) == tokens);
}

}  // namespace
}  // namespace parley::codec
