#include "transport/tls/tickets.h"

#include <gtest/gtest.h>

namespace parley::tls {
namespace {

using namespace std::chrono_literals;

class Tickets : public testing::Test {
 protected:
  TicketKey current(TicketKeys::Time at) {
    const std::optional<TicketKey> key = keys.current(at);
    EXPECT_TRUE(key);
    return key.value_or(TicketKey{});
  }

  TicketKeys keys;
  const TicketKeys::Time begin{1000h};
};

TEST_F(Tickets, a_key_encrypts_for_two_hours) {
  const TicketKey first = current(begin);
  EXPECT_EQ(current(begin + TicketKeys::turn - 1ns).name, first.name);
  const TicketKey second = current(begin + TicketKeys::turn);
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  EXPECT_NE(second.mac, first.mac);
}

TEST_F(Tickets, and_decrypts_for_two_hours_more) {
  const TicketKey first = current(begin);
  const auto early = keys.find(first.name.data(), begin + 1h);
  ASSERT_TRUE(early);
  EXPECT_TRUE(early->is_current);

  const auto late = keys.find(first.name.data(), begin + 2 * TicketKeys::turn - 1ns);
  ASSERT_TRUE(late);
  EXPECT_FALSE(late->is_current) << "its client gets a new ticket";
  EXPECT_EQ(late->key.cipher, first.cipher);
  EXPECT_EQ(late->key.mac, first.mac);

  EXPECT_FALSE(keys.find(first.name.data(), begin + 4 * TicketKeys::turn));
}

TEST_F(Tickets, one_that_nobody_needed_for_long_is_gone) {
  const TicketKey first = current(begin);
  EXPECT_FALSE(keys.find(first.name.data(), begin + 2 * TicketKeys::turn));
}

TEST_F(Tickets, a_stranger_is_unknown) {
  const TicketKey theirs = *TicketKeys().current(begin);
  (void)current(begin);
  EXPECT_FALSE(keys.find(theirs.name.data(), begin));
}

}  // namespace
}  // namespace parley::tls
