#include "base/list.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace parley {
namespace {

struct Member : Listed<Member> {
  char name = 0;
};

std::array<Member, 5> members() {
  std::array<Member, 5> made;
  for (std::size_t i = 0; i < made.size(); ++i) made[i].name = static_cast<char>('a' + i);
  return made;
}

TEST(List, leaves_out_who_was_unlisted) {
  auto all = members();
  List<Member> list;
  for (Member& each : all) list.push_front(each);
  all[4].unlist();
  all[2].unlist();
  all[0].unlist();
  all[0].unlist();
  std::string names;
  for (Member* each = list.first(); each; each = each->next()) names += each->name;
  EXPECT_EQ(names, "db");
  EXPECT_FALSE(all[2].is_listed());
  EXPECT_TRUE(all[1].is_listed());
}

TEST(Queue, first_in_first_out) {
  auto all = members();
  Queue<Member> queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.first(), nullptr);
  std::string names;
  const auto take = [&] {
    names += queue.first()->name;
    queue.first()->unlist();
  };
  queue.push_back(all[0]);
  queue.push_back(all[1]);
  queue.push_back(all[2]);
  take();
  queue.push_back(all[3]);
  take();
  queue.push_back(all[4]);
  all[3].unlist();  // one that has not been turned round
  take();
  EXPECT_FALSE(queue.empty());
  take();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(names, "abce");
}

}  // namespace
}  // namespace parley
