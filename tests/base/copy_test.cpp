#include "base/copy.h"

#include <gtest/gtest.h>

#include <array>

namespace parley {
namespace {

TEST(CopyBytes, copies_all_and_no_more) {
  std::array<std::byte, 4> to{};
  copy_bytes(as_bytes("abc"), to.data());
  EXPECT_EQ(as_text(to), std::string_view("abc\0", 4));
}

TEST(CopyBytes, nothing_may_come_from_nowhere) {
  std::array<std::byte, 1> to{std::byte{'x'}};
  copy_bytes({}, to.data());
  copy_bytes({}, nullptr);
  EXPECT_EQ(as_text(to), "x");
}

}  // namespace
}  // namespace parley
