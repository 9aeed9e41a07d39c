#include "codec/extension.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace parley::codec {
namespace {

using Outcome = DeflateAgreement::Outcome;

std::string printed(std::string_view value) {
  std::string text;
  ExtensionReader reader(value);
  for (;;) {
    switch (reader.next()) {
      case ExtensionReader::Step::end: return text;
      case ExtensionReader::Step::malformed: return text + "!";
      case ExtensionReader::Step::extension: text += "[" + std::string(reader.name()) + "]"; break;
      case ExtensionReader::Step::parameter:
        text += "<" + std::string(reader.name());
        if (reader.has_value()) text += (reader.is_quoted() ? "~" : "=") + std::string(reader.raw_value());
        text += ">";
        break;
    }
  }
}

TEST(Extension, the_grammar) {
  EXPECT_EQ(printed(""), "");
  EXPECT_EQ(printed("foo"), "[foo]");
  EXPECT_EQ(printed("foo, bar; baz=2"), "[foo][bar]<baz=2>");  // RFC 6455, 9.1
  EXPECT_EQ(printed("mux; max-channels=4; flow-control, deflate-stream"),
            "[mux]<max-channels=4><flow-control>[deflate-stream]");
  EXPECT_EQ(printed("a;b=\"c\";d , e"), "[a]<b~c><d>[e]");
  EXPECT_EQ(printed("a ; b = \"1\\0\" ,,, c\t"), "[a]<b~1\\0>[c]");
  EXPECT_EQ(printed(" ,\t, a"), "[a]");
  EXPECT_EQ(printed("\ta"), "[a]");
}

TEST(Extension, what_is_against_the_grammar) {
  EXPECT_EQ(printed("a b"), "[a]!");
  EXPECT_EQ(printed("a=1"), "[a]!");
  EXPECT_EQ(printed("a;"), "[a]!");
  EXPECT_EQ(printed("a;;b"), "[a]!");
  EXPECT_EQ(printed(";a"), "!");
  EXPECT_EQ(printed("=a"), "!");
  EXPECT_EQ(printed("a;b="), "[a]!");
  EXPECT_EQ(printed("a;b=,c"), "[a]!");
  EXPECT_EQ(printed("a;b==c"), "[a]!");
  EXPECT_EQ(printed("a;=c"), "[a]!");
  EXPECT_EQ(printed("a;b=\""), "[a]!");
  EXPECT_EQ(printed("a;b=\"\""), "[a]!");
  EXPECT_EQ(printed("a;b=\"c"), "[a]!");
  EXPECT_EQ(printed("a;b=\"c\\"), "[a]!");
  EXPECT_EQ(printed("a;b=\"c\\\""), "[a]!");
  EXPECT_EQ(printed("a;b=\"c d\""), "[a]!");
  EXPECT_EQ(printed("a;b=\"c\"d"), "[a]<b~c>!");
  EXPECT_EQ(printed("a;b=\"c,d\""), "[a]!");
  EXPECT_EQ(printed("\"a\""), "!");
  EXPECT_EQ(printed("\xC3\xA4"), "!");
}

struct Row {
  const char* offer;
  const char* answer;  // "none", "malformed", or the header
};

std::string answered(std::string_view offer, const DeflateParameters& wishes = {}) {
  const std::vector<std::string_view> offers{offer};
  const DeflateAgreement agreement = answer_deflate_offers(offers, wishes);
  EXPECT_EQ(agreement.header.empty(), agreement.outcome != Outcome::agreed);
  EXPECT_NE(agreement.outcome, Outcome::refused);
  if (agreement.outcome == Outcome::malformed) return "malformed";
  return agreement.outcome == Outcome::none ? "none" : agreement.header;
}

TEST(Extension, a_server_without_wishes) {
  const std::vector<Row> rows{
      {"", "none"},
      {"permessage-deflate", "permessage-deflate"},
      // RFC 7692, 7.1.3
      {"permessage-deflate; client_max_window_bits; server_max_window_bits=10",
       "permessage-deflate; server_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits; server_max_window_bits=10, "
       "permessage-deflate; client_max_window_bits",
       "permessage-deflate; server_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
      {"permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"},
      {"permessage-deflate; client_max_window_bits=\"9\"", "permessage-deflate; client_max_window_bits=9"},
      {"permessage-deflate; client_max_window_bits=\"1\\0\"", "permessage-deflate; client_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits=15", "permessage-deflate"},
      {"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"},
      {"permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"},
      {"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
      {"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
      // The first that is good wins.
      {"permessage-bzip2, x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"},
      {"permessage-deflate; x, permessage-deflate; server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover"},
      // Declined: unknown, with a wrong value, or there twice.
      {"permessage-deflate; x", "none"},
      {"permessage-deflate; x; server_no_context_takeover; client_max_window_bits", "none"},
      {"permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER", "none"},
      {"Permessage-Deflate", "none"},
      {"permessage-deflate; server_no_context_takeover=1", "none"},
      {"permessage-deflate; client_no_context_takeover=true", "none"},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", "none"},
      {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", "none"},
      {"permessage-deflate; server_max_window_bits", "none"},
      {"permessage-deflate; server_max_window_bits=7", "none"},
      {"permessage-deflate; server_max_window_bits=16", "none"},
      {"permessage-deflate; server_max_window_bits=08", "none"},
      {"permessage-deflate; server_max_window_bits=0", "none"},
      {"permessage-deflate; server_max_window_bits=100", "none"},
      {"permessage-deflate; server_max_window_bits=4294967306", "none"},
      {"permessage-deflate; server_max_window_bits=1x", "none"},
      {"permessage-deflate; server_max_window_bits=-9", "none"},
      {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", "none"},
      {"permessage-deflate; client_max_window_bits=7", "none"},
      {"permessage-deflate; client_max_window_bits; client_max_window_bits", "none"},
      {"permessage-deflate;", "malformed"},
      {"permessage-deflate, x y", "malformed"},
  };
  for (const Row& row : rows) EXPECT_EQ(answered(row.offer), row.answer) << row.offer;
}

TEST(Extension, a_server_with_wishes) {
  const DeflateParameters wishes{.server_no_context_takeover = true,
                                 .client_no_context_takeover = true,
                                 .server_max_window_bits = 12,
                                 .client_max_window_bits = 11};
  const std::string own = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  EXPECT_EQ(answered("permessage-deflate", wishes), own + "; server_max_window_bits=12");
  EXPECT_EQ(answered("permessage-deflate; server_max_window_bits=15", wishes), own + "; server_max_window_bits=12");
  EXPECT_EQ(answered("permessage-deflate; server_max_window_bits=9", wishes), own + "; server_max_window_bits=9");
  EXPECT_EQ(answered("permessage-deflate; client_max_window_bits", wishes),
            own + "; server_max_window_bits=12; client_max_window_bits=11");
  EXPECT_EQ(answered("permessage-deflate; client_max_window_bits=10", wishes),
            own + "; server_max_window_bits=12; client_max_window_bits=10");
}

TEST(Extension, several_header_lines_are_one_list) {
  const std::vector<std::string_view> lines{"foo", "permessage-deflate; x", "permessage-deflate", "bar; baz=2"};
  EXPECT_EQ(answer_deflate_offers(lines, {}).header, "permessage-deflate");
  EXPECT_EQ(answer_deflate_offers({}, {}).outcome, Outcome::none);
}

std::optional<DeflateParameters> accepted(std::string_view response, const DeflateParameters& wishes = {}) {
  const std::vector<std::string_view> lines{response};
  const DeflateAgreement agreement = check_deflate_response(lines, &wishes);
  EXPECT_NE(agreement.outcome, Outcome::none);
  if (agreement.outcome != Outcome::agreed) return std::nullopt;
  return agreement.parameters;
}

TEST(Extension, a_client_accepts) {
  EXPECT_EQ(accepted("permessage-deflate"), DeflateParameters{});
  EXPECT_EQ(accepted("permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
                     "server_max_window_bits=8; client_max_window_bits=\"9\""),
            (DeflateParameters{.server_no_context_takeover = true,
                               .client_no_context_takeover = true,
                               .server_max_window_bits = 8,
                               .client_max_window_bits = 9}));
  // Its own hints hold though the server didn't take them up.
  EXPECT_EQ(accepted("permessage-deflate", {.client_no_context_takeover = true, .client_max_window_bits = 10}),
            (DeflateParameters{.client_no_context_takeover = true, .client_max_window_bits = 10}));
  EXPECT_EQ(accepted("permessage-deflate; server_max_window_bits=9", {.server_max_window_bits = 10}),
            (DeflateParameters{.server_max_window_bits = 9}));
}

TEST(Extension, a_client_refuses) {
  for (const char* response :
       {"permessage-bzip2", "permessage-deflate, permessage-deflate", "permessage-deflate, foo",
        "foo, permessage-deflate", "permessage-deflate; x", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate;"}) {
    EXPECT_FALSE(accepted(response)) << response;
  }
  // What it demanded and didn't get.
  EXPECT_FALSE(accepted("permessage-deflate", {.server_no_context_takeover = true}));
  EXPECT_FALSE(accepted("permessage-deflate", {.server_max_window_bits = 10}));
  EXPECT_FALSE(accepted("permessage-deflate; server_max_window_bits=11", {.server_max_window_bits = 10}));
}

// A bug: a server that answers a hint with its own limit, which is larger (python3-autobahn does), was refused.
TEST(Extension, a_hint_that_the_server_ignores_still_holds) {
  EXPECT_EQ(accepted("permessage-deflate; client_max_window_bits=15", {.client_max_window_bits = 12}),
            (DeflateParameters{.client_max_window_bits = 12}));
  EXPECT_FALSE(accepted("permessage-deflate; client_max_window_bits=16", {.client_max_window_bits = 12}));
}

TEST(Extension, offers) {
  EXPECT_EQ(write_deflate_offer({}), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(write_deflate_offer({.server_no_context_takeover = true, .server_max_window_bits = 8}),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits");
  EXPECT_EQ(write_deflate_offer({.client_no_context_takeover = true, .client_max_window_bits = 14}),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=14");
}

TEST(Extension, parameters_compare) {
  const DeflateParameters plain;
  EXPECT_NE(plain, (DeflateParameters{.server_no_context_takeover = true}));
  EXPECT_NE(plain, (DeflateParameters{.client_no_context_takeover = true}));
  EXPECT_NE(plain, (DeflateParameters{.server_max_window_bits = 14}));
  EXPECT_NE(plain, (DeflateParameters{.client_max_window_bits = 14}));
}

TEST(Extension, a_client_that_offered_nothing) {
  const std::vector<std::string_view> lines{"permessage-deflate"};
  EXPECT_EQ(check_deflate_response(lines, nullptr).outcome, Outcome::refused);
  EXPECT_EQ(check_deflate_response({}, nullptr).outcome, Outcome::none);
}

DeflateParameters any_parameters() {
  const auto bits = rc::gen::inRange<int>(DeflateParameters::window_bits_min, DeflateParameters::window_bits_max + 1);
  DeflateParameters parameters;
  parameters.server_no_context_takeover = *rc::gen::arbitrary<bool>();
  parameters.client_no_context_takeover = *rc::gen::arbitrary<bool>();
  parameters.server_max_window_bits = static_cast<std::uint8_t>(*bits);
  parameters.client_max_window_bits = static_cast<std::uint8_t>(*bits);
  return parameters;
}

RC_GTEST_PROP(Extension, both_sides_agree_on_the_same_and_within_both_wishes, ()) {
  const DeflateParameters client = any_parameters();
  const DeflateParameters server = any_parameters();
  const std::string offer = write_deflate_offer(client);
  const std::vector<std::string_view> offers{offer};
  const DeflateAgreement there = answer_deflate_offers(offers, server);
  RC_ASSERT(there.outcome == Outcome::agreed);
  const std::vector<std::string_view> lines{there.header};
  const DeflateAgreement here = check_deflate_response(lines, &client);
  RC_ASSERT(here.outcome == Outcome::agreed);
  RC_ASSERT(here.parameters == there.parameters);
  const DeflateParameters& agreed = here.parameters;
  RC_ASSERT(agreed.server_no_context_takeover ==
            (client.server_no_context_takeover || server.server_no_context_takeover));
  RC_ASSERT(agreed.client_no_context_takeover ==
            (client.client_no_context_takeover || server.client_no_context_takeover));
  RC_ASSERT(agreed.server_max_window_bits == std::min(client.server_max_window_bits, server.server_max_window_bits));
  RC_ASSERT(agreed.client_max_window_bits == std::min(client.client_max_window_bits, server.client_max_window_bits));
}

RC_GTEST_PROP(Extension, no_text_confuses_the_reader, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab=;,\"\\ \t1")));
  const std::string shown = printed(text);
  RC_ASSERT(shown.size() <= 4 * text.size() + 1);
}

}  // namespace
}  // namespace parley::codec
