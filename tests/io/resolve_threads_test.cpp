// Names that the system's resolver knows without a network: numbers in the old notations, which only it understands.
#include <parley/resolve.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <parley/simulation.h>
#include "results.h"

namespace parley {
namespace {

using Addresses = Result<std::vector<Address>>;

Addresses resolved(Loop& loop, std::string_view host) {
  auto main = [](Loop& on, std::string_view name) -> Task<Addresses> {
    Addresses found = co_await resolve(on, name, 80);
    co_return found;
  };
  return loop.run(main(loop, host));
}

TEST(Resolve, numbers_need_no_lookup) {
  Simulation simulation;
  Loop loop(simulation);
  EXPECT_EQ(resolved(loop, "192.0.2.1"), std::vector{*Address::parse("192.0.2.1:80")});
  EXPECT_EQ(resolved(loop, "2001:db8::1"), std::vector{*Address::parse("[2001:db8::1]:80")});
}

TEST(Resolve, localhost_needs_no_lookup_either) {
  Simulation simulation;
  Loop loop(simulation);
  const std::vector both{*Address::parse("[::1]:80"), *Address::parse("127.0.0.1:80")};
  for (const char* host : {"localhost", "LocalHost", "localhost."}) EXPECT_EQ(resolved(loop, host), both) << host;
  EXPECT_TRUE(failed_with(resolved(loop, "localhos"), Errc::not_found));
  EXPECT_TRUE(failed_with(resolved(loop, "example.org"), Errc::not_found));
}

TEST(Resolve, what_is_no_name_is_not_asked_for) {
  Loop loop;
  EXPECT_TRUE(failed_with(resolved(loop, ""), Errc::invalid_address));
  EXPECT_TRUE(failed_with(resolved(loop, std::string(254, 'a')), Errc::invalid_address));
  EXPECT_TRUE(failed_with(resolved(loop, std::string_view("a\0b", 3)), Errc::invalid_address));
}

TEST(Resolve, the_system_is_asked_in_a_thread) {
  Loop loop;
  EXPECT_EQ(resolved(loop, "127.1"), std::vector{*Address::parse("127.0.0.1:80")});
  EXPECT_EQ(resolved(loop, "0x7f000002"), std::vector{*Address::parse("127.0.0.2:80")});
}

TEST(Resolve, many_lookups_share_a_few_threads) {
  Loop loop;
  int found = 0;
  auto main = [](Loop& on, int& count) -> Task<> {
    TaskGroup group(on);
    for (int i = 1; i <= 100; ++i) {
      group.spawn([](Loop& inner, int number, int& sum) -> Task<> {
        const std::string host = "127." + std::to_string(number);
        Addresses answer = co_await resolve(inner, host, 80);
        const Address expected = *Address::ip("127.0.0." + std::to_string(number), 80);
        sum += answer == std::vector{expected};
      }(on, i, count));
    }
    co_await group.join();
  };
  ASSERT_TRUE(succeeded(loop.run(main(loop, found))));
  EXPECT_EQ(found, 100);
}

// The answer may come before, while or after the loop is gone.
TEST(Resolve, nobody_waits_for_a_lookup_that_is_not_wanted_any_more) {
  for (int round = 0; round < 100; ++round) {
    Loop loop;
    auto main = [](Loop& on, bool stops_at_once) -> Task<> {
      TaskGroup group(on);
      for (int i = 0; i < 8; ++i) {
        group.spawn([](Loop& inner) -> Task<> {
          Addresses answer = co_await resolve(inner, "127.1", 80);
          EXPECT_TRUE(answer || answer.error() == Errc::cancelled);
        }(on));
      }
      if (!stops_at_once) co_await yield();
      group.stop();
      co_await group.join();
    };
    ASSERT_TRUE(succeeded(loop.run(main(loop, round % 2 == 0))));
  }
}

}  // namespace
}  // namespace parley
