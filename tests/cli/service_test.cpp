#include "cli/service.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace parley::cli {
namespace {

std::vector<std::string> split(std::string_view message, std::string_view separator = ",") {
  std::vector<std::string> found;
  Parameters parameters(message, separator);
  while (auto parameter = parameters.next()) found.emplace_back(*parameter);
  EXPECT_FALSE(parameters.next());
  EXPECT_EQ(count_parameters(message, separator), found.size());
  return found;
}

using Strings = std::vector<std::string>;

TEST(Parameters, AreWhatStandsBetweenTheSeparators) {
  EXPECT_EQ(split("a"), Strings({"a"}));
  EXPECT_EQ(split("a,b"), Strings({"a", "b"}));
  EXPECT_EQ(split("a,"), Strings({"a", ""}));
  EXPECT_EQ(split(","), Strings({"", ""}));
  EXPECT_EQ(split(",,"), Strings({"", "", ""}));
  EXPECT_EQ(split(" a , b"), Strings({" a ", " b"}));
}

TEST(Parameters, OfAnEmptyMessageAreNone) { EXPECT_EQ(split(""), Strings()); }

TEST(Parameters, MayBeSeparatedBySeveralCharacters) {
  EXPECT_EQ(split("a--b-c--", "--"), Strings({"a", "b-c", ""}));
  EXPECT_EQ(split("a---b", "--"), Strings({"a", "-b"}));
  EXPECT_EQ(split("é→日", "→"), Strings({"é", "日"}));
}

RC_GTEST_PROP(Parameters, JoinedAreTheMessage, (const std::string& message)) {
  RC_PRE(!message.empty());
  for (const std::string separator : {",", "ab"}) {
    std::string joined;
    Parameters parameters(message, separator);
    for (bool first = true; auto parameter = parameters.next(); first = false) {
      RC_ASSERT(parameter->find(separator) == std::string_view::npos);
      if (!first) joined += separator;
      joined += *parameter;
    }
    RC_ASSERT(joined == message);
  }
}

}  // namespace
}  // namespace parley::cli
