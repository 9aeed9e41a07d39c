#include "codec/deflate.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <new>
#include <string>
#include <vector>

#include "base/random.h"
#include "codec/outputs.h"
#include "codec/wire.h"

namespace {

int news_left = -1;  // until the nothrow operator new fails; negative: it doesn't

}  // namespace

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (news_left == 0) return nullptr;
  if (news_left > 0) --news_left;
  try {
    return ::operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace parley::codec {
namespace {

struct FailingNew {
  explicit FailingNew(int after) { news_left = after; }
  ~FailingNew() { news_left = -1; }
};

using Flush = Deflater::Flush;

std::string compressed(Deflater& deflater, std::string_view message) {
  TestOutput out;
  EXPECT_TRUE(deflater.compress(as_bytes(message), Flush::message, out));
  return std::string(out.text());
}

std::string compressed(Deflater& deflater, const std::vector<std::string>& pieces, Flush between) {
  TestOutput out;
  for (const std::string& piece : pieces) EXPECT_TRUE(deflater.compress(as_bytes(piece), between, out));
  EXPECT_TRUE(deflater.compress({}, Flush::message, out));
  return std::string(out.text());
}

struct Inflated {
  std::string text;
  Violation violation = Violation::none;
};

Inflated inflated(Inflater& inflater, const std::vector<std::string>& pieces, std::size_t bytes_max = SIZE_MAX) {
  TestOutput out;
  Inflated result;
  for (std::size_t i = 0; i < pieces.size() && result.violation == Violation::none; ++i) {
    Bytes piece = as_bytes(pieces[i]);
    result.violation = inflater.inflate(piece, i + 1 == pieces.size(), out, bytes_max);
    EXPECT_TRUE(result.violation != Violation::none || piece.empty());
  }
  EXPECT_LE(out.largest - 1, bytes_max);
  result.text = out.text();
  return result;
}

void expect_inflates(std::string_view payload, std::string_view message) {
  cut_every_way(payload, [&](const std::vector<std::string>& pieces) {
    Inflater inflater({});
    const Inflated result = inflated(inflater, pieces);
    EXPECT_EQ(result.violation, Violation::none);
    EXPECT_EQ(result.text, message);
    // and the next one is whole
    EXPECT_EQ(inflated(inflater, {unhex("f2 48 cd c9 c9 07 00")}).text, "Hello");
  });
}

// RFC 7692, 7.2.3.1 to 7.2.3.6.
TEST(Deflate, the_examples_of_rfc_7692) {
  expect_inflates(unhex("f2 48 cd c9 c9 07 00"), "Hello");                    // one block
  expect_inflates(unhex("00 05 00 fa ff 48 65 6c 6c 6f 00"), "Hello");        // without compression
  expect_inflates(unhex("f3 48 cd c9 c9 07 00 00"), "Hello");                 // with BFINAL
  expect_inflates(unhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), "Hello");  // two blocks
  expect_inflates(unhex("00"), "");                                           // an empty fragment
  expect_inflates(unhex("f3 48 cd c9 c9 07 00") + unhex("f2 48 cd c9 c9 07 00"), "HelloHello");
  Inflater inflater({});
  EXPECT_EQ(inflated(inflater, {unhex("f2 48 cd c9 c9 07 00")}).text, "Hello");
  EXPECT_EQ(inflated(inflater, {unhex("f2 00 11 00 00")}).text, "Hello");  // sharing the window
  EXPECT_EQ(inflated(inflater, {unhex("f3 48 cd c9 c9 07 00 00")}).text, "Hello");
  EXPECT_EQ(inflated(inflater, {unhex("f2 00 11 00 00")}).text, "Hello");  // over BFINAL, too
}

TEST(Deflate, the_examples_are_what_is_written) {
  Deflater keeps({});
  EXPECT_EQ(compressed(keeps, "Hello"), unhex("f2 48 cd c9 c9 07 00"));
  EXPECT_EQ(compressed(keeps, "Hello"), unhex("f2 00 11 00 00"));
  Deflater forgets({.keeps_context = false});
  EXPECT_EQ(compressed(forgets, "Hello"), unhex("f2 48 cd c9 c9 07 00"));
  EXPECT_EQ(compressed(forgets, "Hello"), unhex("f2 48 cd c9 c9 07 00"));
  Deflater stores({.level = 0});
  EXPECT_EQ(compressed(stores, "Hello"), unhex("00 05 00 fa ff 48 65 6c 6c 6f 00"));
}

TEST(Deflate, an_empty_message_is_one_byte) {
  Deflater deflater({});
  EXPECT_EQ(compressed(deflater, ""), unhex("00"));
  EXPECT_EQ(deflater.memory_bytes(), 0u);
  EXPECT_EQ(compressed(deflater, "Hello"), unhex("f2 48 cd c9 c9 07 00"));
  EXPECT_EQ(compressed(deflater, ""), unhex("00"));
  EXPECT_EQ(compressed(deflater, ""), unhex("00"));
  EXPECT_EQ(compressed(deflater, "Hello"), unhex("f2 00 11 00 00"));
}

std::string sample(std::size_t bytes, int kind) {
  Random random(static_cast<std::uint64_t>(bytes));
  std::string text;
  while (text.size() < bytes) {
    if (kind == 0) text += 'a';
    if (kind == 1) text += R"({"name":"value )" + std::to_string(random.below(1000)) + "\"},";
    if (kind == 2) text += static_cast<char>(random.below(256));
  }
  text.resize(bytes);
  return text;
}

// Inflates by plain zlib a byte at a time, so that it never sees farther back than its window.
std::string plainly_inflated(const std::vector<std::string>& messages, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -window_bits), Z_OK);
  std::string text;
  for (const std::string& message : messages) {
    std::string input = message + unhex("00 00 ff ff");
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    int result = Z_OK;
    while (result == Z_OK) {
      char byte = 0;
      stream.next_out = reinterpret_cast<Bytef*>(&byte);
      stream.avail_out = 1;
      result = ::inflate(&stream, Z_SYNC_FLUSH);
      if (stream.avail_out == 0) text += byte;
    }
    EXPECT_EQ(result, Z_BUF_ERROR) << "window bits " << window_bits;
    EXPECT_EQ(stream.avail_in, 0u);
  }
  inflateEnd(&stream);
  return text;
}

