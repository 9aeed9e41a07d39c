#include "hub/branch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "ws/raw_peer.h"

namespace parley::hub {
namespace {

using ws::testing::Pair;

struct Branches : ::testing::Test {
  Simulation simulation;
  Loop loop{simulation};
  std::shared_ptr<Branch> branch = std::make_shared<Branch>(loop.core(), 1'000'000);
  Pair one{loop, ws::Role::server};
  Pair two{loop, ws::Role::server};

  ~Branches() override {
    for (Pair* pair : {&one, &two}) {
      pair->session = {};
      pair->peer.close();
    }
  }
  static std::size_t queued(Pair& pair) { return pair.session.counters().queued_bytes; }
};

TEST_F(Branches, knows_how_many_members_it_has) {
  EXPECT_FALSE(branch->has_members());
  {
    Member first(*branch, ws::SessionCore::of(one.session));
    Member second(*branch, ws::SessionCore::of(two.session));
    EXPECT_TRUE(branch->has_members());
  }
  EXPECT_FALSE(branch->has_members());
}

TEST_F(Branches, a_topic_is_there_while_somebody_is_subscribed) {
  {
    Member first(*branch, ws::SessionCore::of(one.session));
    Member second(*branch, ws::SessionCore::of(two.session));
    for (const char* topic : {"a", "b", "a"}) EXPECT_TRUE(first.subscribe(topic, 9));
    EXPECT_TRUE(second.subscribe("a", 9));
    EXPECT_EQ(branch->topics(), 2u);
    first.unsubscribe("b");
    first.unsubscribe("a");
    EXPECT_EQ(branch->topics(), 1u);
  }
  EXPECT_EQ(branch->topics(), 0u);
}

TEST_F(Branches, what_is_published_leaves_when_the_round_ends) {
  Member first(*branch, ws::SessionCore::of(one.session));
  Member second(*branch, ws::SessionCore::of(two.session));
  EXPECT_TRUE(first.subscribe("topic", 1));
  EXPECT_TRUE(second.subscribe("topic", 1));
  branch->publish("topic", "1234", nullptr);
  branch->publish("topic", "5678", &first);
  EXPECT_EQ(queued(one), 6u);
  EXPECT_EQ(queued(two), 12u);
  EXPECT_EQ(loop.core().gathering.first(), branch.get());
  branch->unlist();
  branch->turn_ended();
  EXPECT_EQ(queued(one), 0u);
  EXPECT_EQ(queued(two), 0u);
  EXPECT_FALSE(first.is_listed());
}

TEST_F(Branches, sends_to_a_share_of_its_members_in_one_turn) {
  std::deque<Pair> pairs;
  std::deque<Member> members;
  for (int i = 0; i < 300; ++i) {
    Pair& pair = pairs.emplace_back(loop, ws::Role::server);
    EXPECT_TRUE(members.emplace_back(*branch, ws::SessionCore::of(pair.session)).subscribe("topic", 1));
  }
  const auto waiting = [&] { return std::ranges::count_if(pairs, [](Pair& pair) { return queued(pair) != 0; }); };
  branch->publish("topic", "1234", nullptr);
  EXPECT_EQ(waiting(), 300);
  branch->unlist();
  branch->turn_ended();
  EXPECT_EQ(waiting(), 44);
  branch->publish("topic", "5678", nullptr);  // those who wait get both together
  EXPECT_EQ(queued(pairs.back()), 12u);
  EXPECT_EQ(queued(pairs.front()), 6u);
  branch->turn_ended();
  EXPECT_EQ(queued(pairs.back()), 0u);
  EXPECT_EQ(waiting(), 44);
  EXPECT_TRUE(branch->is_listed());
  branch->unlist();
  branch->turn_ended();
  EXPECT_EQ(waiting(), 0);
  EXPECT_FALSE(branch->is_listed());
  members.clear();
  for (Pair& pair : pairs) {
    pair.session = {};
    pair.peer.close();
  }
}

// Also when more has been gathered than lies in one piece.
TEST_F(Branches, nobody_is_sent_to_while_something_is_published) {
  Member first(*branch, ws::SessionCore::of(one.session));
  EXPECT_TRUE(first.subscribe("topic", 1));
  const std::string text(10'000, 'x');
  for (int i = 0; i < 20; ++i) branch->publish("topic", text, nullptr);
  EXPECT_EQ(queued(one), 20 * 10'004u);
  branch->unlist();
  branch->turn_ended();
  EXPECT_EQ(queued(one), 0u);
}

// The last member leaves in the same turn, and the hub may then be destroyed by another thread.
TEST_F(Branches, without_members_the_loop_knows_nothing_of_it) {
  {
    Member first(*branch, ws::SessionCore::of(one.session));
    EXPECT_TRUE(first.subscribe("topic", 1));
    branch->publish("topic", "x", nullptr);
    EXPECT_TRUE(branch->is_listed());
  }
  EXPECT_FALSE(branch->is_listed());
  EXPECT_TRUE(loop.core().gathering.empty());
}

TEST_F(Branches, takes_one_message_of_any_size) {
  auto small = std::make_shared<Branch>(loop.core(), 10);
  const Incoming large{"topic", ws::Kind::text, ws::Broadcast::frame_of(std::string(1000, 'x'))};
  EXPECT_TRUE(small->post(large));
  EXPECT_FALSE(small->post(large));
}

TEST_F(Branches, takes_only_a_share_of_its_inbox_in_one_turn) {
  Member member(*branch, ws::SessionCore::of(one.session));
  EXPECT_TRUE(member.subscribe("topic", 1));
  const Incoming incoming{"topic", ws::Kind::text, ws::Broadcast::frame_of("x")};
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(branch->post(incoming));
  std::vector<std::size_t> received;
  auto hear = [](Pair& pair, std::vector<std::size_t>& sizes) -> Task<> {
    for (std::size_t all = 0; all < 3'000;) {
      auto bytes = co_await pair.peer.receive();
      if (!bytes) co_return;
      sizes.push_back(bytes->size());
      all += bytes->size();
    }
  };
  loop.run(hear(one, received));
  EXPECT_EQ(received, (std::vector<std::size_t>{384, 384, 384, 384, 384, 384, 384, 312}));
}

}  // namespace
}  // namespace parley::hub
