#include "codec/kernels/utf8_states.h"

#include <cstddef>
#include <cstring>

namespace parley::codec {
namespace {

using State = Utf8State;

State next(State state, std::uint8_t byte) noexcept {
  const auto within = [byte](std::uint8_t low, std::uint8_t high, State then) {
    return byte >= low && byte <= high ? then : State::invalid;
  };
  switch (state) {
    case State::start:
      if (byte < 0x80) return State::start;
      if (byte < 0xC2) return State::invalid;
      if (byte < 0xE0) return State::last;
      if (byte == 0xE0) return State::after_e0;
      if (byte == 0xED) return State::after_ed;
      if (byte < 0xF0) return State::two;
      if (byte == 0xF0) return State::after_f0;
      if (byte < 0xF4) return State::three;
      return byte == 0xF4 ? State::after_f4 : State::invalid;
    case State::last: return within(0x80, 0xBF, State::start);
    case State::two: return within(0x80, 0xBF, State::last);
    case State::three: return within(0x80, 0xBF, State::two);
    case State::after_e0: return within(0xA0, 0xBF, State::last);
    case State::after_ed: return within(0x80, 0x9F, State::last);
    case State::after_f0: return within(0x90, 0xBF, State::two);
    case State::after_f4: return within(0x80, 0x8F, State::two);
    default: return State::invalid;  // it stays so
  }
}

}  // namespace

[[gnu::hot]] bool pass_through(Utf8State& state, Bytes bytes) noexcept {
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at != end) {
    if (state == State::start) {
      constexpr std::uint64_t high_bits = 0x8080808080808080;
      std::uint64_t word = 0;
      while (end - at >= static_cast<std::ptrdiff_t>(sizeof word)) {
        std::memcpy(&word, at, sizeof word);
        if (word & high_bits) break;
        at += sizeof word;
      }
      if (at == end) return true;
    }
    state = next(state, *at++);
    if (state == State::invalid) return false;
  }
  return state != State::invalid;
}

}  // namespace parley::codec
