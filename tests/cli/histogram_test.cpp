#include "cli/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace parley::cli {
namespace {

using Time = Histogram::Time;

TEST(Histogram, OfNothing) {
  const Histogram none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.percentile(0.5), Time(0));
  EXPECT_EQ(none.least(), Time(0));
  EXPECT_EQ(none.most(), Time(0));
}

TEST(Histogram, SmallTimesAreExact) {
  Histogram times;
  for (int i = 1; i <= 60; ++i) times.add(Time(i));
  EXPECT_EQ(times.percentile(0.5), Time(30));
  EXPECT_EQ(times.percentile(1.0), Time(60));
  EXPECT_EQ(times.percentile(0.0), Time(1));
}

TEST(Histogram, TheLongestTimesStayInTheLastBucket) {
  Histogram times;
  times.add(std::chrono::hours(100));
  times.add(Time(-5));  // a clock that went back
  EXPECT_EQ(times.most(), std::chrono::hours(100));
  EXPECT_EQ(times.least(), Time(0));
  EXPECT_LE(times.percentile(1.0), std::chrono::hours(100));
}

RC_GTEST_PROP(Histogram, percentiles_are_within_one_part_in_sixty_four, ()) {
  const int powers = *rc::gen::inRange(1, 39);
  std::vector<std::int64_t> all = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << powers)));
  Histogram first;
  Histogram second;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 2 ? first : second).add(Time(all[i]));
  first.add(second);
  std::ranges::sort(all);
  RC_ASSERT(first.count() == all.size());
  RC_ASSERT(first.least() == Time(all.front()) && first.most() == Time(all.back()));
  for (const double share : {0.0, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = std::max<std::size_t>(static_cast<std::size_t>(std::ceil(share * double(all.size()))), 1);
    const std::int64_t exact = all[rank - 1];
    const std::int64_t told = first.percentile(share).count();
    RC_ASSERT(told >= exact && told <= exact + exact / 64 + 1);
  }
}

TEST(Histogram, CountsARange) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.add(std::chrono::microseconds(i));
  EXPECT_EQ(histogram.between(Histogram::Time(0), Histogram::Time::max()), 100u);
  EXPECT_EQ(histogram.between(std::chrono::microseconds(40), std::chrono::microseconds(40)), 0u);
  EXPECT_NEAR(static_cast<double>(histogram.between(std::chrono::microseconds(20), std::chrono::microseconds(60))), 40,
              2);
}

}  // namespace
}  // namespace parley::cli
