// The client's codec against the server's: what one of them says is what the other hears, whatever both had agreed on,
// however it was split into fragments and cut on its way. The input says who says what; UTF-8 is told from what is none
// by the slow reference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/conversation.h"
#include "codec/utf8_slow.h"

namespace parley::codec {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// What is left of the input, as choices; zeros when it is used up.
class Script {
 public:
  explicit Script(std::string_view rest) : rest_(rest) {}
  bool is_over() const { return rest_.empty(); }
  std::size_t choose() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view bytes(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

DeflateParameters choose_parameters(Script& script) {
  const std::size_t flags = script.choose();
  const std::size_t bits = script.choose();
  return {.server_no_context_takeover = (flags & 1) != 0,
          .client_no_context_takeover = (flags & 2) != 0,
          .server_max_window_bits = static_cast<std::uint8_t>(8 + bits % 8),
          .client_max_window_bits = static_cast<std::uint8_t>(8 + bits / 8 % 8)};
}

// A few bytes of the input, many times over if it says so.
Said choose_message(Script& script, std::size_t flags) {
  const std::string_view pattern = script.bytes(script.choose());
  Said message{flags & 1 ? Opcode::text : Opcode::binary, std::string(pattern)};
  for (std::size_t times = flags & 2 ? script.choose() * 4 : 0; times > 0; --times) message.payload += pattern;
  return message;
}

std::vector<std::size_t> choose_cuts(Script& script, std::size_t count, std::size_t size) {
  std::vector<std::size_t> cuts;
  for (; count > 0; --count) cuts.push_back(size * script.choose() / 255);
  std::ranges::sort(cuts);
  return cuts;
}

// The peer hears it in pieces. False: and that was the end of it.
bool send(std::string_view wire, std::size_t step, Listener& listener) {
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    if (!listener.hear(wire.substr(0, step))) return false;
  }
  return true;
}

void converse(Script script) {
  const std::size_t first = script.choose();
  const DeflateParameters of_client = choose_parameters(script);
  const DeflateParameters of_server = choose_parameters(script);
  const Agreed agreed = shake_hands(first & 1 ? &of_client : nullptr, first & 2 ? &of_server : nullptr);
  require(agreed.accepted && agreed.client == agreed.server);
  require(agreed.client.has_value() <= ((first & 3) == 3));

  Speaker speakers[] = {Speaker(Role::client, agreed.client), Speaker(Role::server, agreed.server)};
  Listener listeners[] = {Listener(Role::server, agreed.server, first & 4),
                          Listener(Role::client, agreed.client, first & 8)};
  std::vector<Said> said[2];
  const std::size_t step = first / 16 + 1;
  while (!script.is_over()) {
    const std::size_t flags = script.choose();
    const std::size_t who = flags >> 7;
    const Said message = choose_message(script, flags);
    const std::vector<std::size_t> cuts = choose_cuts(script, flags / 8 % 4, message.payload.size());
    std::optional<Said> between;
    if (flags & 32) between = Said{flags & 64 ? Opcode::ping : Opcode::pong, std::string(script.bytes(cuts.size()))};

    std::string wire;
    require(speakers[who].say(message, flags & 4, cuts, between, wire));
    const bool heard = send(wire, step, listeners[who]);
    if (message.opcode == Opcode::text && slow_utf8(message.payload) != SlowUtf8::valid) {
      require(!heard && listeners[who].violation == Violation::not_utf8);
      return;
    }
    require(heard && !listeners[who].is_amid());
    if (between) said[who].insert(said[who].end(), cuts.size(), *between);
    said[who].push_back(message);
    require(listeners[who].heard == said[who]);
  }
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2000) return 0;  // as many words as anyone needs
  parley::codec::converse(parley::codec::Script({reinterpret_cast<const char*>(data), size}));
  return 0;
}
