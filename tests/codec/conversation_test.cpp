// The parts of the codec together: every kind of message by either role, after every kind of agreement, cut everywhere.
#include "codec/conversation.h"

#include <gtest/gtest.h>

#include "codec/wire.h"

namespace parley::codec {
namespace {

// Some of it compresses, and it is text.
std::string payload_of(std::size_t bytes) {
  std::string text;
  for (unsigned i = 1; text.size() < bytes; i = i * 1103515245 + 12345) {
    text += i % 3 == 0 ? "\xE2\x82\xAC" : i % 3 == 1 ? "parley " : std::string(1, static_cast<char>('!' + i / 8 % 90));
  }
  text.resize(bytes);
  while (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80) text.back() = '.', text.pop_back();
  text.resize(bytes, '.');
  return text;
}

struct Case {
  Role speaker;
  Opcode opcode;
  std::size_t bytes;
  bool compressed;
  std::vector<std::size_t> cuts;  // into fragments
  std::optional<Said> between;
};

class Conversation : public testing::TestWithParam<std::tuple<Role, const DeflateParameters*>> {};

constexpr DeflateParameters with_context;
constexpr DeflateParameters without_context{.server_no_context_takeover = true, .client_no_context_takeover = true};
constexpr DeflateParameters small{.server_max_window_bits = 9, .client_max_window_bits = 9};
constexpr DeflateParameters smallest{.server_max_window_bits = 8, .client_max_window_bits = 8};
constexpr DeflateParameters one_sided{.server_no_context_takeover = true, .client_max_window_bits = 10};

void expect_heard(const Case& spoken, const std::optional<DeflateParameters>& agreed) {
  const Said message{spoken.opcode, payload_of(spoken.bytes)};
  const Said bye{Opcode::close, std::string("\x03\xE8", 2) + "bye"};
  Speaker speaker(spoken.speaker, agreed);
  std::vector<Said> said;
  std::string wire;
  for (int i = 0; i < 2; ++i) {  // the second may refer to the first
    ASSERT_TRUE(speaker.say(message, spoken.compressed, spoken.cuts, spoken.between, wire));
    if (spoken.between) said.insert(said.end(), spoken.cuts.size(), *spoken.between);
    said.push_back(message);
  }
  speaker.say_control(bye, wire);
  said.push_back(bye);

  bool leave_masked = false;
  const auto check = [&](const std::vector<std::string>& pieces) {
    leave_masked = !leave_masked;
    Listener listener(spoken.speaker == Role::client ? Role::server : Role::client, agreed, leave_masked);
    for (const std::string& piece : pieces) EXPECT_TRUE(listener.hear(piece)) << phrase(listener.violation);
    EXPECT_EQ(listener.heard.size(), said.size());
    EXPECT_TRUE(listener.heard == said);
    EXPECT_FALSE(listener.is_amid());
  };
  if (wire.size() < 500) return cut_every_way(wire, check);
  cut_every_way(wire, check, head_bytes_max + 1);
  for (std::size_t back = 1; back < 10; ++back) check(cut(wire, {wire.size() - back}));
  std::vector<std::size_t> cuts;
  for (std::size_t at = 1000; at < wire.size(); at += 1000 + at % 777) cuts.push_back(at);
  check(cut(wire, cuts));
}

TEST_P(Conversation, EveryKindOfMessageIsHeardAsSaid) {
  const auto [speaker, parameters] = GetParam();
  const Agreed agreed = shake_hands(parameters, parameters);
  ASSERT_TRUE(agreed.accepted);
  ASSERT_EQ(agreed.client, agreed.server);
  ASSERT_EQ(agreed.client.has_value(), parameters != nullptr);

  const std::optional<Said> betweens[] = {{}, Said{Opcode::ping, ""}, Said{Opcode::pong, std::string(125, 'p')}};
  for (const std::size_t bytes : {0UZ, 1UZ, 125UZ, 126UZ, 127UZ, 1000UZ, 65535UZ, 65536UZ}) {
    const std::vector<std::size_t> fragmentations[] = {{}, {bytes / 2}, {0, bytes / 3, bytes / 3, bytes}};
    for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
      for (const bool compressed : {false, true}) {
        if (compressed && !parameters) continue;
        for (const auto& cuts : fragmentations) {
          for (const auto& between : betweens) {
            if (between && cuts.empty()) continue;
            expect_heard({speaker, opcode, bytes, compressed, cuts, between}, agreed.client);
            if (HasFailure()) FAIL() << bytes << " bytes, compressed " << compressed << ", cuts " << cuts.size();
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Agreements, Conversation,
                         testing::Combine(testing::Values(Role::client, Role::server),
                                          testing::Values(nullptr, &with_context, &without_context, &small, &smallest,
                                                          &one_sided)));

// RFC 7692, 6: with the extension agreed, each message is compressed or not by itself.
TEST(ConversationOf, CompressedAndPlainMessagesInTurn) {
  const Agreed agreed = shake_hands(&with_context, &with_context);
  Speaker speaker(Role::client, agreed.client);
  Listener listener(Role::server, agreed.server);
  std::string wire;
  std::vector<Said> said;
  for (int i = 0; i < 20; ++i) {
    said.push_back({i % 3 == 0 ? Opcode::binary : Opcode::text, payload_of(static_cast<std::size_t>(i * 50))});
    ASSERT_TRUE(speaker.say(said.back(), i % 2 == 0, {}, {}, wire));
  }
  EXPECT_TRUE(listener.hear(wire));
  EXPECT_TRUE(listener.heard == said);
}

TEST(ConversationOf, TextThatIsNoneEndsItAtItsFirstWrongByte) {
  for (const bool compressed : {false, true}) {
    const Agreed agreed = shake_hands(&with_context, &with_context);
    Speaker speaker(Role::server, agreed.server);
    std::string wire;
    const std::size_t cuts[] = {5};
    ASSERT_TRUE(speaker.say({Opcode::text,
                             "four\xFF"
                             "more"},
                            compressed, cuts, {}, wire));
    Listener listener(Role::client, agreed.client);
    EXPECT_FALSE(listener.hear(wire));
    EXPECT_EQ(listener.violation, Violation::not_utf8);
    EXPECT_TRUE(listener.heard.empty());
  }
}

}  // namespace
}  // namespace parley::codec