// Every window, takeover, level and size class, whole and in pieces; a plain zlib reads it, too.
TEST(Deflate, round_trips) {
  for (std::uint8_t window_bits = 8; window_bits <= 15; ++window_bits) {
    for (const bool keeps_context : {false, true}) {
      for (const int level : {0, 1, 3, 6, 9}) {
        const auto memory_level = static_cast<std::uint8_t>(1 + (window_bits + level) % 9);
        const DeflateSettings settings{window_bits, keeps_context, static_cast<std::uint8_t>(level), memory_level};
        Deflater deflater(settings);
        Inflater inflater(settings);
        std::vector<std::string> all;
        std::string expected;
        int count = 0;
        for (const std::size_t bytes : {0u, 1u, 5u, 125u, 255u, 300u, 1000u, 5000u, 40000u}) {
          const std::string message = sample(bytes, count++ % 3);
          const Flush between = count % 2 == 0 ? Flush::none : Flush::piece;
          for (const bool whole : {true, false}) {
            const std::string payload =
                whole ? compressed(deflater, message)
                      : compressed(deflater, cut(message, {bytes / 3, bytes / 3, bytes / 2}), between);
            const Inflated result = inflated(inflater, cut(payload, {payload.size() / 3, payload.size() / 2}));
            ASSERT_EQ(result.violation, Violation::none);
            ASSERT_TRUE(result.text == message) << bytes;
            all.push_back(payload);
            expected += message;
          }
        }
        EXPECT_EQ(deflater.memory_bytes() != 0, keeps_context);
        EXPECT_EQ(inflater.memory_bytes() != 0, keeps_context);
        ASSERT_TRUE(plainly_inflated(all, window_bits) == expected) << int{window_bits} << ' ' << level;
      }
    }
  }
}

TEST(Deflate, every_split_point) {
  for (const int kind : {0, 1, 2}) {
    const std::string message = sample(300, kind);
    Deflater deflater({});
    std::string again = "x" + message;
    const std::string first = compressed(deflater, message);
    const std::string second = compressed(deflater, again);
    cut_every_way(second, [&](const std::vector<std::string>& pieces) {
      Inflater inflater({});
      EXPECT_EQ(inflated(inflater, {first}).text, message);
      EXPECT_EQ(inflated(inflater, pieces).text, again);
    });
    for (const Flush between : {Flush::none, Flush::piece}) {
      cut_every_way(message, [&](const std::vector<std::string>& pieces) {
        Deflater other({});
        Inflater inflater({});
        EXPECT_EQ(inflated(inflater, {compressed(other, pieces, between)}).text, message);
        EXPECT_EQ(inflated(inflater, {compressed(other, pieces, between)}).text, message);
      });
    }
  }
}

