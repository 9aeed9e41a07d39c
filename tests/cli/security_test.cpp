#include "cli/security.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Security, what_is_wrong_with_a_file_is_a_line) {
  const auto server = make_server({.certificates = {{"/nowhere/chain.pem", "/nowhere/key.pem"}}}, "");
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error(), "/nowhere/chain.pem: No such file or directory");
  const auto client = make_client({.ca = "/nowhere/ca.pem"});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error(), "/nowhere/ca.pem: No such file or directory");
}

TEST(Security, a_certificate_of_its_own_is_made_and_verification_is_the_default) {
  const auto server = make_server({.self_signed = true}, "localhost");
  ASSERT_TRUE(server);
  EXPECT_FALSE(server->fingerprint().empty());
  EXPECT_TRUE(make_client({})->verifies());
  EXPECT_FALSE(make_client({.insecure = true})->verifies());
  EXPECT_FALSE(ServerSecurity{}.is_wanted());
}

}  // namespace
}  // namespace parley::cli
