#include <gtest/gtest.h>
#include <parley/ws/request.h>

#include <utility>

namespace parley::ws {
namespace {

constexpr const char* head =
    "GET /chat/room?name=a%20b HTTP/1.1\r\nHost: example.org:8080\r\nOrigin: http://example.org\r\n"
    "X-Empty:\r\nX-Twice: one\r\nx-twice: two\r\n\r\n";

TEST(Request, ItsParts) {
  const Request request(head);
  EXPECT_EQ(request.target(), "/chat/room?name=a%20b");
  EXPECT_EQ(request.path(), "/chat/room");
  EXPECT_EQ(request.query(), "name=a%20b");
  EXPECT_EQ(request.host(), "example.org:8080");
  EXPECT_EQ(request.origin(), "http://example.org");
}

TEST(Request, HeadersInWhateverCase) {
  const Request request(head);
  EXPECT_EQ(request.header("x-EMPTY"), "");
  EXPECT_EQ(request.header("X-Twice"), "one");
  EXPECT_EQ(request.header("X-None"), std::nullopt);
}

TEST(Request, ViewsSurviveAMove) {
  Request first(head);
  const std::string_view path = first.path();
  const Request second(std::move(first));
  EXPECT_EQ(path, "/chat/room");
  EXPECT_EQ(second.path().data(), path.data());
}

}  // namespace
}  // namespace parley::ws
