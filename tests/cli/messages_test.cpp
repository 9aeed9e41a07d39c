#include "cli/messages.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/utf8_slow.h"

namespace parley::cli {
namespace {

TEST(Messages, HasItsSizeAndItsContent) {
  for (const std::size_t bytes : {0UZ, 1UZ, 2UZ, 9UZ, 10UZ, 11UZ, 64UZ, 127UZ, 128UZ, 1000UZ, 16384UZ}) {
    for (const Content content : {Content::binary, Content::text, Content::utf8, Content::json}) {
      const std::string message = make_message(content, bytes, 7);
      EXPECT_EQ(message.size(), bytes);
      if (content == Content::binary) continue;
      EXPECT_EQ(codec::slow_utf8(message), codec::SlowUtf8::valid) << bytes;
    }
  }
  EXPECT_THAT(make_message(Content::json, 200, 7), testing::StartsWith(R"([{"id":)"));
  EXPECT_THAT(make_message(Content::json, 200, 7), testing::ContainsRegex(R"(\}\] *$)"));
  EXPECT_NE(make_message(Content::utf8, 200, 7).find("\U0001F600"), std::string::npos);
}

TEST(Messages, AreEachOtherThanTheOneBefore) {
  for (const Content content : {Content::binary, Content::text, Content::utf8, Content::json}) {
    const Messages messages(content, 300);
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < 64; ++i) seen.insert(messages[i]);
    EXPECT_EQ(seen.size(), 64u) << name(content);
    EXPECT_EQ(messages[64], messages[0]);
    EXPECT_EQ(Messages(content, 300)[5], messages[5]);
  }
}

TEST(Messages, OfManyBytesAreFewer) {
  const Messages messages(Content::text, 3 * 1024 * 1024);
  EXPECT_NE(messages[0], messages[1]);
  EXPECT_EQ(messages[0], messages[2]);
}

}  // namespace
}  // namespace parley::cli
