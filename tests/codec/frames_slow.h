// Frames by the letter of RFC 6455, 5: slow and obvious, to compare with.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "codec/frame.h"

namespace parley::codec {

struct Frame {
  std::uint8_t bits = 0;
  std::uint64_t size = 0;
  std::string payload;  // as much of it as was there
  friend bool operator==(const Frame&, const Frame&) = default;
};

// Everything that is wrong with the whole head at the front of `bytes`, by the letter of RFC 6455, 5.
inline std::set<Violation> slow_violations(std::string_view bytes, Role role, bool rsv1_allowed) {
  std::set<Violation> found;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  const int opcode = first % 16;
  const bool is_control = opcode >= 8;
  if ((first & 0x40) != 0 && (!rsv1_allowed || is_control)) found.insert(Violation::reserved_bits);
  if ((first & 0x20) != 0 || (first & 0x10) != 0) found.insert(Violation::reserved_bits);
  if (!std::set{0, 1, 2, 8, 9, 10}.contains(opcode)) found.insert(Violation::reserved_opcode);
  if (role == Role::server && second < 128) found.insert(Violation::not_masked);
  if (role == Role::client && second >= 128) found.insert(Violation::masked);
  if (is_control && first < 128) found.insert(Violation::control_fragmented);
  if (is_control && second % 128 > 125) found.insert(Violation::control_too_long);
  if (second % 128 == 126) {
    if (bytes[2] == 0 && static_cast<std::uint8_t>(bytes[3]) < 126) found.insert(Violation::length_not_minimal);
  }
  if (second % 128 == 127) {
    if (static_cast<std::uint8_t>(bytes[2]) >= 128) found.insert(Violation::length_high_bit);
    if (bytes.substr(2, 6) == std::string(6, '\0')) found.insert(Violation::length_not_minimal);
  }
  return found;
}

struct SlowHead {
  Frame frame;
  std::size_t bytes = 0;
  std::string key;
};

// The head at the front of `bytes` if it is whole, without judging it.
inline std::optional<SlowHead> slow_head(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  SlowHead head;
  head.frame.bits = static_cast<std::uint8_t>(bytes[0]);
  const int second = static_cast<std::uint8_t>(bytes[1]);
  head.frame.size = static_cast<std::uint64_t>(second % 128);
  head.bytes = 2;
  std::size_t extended = 0;
  if (second % 128 == 126) extended = 2;
  if (second % 128 == 127) extended = 8;
  const std::size_t key = second >= 128 ? 4 : 0;
  if (bytes.size() < 2 + extended + key) return std::nullopt;
  if (extended > 0) head.frame.size = 0;
  for (std::size_t i = 0; i < extended; ++i) {
    head.frame.size = head.frame.size * 256 + static_cast<std::uint8_t>(bytes[2 + i]);
  }
  head.key = bytes.substr(2 + extended, key);
  head.bytes = 2 + extended + key;
  return head;
}

inline std::string slow_mask(std::string text, std::string_view key) {
  for (std::size_t i = 0; i < text.size() && !key.empty(); ++i) text[i] = static_cast<char>(text[i] ^ key[i % 4]);
  return text;
}

// A frame with its lengths as short as they can be; `key` is four bytes, or none.
inline std::string slow_frame(std::uint8_t bits, std::string_view payload, std::string_view key) {
  std::string frame(1, static_cast<char>(bits));
  const auto mask_bit = key.empty() ? 0u : 128u;
  const std::size_t size = payload.size();
  int extended = 0;
  if (size > 125) extended = 2;
  if (size > 65535) extended = 8;
  frame += static_cast<char>(mask_bit + (extended == 0 ? size : extended == 2 ? 126 : 127));
  for (int i = extended - 1; i >= 0; --i) frame += static_cast<char>(std::uint64_t{size} >> (8 * i) & 255);
  return frame + std::string(key) + slow_mask(std::string(payload), key);
}

}  // namespace parley::codec
