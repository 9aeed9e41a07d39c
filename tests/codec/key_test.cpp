#include "codec/key.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::codec {
namespace {

Nonce nonce_of(std::string_view text) {
  Nonce nonce{};
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(text[i]);
  return nonce;
}

TEST(Key, the_example_of_rfc_6455) {
  EXPECT_EQ(websocket_key(nonce_of("the sample nonce")), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Key, base64_of_rfc_4648) {
  EXPECT_EQ(base64(as_bytes("")), "");
  EXPECT_EQ(base64(as_bytes("f")), "Zg==");
  EXPECT_EQ(base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(base64(as_bytes("foo")), "Zm9v");
  EXPECT_EQ(base64(as_bytes("foob")), "Zm9vYg==");
  EXPECT_EQ(base64(as_bytes("fooba")), "Zm9vYmE=");
  EXPECT_EQ(base64(as_bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64(as_bytes("\xFB\xEF\xBE\xFF\xFF\xFF")), "++++////");
}

TEST(Key, what_is_a_key) {
  EXPECT_TRUE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_websocket_key("AQIDBAUGBwgJCgsMDQ4PEC=="));  // the RFC's example, whose last bits are not zero
  EXPECT_TRUE(is_websocket_key("AZaz09+/AZaz09+/AZaz09=="));
  for (const char* key : {"", "==", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===",
                          "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZQx=", "dGhlIHNhbXBsZSBub25jZQxx",
                          "dGhlIHNhbXBsZSBub25-ZQ==", "dGhlIHNhbXBsZSBub25_ZQ==", "dGhlIHNhbXBsZSBub25 ZQ==",
                          "[GhlIHNhbXBsZSBub25jZQ==", "@GhlIHNhbXBsZSBub25jZQ==", "`GhlIHNhbXBsZSBub25jZQ==",
                          "{GhlIHNhbXBsZSBub25jZQ==", ":GhlIHNhbXBsZSBub25jZQ==", ".GhlIHNhbXBsZSBub25jZQ=="}) {
    EXPECT_FALSE(is_websocket_key(key)) << key;
  }
}

}  // namespace
}  // namespace parley::codec
