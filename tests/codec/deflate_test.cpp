#include "codec/deflate.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "codec/deflating.h"
#include "codec/wire.h"

namespace parley::codec {
namespace {

void expect_inflates(std::string_view payload, std::string_view message) {
  cut_every_way(payload, [&](const std::vector<std::string>& pieces) {
    Inflater inflater({}, test_engines());
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
  Inflater inflater({}, test_engines());
  EXPECT_EQ(inflated(inflater, {unhex("f2 48 cd c9 c9 07 00")}).text, "Hello");
  EXPECT_EQ(inflated(inflater, {unhex("f2 00 11 00 00")}).text, "Hello");  // sharing the window
  EXPECT_EQ(inflated(inflater, {unhex("f3 48 cd c9 c9 07 00 00")}).text, "Hello");
  EXPECT_EQ(inflated(inflater, {unhex("f2 00 11 00 00")}).text, "Hello");  // over BFINAL, too
}

TEST(Deflate, the_examples_are_what_is_written) {
  const std::string behind = unhex("00 00 00 ff ff 00");  // what a flush adds, and an empty end
  const auto written = [&](Deflater& deflater) {
    TestOutput out;
    EXPECT_EQ(deflater.compress(as_bytes("Hello"), Flush::piece, out), Made::bytes);
    EXPECT_EQ(deflater.compress({}, Flush::message, out), Made::bytes);
    std::string text(out.text());
    EXPECT_TRUE(text.ends_with(behind));
    return text.substr(0, text.size() - behind.size());
  };
  Deflater keeps({.level = 9}, test_engines());
  EXPECT_EQ(written(keeps), unhex("f2 48 cd c9 c9 07"));
  EXPECT_EQ(written(keeps), unhex("f2 00 11 00"));
  Deflater forgets({.keeps_context = false, .level = 9}, test_engines());
  EXPECT_FALSE(forgets.settings().keeps_context);
  EXPECT_EQ(written(forgets), unhex("f2 48 cd c9 c9 07"));
  EXPECT_EQ(written(forgets), unhex("f2 48 cd c9 c9 07"));
  Deflater by_isal({.level = 1}, test_engines());
  EXPECT_EQ(written(by_isal), unhex("f2 48 cd c9 c9 07"));
  Deflater stores({.level = 0}, test_engines());
  EXPECT_EQ(written(stores), unhex("00 05 00 fa ff 48 65 6c 6c 6f"));
}

TEST(Deflate, what_would_not_become_shorter_is_left_alone) {
  with_each([](DeflateEngines& engines) {
    for (const int level : {0, 1, 6, 9}) {
      Deflater deflater(at_level(level), engines);
      TestOutput out;
      for (const std::string& message : {std::string(), std::string("x"), std::string("Hello"), sample(5000, 2)}) {
        EXPECT_EQ(deflater.compress(as_bytes(message), Flush::message, out), Made::no_gain);
        EXPECT_EQ(out.size, 0u);
        EXPECT_EQ(deflater.memory_bytes(), 0u);  // it isn't referred to either
      }
    }
  });
}

TEST(Deflate, an_empty_end_is_one_byte) {
  Deflater deflater({.level = 9}, test_engines());
  TestOutput out;
  EXPECT_EQ(deflater.compress({}, Flush::piece, out), Made::bytes);
  EXPECT_EQ(out.size, 0u);
  EXPECT_EQ(deflater.compress({}, Flush::message, out), Made::bytes);
  EXPECT_EQ(out.text(), unhex("00"));
}

void expect_round_trips(DeflateEngines& engines, const DeflateSettings& settings) {
  Deflater deflater(settings, engines);
  Inflater inflater(settings, engines);
  std::vector<std::string> all;
  std::string expected;
  int count = 0;
  for (const std::size_t bytes : {1u, 5u, 125u, 255u, 300u, 1000u, 5000u, 40000u}) {
    const std::string message = sample(bytes, count++ % 3);
    for (const bool whole : {true, false}) {
      const std::string payload =
          whole ? compressed(deflater, message) : compressed(deflater, cut(message, {bytes / 3, bytes / 3, bytes / 2}));
      const auto cuts = count % 2 == 0 ? std::vector<std::size_t>{}
                                       : std::vector<std::size_t>{payload.size() / 3, payload.size() / 2};
      const Inflated result = inflated(inflater, cut(payload, cuts));
      ASSERT_EQ(result.violation, Violation::none) << bytes;
      ASSERT_TRUE(result.text == message) << bytes;
      all.push_back(payload);
      expected += message;
    }
  }
  EXPECT_EQ(deflater.memory_bytes() != 0, settings.keeps_context);
  EXPECT_EQ(inflater.memory_bytes() != 0, settings.keeps_context);
  ASSERT_TRUE(plainly_inflated(all, settings.window_bits) == expected);
}

// Every window, takeover, level and size class, whole and in pieces; a plain zlib reads it, too.
TEST(Deflate, round_trips) {
  with_each([](DeflateEngines& engines) {
    for (std::uint8_t window_bits = 8; window_bits <= 15; ++window_bits) {
      for (const bool keeps_context : {false, true}) {
        for (const int level : {0, 1, 3, 6, 9}) {
          SCOPED_TRACE(std::to_string(window_bits) + " " + std::to_string(level));
          expect_round_trips(engines, {window_bits, keeps_context, static_cast<std::uint8_t>(level)});
        }
      }
    }
  });
}

TEST(Deflate, every_split_point) {
  with_each([](DeflateEngines& engines) {
    for (const int kind : {0, 1, 2}) {
      const std::string message = sample(300, kind);
      Deflater deflater({}, engines);
      std::string again = "x" + message;
      const std::string first = compressed(deflater, message);
      const std::string second = compressed(deflater, again);
      cut_every_way(second, [&](const std::vector<std::string>& pieces) {
        Inflater inflater({}, engines);
        EXPECT_EQ(inflated(inflater, {first}).text, message);
        EXPECT_EQ(inflated(inflater, pieces).text, again);
      });
      cut_every_way(message, [&](const std::vector<std::string>& pieces) {
        Deflater other({}, engines);
        Inflater inflater({}, engines);
        EXPECT_EQ(inflated(inflater, {compressed(other, pieces)}).text, message);
        EXPECT_EQ(inflated(inflater, {compressed(other, pieces)}).text, message);
      });
    }
  });
}

// Messages of many connections in between each other, some of them half way.
TEST(Deflate, engines_are_shared) {
  with_each([](DeflateEngines& engines) {
    std::vector<std::unique_ptr<Deflater>> deflaters;
    std::vector<std::unique_ptr<Inflater>> inflaters;
    std::vector<TestOutput> outputs(6);
    for (std::uint8_t i = 0; i < 6; ++i) {
      const DeflateSettings settings{static_cast<std::uint8_t>(9 + i), true, static_cast<std::uint8_t>(1 + i)};
      deflaters.push_back(std::make_unique<Deflater>(settings, engines));
      inflaters.push_back(std::make_unique<Inflater>(settings, engines));
    }
    for (std::size_t round = 0; round < 20; ++round) {
      std::vector<std::string> payloads;
      std::vector<std::string> messages;
      for (std::size_t i = 0; i < 6; ++i) {
        messages.push_back(sample(100 + 517 * i + 31 * round, 1));
        payloads.push_back(compressed(*deflaters[i], messages[i]));
      }
      for (std::size_t half : {0u, 1u}) {
        for (std::size_t i = 0; i < 6; ++i) {
          const std::vector<std::string> halves = cut(payloads[i], {payloads[i].size() / 2});
          Bytes piece = as_bytes(halves[half]);
          EXPECT_EQ(inflaters[i]->inflate(piece, half == 1, outputs[i], SIZE_MAX), Violation::none);
        }
      }
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(outputs[i].text(), messages[i]);
        outputs[i].clear();
      }
    }
  });
}

TEST(Deflate, a_piece_can_be_read_at_once) {
  Deflater deflater({}, test_engines());
  Inflater inflater({}, test_engines());
  TestOutput out;
  TestOutput read;
  std::string expected;
  for (const char* piece : {"Hel", "", "lo", " and more of it"}) {
    expected += piece;
    ASSERT_EQ(deflater.compress(as_bytes(piece), Flush::piece, out), Made::bytes);
    Bytes bytes(out.data, out.size);
    EXPECT_EQ(inflater.inflate(bytes, false, read, 1000), Violation::none);
    EXPECT_EQ(read.text(), expected);
    out.clear();
  }
  ASSERT_EQ(deflater.compress({}, Flush::message, out), Made::bytes);
  EXPECT_EQ(out.text(), unhex("00"));
}

TEST(Deflate, what_was_not_sent_is_not_referred_to) {
  Deflater deflater({}, test_engines());
  Inflater inflater({}, test_engines());
  EXPECT_EQ(inflated(inflater, {compressed(deflater, sample(500, 1))}).text, sample(500, 1));
  compressed(deflater, "a message that stays here");
  deflater.forget();
  EXPECT_EQ(inflated(inflater, {compressed(deflater, "a message that stays here")}).text, "a message that stays here");
}

// What deflates to little: the limit holds, to the byte, and the memory asked for with it.
TEST(Deflate, bombs) {
  Deflater deflater({.level = 9}, test_engines());
  const std::string bomb = compressed(deflater, std::string(20'000'000, 'a'));
  EXPECT_LT(bomb.size(), 20'000u);
  for (const std::size_t limit : {0u, 1u, 1000u, 65535u, 1u << 20}) {
    Inflater inflater({}, test_engines());
    const Inflated result = inflated(inflater, {bomb}, limit);
    EXPECT_EQ(result.violation, Violation::message_too_large);
    EXPECT_EQ(result.text.size(), limit + 1);
    Inflater bytewise({}, test_engines());
    EXPECT_EQ(inflated(bytewise, cut(bomb, {1, 2, 3, 4, 5, 6, 7, 8, 9}), limit).violation,
              Violation::message_too_large);
  }
}

TEST(Deflate, as_large_as_allowed) {
  const std::string message = sample(1000, 1);
  Deflater deflater({.keeps_context = false}, test_engines());
  const std::string payload = compressed(deflater, message);
  Inflater inflater({.keeps_context = false}, test_engines());
  EXPECT_EQ(inflated(inflater, {payload}, 1000).text, message);
  EXPECT_EQ(inflated(inflater, {payload}, 1000).violation, Violation::none);
  EXPECT_EQ(inflated(inflater, {payload}, 999).violation, Violation::message_too_large);
  Inflater empty({}, test_engines());
  EXPECT_EQ(inflated(empty, {unhex("00")}, 0).violation, Violation::none);
}

// No call takes or makes more than a slice, and what comes of them all is the same.
TEST(Deflate, in_slices) {
  DeflateEngines by_zlib(std::size_t{1} << 30, {.libdeflate = false});  // which makes a whole message at once
  const std::string message = sample(30'000, 1) + std::string(30'000, 'z');
  const std::string noise = message.substr(0, 3000);
  for (const std::size_t slice : {1u, 7u, 500u, 16'384u, 1u << 20}) {
    Deflater deflater({}, by_zlib);
    Inflater inflater({}, by_zlib);
    for (const std::string& each : {message, noise, std::string("short"), message}) {
      const std::string payload = compressed(deflater, each);
      TestOutput out;
      out.generous = true;
      Bytes left = as_bytes(payload);
      Violation violation = Violation::message_too_large;
      while (violation == Violation::message_too_large) {
        const std::size_t unread = left.size();
        const std::size_t made = out.size;
        violation = inflater.inflate(left, true, out, 100'000, slice);
        EXPECT_LE(unread - left.size(), slice);
        EXPECT_LE(out.size - made, slice + 1);
      }
      EXPECT_EQ(violation, Violation::none);
      EXPECT_TRUE(out.text() == each) << slice;
    }
  }
}

// Who takes the output away as it comes needs no room for the whole message.
TEST(Deflate, goes_on_where_it_was_full) {
  const std::string message = sample(100'000, 1) + std::string(100'000, 'z');
  for (const std::size_t limit : {0u, 1u, 100u, 5000u}) {
    Deflater deflater({}, test_engines());
    const std::string payload = compressed(deflater, message);
    Inflater inflater({}, test_engines());
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
      Inflater inflater({}, test_engines());
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

RC_GTEST_PROP(Deflate, any_bytes_inflate_or_do_not_however_they_are_cut, ()) {
  auto payload = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  if (*rc::gen::arbitrary<bool>()) {  // nearly right
    Deflater deflater({}, test_engines());
    payload = compressed(deflater, sample(*rc::gen::inRange<std::size_t>(1, 2000), 1));
    payload[*rc::gen::inRange<std::size_t>(0, payload.size())] = *rc::gen::arbitrary<char>();
  }
  Inflater whole({}, test_engines());
  const Inflated expected = inflated(whole, {payload}, 5000);
  RC_ASSERT(expected.text.size() <= 5001u);
  std::vector<std::size_t> cuts;
  for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
    cuts.push_back(*rc::gen::inRange<std::size_t>(0, payload.size() + 1));
  }
  std::ranges::sort(cuts);
  Inflater pieces({}, test_engines());
  const Inflated result = inflated(pieces, cut(payload, cuts), 5000);
  RC_ASSERT(result.violation == expected.violation);
  RC_ASSERT(result.violation != Violation::none || result.text == expected.text);
}

}  // namespace
}  // namespace parley::codec
