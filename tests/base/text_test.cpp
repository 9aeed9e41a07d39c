#include <parley/text.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace parley {
namespace {

// Characters at every boundary of RFC 3629, section 4.
const std::vector<std::string> whole = {
    "a",
    "\x7f",
    std::string(1, '\0'),
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xe1\x80\x80",
    "\xec\xbf\xbf",
    "\xed\x80\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xe2\x82\xac",
    "\xc3\xa9",
    "\xf0\x90\x80\x80",
    "\xf1\x80\x80\x80",
    "\xf3\xbf\xbf\xbf",
    "\xf4\x8f\xbf\xbf",
};

const std::vector<std::string> broken = {
    "\x80",
    "\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xe0\x80\x80",
    "\xe0\x9f\xbf",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf0\x80\x80\x80",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80",
    "\xfe",
    "\xff",
    "\xc3(",
    "\xe2\x82(",
    "\xe2(\xac",
    "\xf0\x90\x80(",
    "\xf0\x90(\x80",
    "\xc3\xc3\xa9",
};

const std::vector<std::string> unfinished = {
    "\xc3", "\xe2", "\xe2\x82", "\xe0\xa0", "\xed\x9f", "\xf0", "\xf0\x90", "\xf0\x90\x80", "\xf4\x8f\xbf",
};

TEST(Utf8, knows_what_is_well_formed) {
  EXPECT_TRUE(is_utf8(""));
  std::string all;
  for (const std::string& text : whole) {
    EXPECT_TRUE(is_utf8(text)) << escape_controls(text);
    all += text;
  }
  EXPECT_TRUE(is_utf8(all));
  for (const std::string& text : broken) EXPECT_FALSE(is_utf8("a" + text + "b")) << escape_controls(text);
  for (const std::string& text : unfinished) EXPECT_FALSE(is_utf8("a" + text)) << escape_controls(text);
}

TEST(EscapeControls, leaves_ordinary_text_alone) {
  for (const std::string text :
       {"", "a b", "C:\\dir \\x1b", "h\xc3\xa9llo", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "~ \xc2\xa0"}) {
    EXPECT_EQ(escape_controls(text), text);
  }
}

TEST(EscapeControls, shows_controls) {
  EXPECT_EQ(escape_controls("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
  EXPECT_EQ(escape_controls(std::string_view("\0\t\r\n\x1f\x7f", 6)), "\\x00\\x09\\x0d\\x0a\\x1f\\x7f");
  EXPECT_EQ(escape_controls("\xc2\x80\xc2\x9b\xc2\x9f"), "\\u{80}\\u{9b}\\u{9f}");
}

TEST(EscapeControls, shows_bidirectional_overrides) {
  EXPECT_EQ(escape_controls("\xe2\x80\xaa\xe2\x80\xae"), "\\u{202a}\\u{202e}");
  EXPECT_EQ(escape_controls("\xe2\x81\xa6\xe2\x81\xa9"), "\\u{2066}\\u{2069}");
  EXPECT_EQ(escape_controls("\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"),
            "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");  // their neighbours
}

TEST(EscapeControls, shows_every_byte_that_is_not_utf8) {
  EXPECT_EQ(escape_controls("a\xff\xfe"
                            "b"),
            "a\\xff\\xfeb");
  EXPECT_EQ(escape_controls("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(escape_controls("\xe2\x82(\x9b"), "\\xe2\\x82(\\x9b");
  EXPECT_EQ(escape_controls("\xc0\x80"), "\\xc0\\x80");
  EXPECT_EQ(escape_controls("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(escape_controls("\xc3\xc3\xa9"), "\\xc3\xc3\xa9");
}

RC_GTEST_PROP(EscapeControlsProperty, any_bytes_become_safe_text, (const std::string& text)) {
  const std::string shown = escape_controls(text);
  RC_ASSERT(is_utf8(shown));
  RC_ASSERT(shown.size() <= 4 * text.size());
  RC_ASSERT(escape_controls(shown) == shown);
  for (const char c : shown) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

// What a stream hands on when it is fed these pieces, without finish().
std::string fed(Utf8Stream& stream, const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) stream.feed(as_bytes(piece), text);
  return text;
}

TEST(Utf8Stream, is_small) { EXPECT_EQ(sizeof(Utf8Stream), 4u); }

TEST(Utf8Stream, hands_whole_text_on_at_once) {
  Utf8Stream stream;
  EXPECT_EQ(fed(stream, {"h\xc3\xa9llo"}), "h\xc3\xa9llo");
  EXPECT_EQ(stream.held_bytes(), 0u);
  EXPECT_EQ(fed(stream, {""}), "");
}

TEST(Utf8Stream, puts_a_split_character_together_at_every_point) {
  for (const std::string& character : whole) {
    for (std::size_t split = 0; split <= character.size(); ++split) {
      Utf8Stream stream;
      std::string text = "x";
      stream.feed(as_bytes("a" + character.substr(0, split)), text);
      EXPECT_TRUE(is_utf8(text));
      EXPECT_EQ(stream.held_bytes(), split < character.size() ? split : 0);
      stream.feed(as_bytes(character.substr(split) + "b"), text);
      EXPECT_EQ(text, "xa" + character + "b");
      EXPECT_EQ(stream.held_bytes(), 0u);
    }
  }
}

TEST(Utf8Stream, an_empty_feed_changes_nothing) {
  Utf8Stream stream;
  EXPECT_EQ(fed(stream, {"\xe2\x82", "", "", "\xac"}), "\xe2\x82\xac");
}

TEST(Utf8Stream, does_not_wait_for_what_can_never_be_whole) {
  for (const std::string& bytes : broken) {
    Utf8Stream stream;
    EXPECT_EQ(fed(stream, {bytes}), bytes);
    EXPECT_EQ(stream.held_bytes(), 0u) << escape_controls(bytes);
  }
}

TEST(Utf8Stream, gives_up_a_character_that_another_one_interrupts) {
  Utf8Stream stream;
  EXPECT_EQ(fed(stream, {"\xe2\x82", "a"}),
            "\xe2\x82"
            "a");
  EXPECT_EQ(fed(stream, {"\xe2\x82", "\xc3"}), "\xe2\x82");
  EXPECT_EQ(stream.held_bytes(), 1u);
  EXPECT_EQ(fed(stream, {"\xa9"}), "\xc3\xa9");
  EXPECT_EQ(fed(stream, {"\xf0", "\x80"}), "\xf0\x80");
}

TEST(Utf8Stream, the_end_hands_on_what_waits) {
  for (const std::string& bytes : unfinished) {
    Utf8Stream stream;
    std::string text;
    stream.feed(as_bytes(bytes), text);
    EXPECT_EQ(text, "");
    EXPECT_EQ(stream.held_bytes(), bytes.size());
    stream.finish(text);
    EXPECT_EQ(text, bytes);
    EXPECT_EQ(stream.held_bytes(), 0u);
    stream.finish(text);
    EXPECT_EQ(text, bytes);
  }
}

const std::vector<std::string>& samples(bool valid) {
  static const std::vector<std::string> all = [] {
    auto mixed = whole;
    mixed.insert(mixed.end(), broken.begin(), broken.end());
    mixed.insert(mixed.end(), unfinished.begin(), unfinished.end());
    return mixed;
  }();
  return valid ? whole : all;
}

RC_GTEST_PROP(Utf8StreamProperty, loses_and_reorders_nothing, (bool valid)) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(samples(valid)));
  std::string bytes;
  for (const std::string& part : parts) bytes += part;

  Utf8Stream stream;
  std::string text;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(rest.size(), 6) + 1);
    stream.feed(as_bytes(rest.substr(0, size)), text);
    rest.remove_prefix(size);
    RC_ASSERT(text.size() + stream.held_bytes() + rest.size() == bytes.size());
    if (valid) RC_ASSERT(is_utf8(text));
  }
  stream.finish(text);
  RC_ASSERT(text == bytes);
}

}  // namespace
}  // namespace parley
