// The pool of receive buffers.
#include "io/buffers.h"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/sanitize.h"

namespace parley::detail {
namespace {

constexpr std::size_t small_bytes = 4096;

TEST(Buffers, the_usual_one_has_the_size_asked_for_with_its_header) {
  for (const std::size_t usual : {std::size_t{4096}, std::size_t{16 * 1024}, std::size_t{128 * 1024}}) {
    BufferPool pool({.usual_bytes = usual});
    Buffer* buffer = pool.lend();
    EXPECT_EQ(buffer->capacity, usual - Buffer::header_bytes);
    EXPECT_EQ(pool.lent_bytes(), usual);
    pool.give_back(buffer);
  }
}

TEST(Buffers, no_size_is_too_small) {
  BufferPool pool({.usual_bytes = 0});
  Buffer* buffer = pool.lend();
  EXPECT_EQ(buffer->capacity, small_bytes - Buffer::header_bytes);
  pool.give_back(buffer);
}

TEST(Buffers, one_of_a_wanted_size_has_at_least_that_and_less_than_twice) {
  BufferPool pool({});
  for (std::size_t bytes = 1; bytes < 10'000'000; bytes = bytes * 3 + 1) {
    Buffer* buffer = pool.lend(bytes);
    EXPECT_GE(buffer->capacity, bytes);
    EXPECT_LE(buffer->capacity, std::max(2 * (bytes + Buffer::header_bytes), small_bytes));
    EXPECT_EQ(buffer->begin, 0u);
    EXPECT_EQ(buffer->end, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % 64, 0u);
    std::memset(buffer->data(), 0xee, std::min<std::size_t>(buffer->capacity, 100'000));
    pool.give_back(buffer);
  }
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(Buffers, at_the_edge_of_a_size_class) {
  BufferPool pool({});
  const std::size_t fits = 8192 - Buffer::header_bytes;
  for (const auto& [wanted, got] : {std::pair{fits, fits}, std::pair{fits + 1, 16384 - Buffer::header_bytes}}) {
    Buffer* buffer = pool.lend(wanted);
    EXPECT_EQ(buffer->capacity, got);
    pool.give_back(buffer);
  }
}

TEST(Buffers, the_last_one_given_back_is_the_next_one_lent) {
  BufferPool pool({});
  Buffer* a = pool.lend();
  Buffer* b = pool.lend();
  EXPECT_NE(a, b);
  pool.give_back(a);
  pool.give_back(b);
  EXPECT_EQ(pool.lend(), b);
  EXPECT_EQ(pool.lend(), a);
  pool.give_back(a);
  pool.give_back(b);
}

TEST(Buffers, above_the_maximum_further_ones_are_small) {
  BufferPool pool({.usual_bytes = 64 * 1024, .lent_bytes_max = 4 * 64 * 1024});
  std::vector<Buffer*> lent;
  for (int i = 0; i < 4; ++i) {
    lent.push_back(pool.lend());
    EXPECT_GT(lent.back()->capacity, small_bytes);
  }
  for (int i = 0; i < 100; ++i) {
    lent.push_back(pool.lend());
    EXPECT_LT(lent.back()->capacity, small_bytes);
  }
  EXPECT_LE(pool.lent_bytes(), (4 * 64 + 100 * 4) * 1024u);
  for (Buffer* buffer : lent) pool.give_back(buffer);
  EXPECT_EQ(pool.lent_bytes(), 0u);
  Buffer* usual = pool.lend();
  EXPECT_GT(usual->capacity, small_bytes);
  pool.give_back(usual);
}

TEST(Buffers, what_was_needed_lately_is_kept_for_two_trims) {
  BufferPool pool({.kept_bytes_max = 512 * 1024});
  Buffer* a = pool.lend();
  Buffer* b = pool.lend(std::size_t{1'000'000});
  pool.give_back(a);
  EXPECT_FALSE(pool.has_excess());
  pool.give_back(b);
  EXPECT_TRUE(pool.has_excess());
  pool.trim();
  EXPECT_TRUE(pool.has_excess()) << "needed in the last second";
  EXPECT_EQ(pool.lend(std::size_t{1'000'000}), b);
  pool.give_back(b);
  pool.trim();
  EXPECT_TRUE(pool.has_excess());
  pool.trim();
  pool.trim();
  EXPECT_FALSE(pool.has_excess());
  EXPECT_EQ(pool.lend(), a) << "as much as it may keep it does";
  pool.give_back(a);
}

TEST(Buffers, the_size_that_was_needed_last_is_kept) {
  BufferPool pool({.kept_bytes_max = 1024 * 1024});
  for (int i = 0; i < 8; ++i) pool.give_back(pool.lend(std::size_t{1000} << i));
  Buffer* large = pool.lend(std::size_t{900'000});
  pool.give_back(large);
  EXPECT_EQ(pool.lend(std::size_t{900'000}), large) << "what had other sizes makes room";
  EXPECT_FALSE(pool.has_excess());
  pool.give_back(large);
  Buffer* small = pool.lend(std::size_t{1000});
  pool.give_back(small);
  EXPECT_EQ(pool.lend(std::size_t{1000}), small);
  pool.give_back(small);
}

TEST(Buffers, a_trim_is_short) {
  BufferPool pool({.kept_bytes_max = 0});
  std::vector<Buffer*> lent;
  for (int i = 0; i < 10; ++i) lent.push_back(pool.lend(std::size_t{30'000'000}));
  for (Buffer* buffer : lent) pool.give_back(buffer);
  pool.trim();
  pool.trim();
  int trims = 0;
  while (pool.has_excess()) {
    pool.trim();
    ++trims;
  }
  EXPECT_EQ(trims, 5) << "64 MiB each";
}

TEST(Buffers, those_of_the_usual_size_grow_where_they_lie) {
  BufferPool pool({});
  Buffer* buffer = pool.lend();
  const std::size_t usual = buffer->capacity;
  for (std::size_t bytes = usual; bytes <= 32 * 1024 * 1024 - Buffer::header_bytes; bytes += bytes / 3) {
    std::memset(buffer->data(), 0x5a, buffer->capacity);
    ASSERT_TRUE(pool.grow(*buffer, bytes)) << bytes;
    EXPECT_EQ(buffer->capacity, bytes);
    EXPECT_EQ(buffer->data()[0], std::byte{0x5a});
    EXPECT_GE(pool.lent_bytes(), bytes);
    EXPECT_LT(pool.lent_bytes(), bytes + 2 * small_bytes);
  }
  EXPECT_FALSE(pool.grow(*buffer, 32 * 1024 * 1024));
  EXPECT_TRUE(pool.grow(*buffer, 1)) << "there is so much already";
  pool.give_back(buffer);
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(Buffers, one_that_has_grown_is_lent_as_a_usual_one_and_counts_what_it_holds) {
  BufferPool pool({.lent_bytes_max = 4 * 1024 * 1024});
  Buffer* buffer = pool.lend();
  const std::size_t usual = buffer->capacity;
  ASSERT_TRUE(pool.grow(*buffer, 5 * 1024 * 1024));
  const std::size_t counted = pool.lent_bytes();
  pool.give_back(buffer);
  EXPECT_EQ(pool.lend(), buffer);
  EXPECT_EQ(buffer->capacity, usual);
  EXPECT_EQ(pool.lent_bytes(), counted) << "its memory has not gone";
  Buffer* next = pool.lend();
  EXPECT_LT(next->capacity, small_bytes) << "so it counts for lent_bytes_max";
  ASSERT_TRUE(pool.grow(*buffer, 3 * 1024 * 1024));
  EXPECT_EQ(pool.lent_bytes(), counted + small_bytes);
  pool.give_back(next);
  pool.give_back(buffer);
}

TEST(Buffers, one_that_has_grown_shrinks_when_it_was_not_needed_so_large_for_two_trims) {
  BufferPool pool({});
  Buffer* buffer = pool.lend();
  ASSERT_TRUE(pool.grow(*buffer, 2 * 1024 * 1024));
  pool.give_back(buffer);
  EXPECT_TRUE(pool.has_excess());
  pool.trim();
  ASSERT_EQ(pool.lend(), buffer);
  EXPECT_GT(pool.lent_bytes(), 2 * 1024 * 1024u);
  ASSERT_TRUE(pool.grow(*buffer, 1024 * 1024));
  pool.give_back(buffer);
  for (int i = 0; i < 2; ++i) {
    pool.trim();
    EXPECT_TRUE(pool.has_excess());
  }
  ASSERT_EQ(pool.lend(), buffer);
  pool.trim();
  pool.give_back(buffer);
  EXPECT_TRUE(pool.has_excess()) << "it was lent";
  pool.trim();
  EXPECT_FALSE(pool.has_excess());
  ASSERT_EQ(pool.lend(), buffer);
  EXPECT_EQ(pool.lent_bytes(), 512 * 1024u);
  ASSERT_TRUE(pool.grow(*buffer, 3 * 1024 * 1024));
  std::memset(buffer->data(), 0x5a, buffer->capacity);
  pool.give_back(buffer);
}

// A bug: after a peak, the first buffer that came back let all the rest go at once.
TEST(Buffers, after_a_peak_no_one_call_returns_much) {
  BufferPool pool({.kept_bytes_max = 1024 * 1024});
  std::vector<Buffer*> lent;
  for (int i = 0; i < 20; ++i) lent.push_back(pool.lend(std::size_t{30'000'000}));
  Buffer* usual = pool.lend();
  for (Buffer* buffer : lent) pool.give_back(buffer);
  pool.trim();
  pool.trim();
  for (int i = 0; i < 5; ++i) {
    pool.give_back(usual);
    EXPECT_TRUE(pool.has_excess()) << i;
    usual = pool.lend();
  }
  pool.give_back(usual);
}

TEST(Buffers, one_larger_than_a_trim_is_not_kept) {
  BufferPool pool({});
  Buffer* buffer = pool.lend(std::size_t{100'000'000});
  pool.give_back(buffer);
  EXPECT_FALSE(pool.has_excess());
}

TEST(Buffers, one_is_lent_to_grow_from_64_kib_on) {
  BufferPool pool({});
  for (const std::size_t bytes : {10'000u, 65'000u, 66'000u, 1'000'000u, 30'000'000u, 40'000'000u}) {
    Buffer* buffer = pool.lend_to_grow(bytes);
    EXPECT_GE(buffer->capacity, bytes);
    EXPECT_EQ(pool.grow(*buffer, buffer->capacity + 1), bytes >= 65'536 && bytes < 32 * 1024 * 1024) << bytes;
    pool.give_back(buffer);
  }
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(Buffers, only_so_many_of_a_process_grow) {
#ifdef PARLEY_SANITIZER
  GTEST_SKIP() << "sanitizers need addresses of their own";
#endif
  constexpr unsigned mapped_max = 8192;
  BufferPool pool({.lent_bytes_max = SIZE_MAX});
  BufferPool other({});
  Buffer* first = other.lend();
  std::vector<Buffer*> lent;
  for (unsigned i = 0; i < mapped_max; ++i) lent.push_back(pool.lend_to_grow(100'000));
  EXPECT_TRUE(pool.grow(*lent[mapped_max - 2], 200'000));
  EXPECT_FALSE(pool.grow(*lent[mapped_max - 1], 200'000));
  lent.push_back(pool.lend());
  EXPECT_LT(lent.back()->capacity, small_bytes);
  for (Buffer* buffer : lent) pool.give_back(buffer);
  other.give_back(first);
}

TEST(Buffers, of_other_sizes_and_small_usual_ones_do_not_grow) {
  BufferPool pool({});
  Buffer* buffer = pool.lend(std::size_t{1'000'000});
  EXPECT_TRUE(pool.grow(*buffer, 1'000'000));
  EXPECT_FALSE(pool.grow(*buffer, 2'000'000));
  pool.give_back(buffer);
  BufferPool small({.usual_bytes = 16 * 1024});
  buffer = small.lend();
  EXPECT_FALSE(small.grow(*buffer, 16 * 1024));
  small.give_back(buffer);
}

[[noreturn]] void lend_without_addresses() {
  BufferPool pool({});
  Buffer* usual = pool.lend();
  const rlimit none{0, 0};
  setrlimit(RLIMIT_AS, &none);
  Buffer* buffer = pool.lend();
  const bool is_small = buffer->capacity == small_bytes - Buffer::header_bytes;
  std::_Exit(is_small && pool.grow(*usual, 1'000'000) ? 0 : 1);
}

// As with too much lent, what can't be large is small.
TEST(BuffersDeathTest, without_addresses_to_grow_into_they_are_small) {
#ifdef PARLEY_SANITIZER
  GTEST_SKIP() << "sanitizers need addresses of their own";
#endif
  EXPECT_EXIT(lend_without_addresses(), ::testing::ExitedWithCode(0), "");
}

TEST(BuffersDeathTest, beyond_what_it_has_grown_to_nothing_is_to_be_written) {
#ifndef PARLEY_ADDRESS_SANITIZER
  GTEST_SKIP() << "only AddressSanitizer sees it";
#endif
  BufferPool pool({});
  Buffer* buffer = pool.lend();
  ASSERT_TRUE(pool.grow(*buffer, 600'000));
  volatile std::byte* data = buffer->data();
  data[599'999] = std::byte{1};
  EXPECT_DEATH(data[600'008] = std::byte{1}, "use-after-poison");
  pool.give_back(buffer);
}

TEST(BuffersDeathTest, what_was_given_back_is_not_to_be_read) {
#ifndef PARLEY_ADDRESS_SANITIZER
  GTEST_SKIP() << "only AddressSanitizer sees it";
#endif
  BufferPool pool({});
  Buffer* buffer = pool.lend();
  const volatile std::byte* data = buffer->data();
  pool.give_back(buffer);
  EXPECT_DEATH((void)*data, "use-after-poison");
}

TEST(BuffersDeathTest, of_over_two_gibibytes_there_is_none) {
  BufferPool pool({});
  EXPECT_DEATH((void)pool.lend(SIZE_MAX), "over 2 GiB");
}

}  // namespace
}  // namespace parley::detail