TEST(Deflate, a_flushed_piece_can_be_read_at_once) {
  Deflater deflater({});
  Inflater inflater({});
  TestOutput out;
  TestOutput read;
  std::string expected;
  for (const char* piece : {"Hel", "", "lo", " and more of it"}) {
    expected += piece;
    ASSERT_TRUE(deflater.compress(as_bytes(piece), Flush::piece, out));
    Bytes bytes(out.data, out.size);
    EXPECT_EQ(inflater.inflate(bytes, false, read, 1000), Violation::none);
    EXPECT_EQ(read.text(), expected);
    out.clear();
  }
  ASSERT_TRUE(deflater.compress({}, Flush::message, out));
  EXPECT_EQ(out.text(), unhex("00"));
}

TEST(Deflate, what_was_not_sent_is_not_referred_to) {
  Deflater deflater({});
  Inflater inflater({});
  EXPECT_EQ(inflated(inflater, {compressed(deflater, sample(500, 1))}).text, sample(500, 1));
  compressed(deflater, "a message that stays here");
  deflater.forget();
  EXPECT_EQ(inflated(inflater, {compressed(deflater, "a message that stays here")}).text, "a message that stays here");
}

// What deflates to little: the limit holds, to the byte, and the memory asked for with it.
TEST(Deflate, bombs) {
  Deflater deflater({.level = 9});
  const std::string bomb = compressed(deflater, std::string(20'000'000, 'a'));
  EXPECT_LT(bomb.size(), 20'000u);
  for (const std::size_t limit : {0u, 1u, 1000u, 65535u, 1u << 20}) {
    Inflater inflater({});
    const Inflated result = inflated(inflater, {bomb}, limit);
    EXPECT_EQ(result.violation, Violation::message_too_large);
    EXPECT_EQ(result.text.size(), limit + 1);
    Inflater bytewise({});
    EXPECT_EQ(inflated(bytewise, cut(bomb, {1, 2, 3, 4, 5, 6, 7, 8, 9}), limit).violation,
              Violation::message_too_large);
  }
}

TEST(Deflate, as_large_as_allowed) {
  const std::string message = sample(1000, 1);
  Deflater deflater({.keeps_context = false});
  const std::string payload = compressed(deflater, message);
  Inflater inflater({.keeps_context = false});
  EXPECT_EQ(inflated(inflater, {payload}, 1000).text, message);
  EXPECT_EQ(inflated(inflater, {payload}, 1000).violation, Violation::none);
  EXPECT_EQ(inflated(inflater, {payload}, 999).violation, Violation::message_too_large);
  Inflater empty({});
  EXPECT_EQ(inflated(empty, {unhex("00")}, 0).violation, Violation::none);
}

// Who takes the output away as it comes needs no room for the whole message.
TEST(Deflate, goes_on_where_it_was_full) {
  const std::string message = sample(100'000, 1) + std::string(100'000, 'z');
  for (const std::size_t limit : {0u, 1u, 100u, 5000u}) {
    Deflater deflater({});
    const std::string payload = compressed(deflater, message);
    Inflater inflater({});
    TestOutput out;
    out.generous = true;
    std::string text;
    Bytes left = as_bytes(payload);
    Violation violation = Violation::message_too_large;
    while (violation == Violation::message_too_large) {
      violation = inflater.inflate(left, true, out, limit);
      text += out.text();
      EXPECT_LE(out.size, limit + 1);
      out.clear();
    }
    EXPECT_EQ(violation, Violation::none);
    EXPECT_TRUE(text == message) << limit;
    EXPECT_EQ(inflated(inflater, {compressed(deflater, "more")}).text, "more");
  }
}

TEST(Deflate, what_does_not_inflate) {
  const auto verdict = [](std::string_view payload) {
    std::vector<Violation> seen;
    cut_every_way(unhex(payload), [&](const std::vector<std::string>& pieces) {
      Inflater inflater({});
      seen.push_back(inflated(inflater, pieces).violation);
      EXPECT_EQ(seen.back(), seen.front());
    });
    return seen.front();
  };
  EXPECT_EQ(verdict("ff"), Violation::deflate_broken);                       // a kind of block that is reserved
  EXPECT_EQ(verdict("00 05 00 fa fe 48"), Violation::deflate_broken);        // two lengths that disagree
  EXPECT_EQ(verdict("f2 00 11 00 00"), Violation::deflate_broken);           // refers to before the beginning
  EXPECT_EQ(verdict(""), Violation::deflate_broken);                         // not even the header of a block
  EXPECT_EQ(verdict("f2 48 cd"), Violation::deflate_broken);                 // ends within a block
  EXPECT_EQ(verdict("f3 48 cd c9 c9 07 00"), Violation::deflate_broken);     // BFINAL, and no empty block behind it
  EXPECT_EQ(verdict("f3 48 cd c9 c9 07 00 ff"), Violation::deflate_broken);  // BFINAL, and rubbish behind it
  EXPECT_EQ(verdict("00 05 00 fa ff 48 65 6c 6c 6f"), Violation::deflate_broken);
  EXPECT_EQ(verdict("01"), Violation::none);  // the empty block at the end may have BFINAL, too
}

TEST(Deflate, no_memory_for_the_engine) {
  // The first allocations fail one after the other, until all are granted.
  int failures = 0;
  for (bool done = false; !done; ++failures) {
    Deflater deflater({});
    TestOutput out;
    const FailingNew failing(failures);
    done = deflater.compress(as_bytes("Hello"), Flush::message, out);
    EXPECT_EQ(deflater.memory_bytes() != 0, done);
  }
  EXPECT_EQ(failures, 7);  // the engine, zlib's state and its four tables

  Deflater deflater({});
  const std::string payload = compressed(deflater, sample(60000, 1));
  Violation violation = Violation::no_memory;
  for (failures = 0; violation != Violation::none; ++failures) {
    Inflater inflater({});
    TestOutput out;
    Bytes all = as_bytes(payload);
    const FailingNew failing(failures);
    violation = inflater.inflate(all, true, out, SIZE_MAX);
    EXPECT_TRUE(violation == Violation::none || violation == Violation::no_memory);
  }
  EXPECT_EQ(failures, 4);  // the engine, zlib's state and the window
}

TEST(Deflate, no_memory_for_the_output) {
  const auto fits = [](std::size_t bytes, std::string_view message) {
    Deflater deflater({});
    TestOutput out;
    out.bytes_max = bytes;
    const bool done = deflater.compress(as_bytes(message), Flush::message, out);
    EXPECT_TRUE(done || compressed(deflater, "Hello") == unhex("f2 48 cd c9 c9 07 00"));
    return done;
  };
  EXPECT_FALSE(fits(0, ""));
  EXPECT_FALSE(fits(0, "Hello"));
  EXPECT_FALSE(fits(600, sample(1000, 2)));
  EXPECT_TRUE(fits(3000, sample(1000, 2)));

  Deflater deflater({});
  const std::string payload = compressed(deflater, sample(60000, 1));
  for (const std::size_t bytes : {0u, 20000u}) {
    Inflater inflater({});
    TestOutput out;
    out.bytes_max = bytes;
    Bytes all = as_bytes(payload);
    EXPECT_EQ(inflater.inflate(all, true, out, SIZE_MAX), Violation::no_memory);
  }
}

TEST(Deflate, what_an_engine_takes_is_zlibs_formula_and_a_little) {
  for (std::uint8_t window_bits = 9; window_bits <= 15; ++window_bits) {
    for (std::uint8_t memory_level = 1; memory_level <= 9; ++memory_level) {
      Deflater deflater({.window_bits = window_bits, .memory_level = memory_level});
      EXPECT_EQ(deflater.memory_bytes(), 0u);
      const std::string payload = compressed(deflater, sample(40000, 1));
      const std::size_t formula = (std::size_t{1} << (window_bits + 2)) + (std::size_t{1} << (memory_level + 9));
      EXPECT_GE(deflater.memory_bytes(), formula);
      EXPECT_LE(deflater.memory_bytes(), formula + 8192);
      Inflater inflater({.window_bits = window_bits});
      inflated(inflater, {payload});
      EXPECT_GE(inflater.memory_bytes(), std::size_t{1} << window_bits);
      EXPECT_LE(inflater.memory_bytes(), (std::size_t{1} << window_bits) + 8192);
      if (memory_level == 8) {
        RecordProperty("deflater_" + std::to_string(window_bits), std::to_string(deflater.memory_bytes()));
        RecordProperty("inflater_" + std::to_string(window_bits), std::to_string(inflater.memory_bytes()));
      }
    }
  }
}

RC_GTEST_PROP(Deflate, any_bytes_inflate_or_do_not_however_they_are_cut, ()) {
  auto payload = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  if (*rc::gen::arbitrary<bool>()) {  // nearly right
    Deflater deflater({});
    payload = compressed(deflater, sample(*rc::gen::inRange<std::size_t>(1, 2000), 1));
    payload[*rc::gen::inRange<std::size_t>(0, payload.size())] = *rc::gen::arbitrary<char>();
  }
  Inflater whole({});
  const Inflated expected = inflated(whole, {payload}, 5000);
  RC_ASSERT(expected.text.size() <= 5001u);
  std::vector<std::size_t> cuts;
  for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
    cuts.push_back(*rc::gen::inRange<std::size_t>(0, payload.size() + 1));
  }
  std::ranges::sort(cuts);
  Inflater pieces({});
  const Inflated result = inflated(pieces, cut(payload, cuts), 5000);
  RC_ASSERT(result.violation == expected.violation);
  RC_ASSERT(result.violation != Violation::none || result.text == expected.text);
}

}  // namespace
}  // namespace parley::codec
