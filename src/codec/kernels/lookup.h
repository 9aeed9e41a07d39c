// Checking UTF-8 by looking up: J. Keiser and D. Lemire, "Validating UTF-8 in less than one instruction per byte",
// 2021.
//
// Each pair of neighbouring bytes has three half bytes that can tell what is wrong with it: both halves of the first
// and the high half of the second. Each of the tables has, for its half byte, the mistakes that are possible with it; a
// mistake that is possible by all three is one. That two or three bytes back a character of three or four bytes began
// is the one thing that pairs can't tell: there a second continuation (`two_continuations`) is right, and else wrong.
#pragma once

#include <array>
#include <cstdint>

namespace parley::codec::lookup {

enum Mistake : std::uint8_t {
  too_short = 1 << 0,          // a character's first byte, then none that continues it
  too_long = 1 << 1,           // ASCII, then a byte that continues a character
  overlong_3 = 1 << 2,         // E0, then 80 to 9F
  too_large = 1 << 3,          // F4, then 90 to BF; F5 and above, then any of these
  surrogate = 1 << 4,          // ED, then A0 to BF
  overlong_2 = 1 << 5,         // C0 or C1
  too_large_1000 = 1 << 6,     // F5 and above, then 80 to 8F
  overlong_4 = 1 << 6,         // F0, then 80 to 8F
  two_continuations = 1 << 7,  // wrong, unless a longer character asks for it
};

using Table = std::array<std::uint8_t, 16>;

constexpr std::uint8_t any_low_half = too_short | too_long | two_continuations;

alignas(16) constexpr Table first_high{
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,  // 0 to 7: ASCII
    two_continuations,
    two_continuations,
    two_continuations,
    two_continuations,                                    // 8 to B: continues
    too_short | overlong_2,                               // C
    too_short,                                            // D
    too_short | overlong_3 | surrogate,                   // E
    too_short | too_large | too_large_1000 | overlong_4,  // F
};

alignas(16) constexpr Table first_low{
    any_low_half | overlong_3 | overlong_2 | overlong_4,    // C0, E0, F0
    any_low_half | overlong_2,                              // C1
    any_low_half,                                           //
    any_low_half,                                           //
    any_low_half | too_large,                               // F4
    any_low_half | too_large | too_large_1000,              // F5 and above
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000 | surrogate,  // ED
    any_low_half | too_large | too_large_1000,              //
    any_low_half | too_large | too_large_1000,              //
};

alignas(16) constexpr Table second_high{
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,                                                                             // 0 to 7
    too_long | overlong_2 | two_continuations | overlong_3 | too_large_1000 | overlong_4,  // 8
    too_long | overlong_2 | two_continuations | overlong_3 | too_large,                    // 9
    too_long | overlong_2 | two_continuations | surrogate | too_large,                     // A
    too_long | overlong_2 | two_continuations | surrogate | too_large,                     // B
    too_short,
    too_short,
    too_short,
    too_short,  // C to F
};

// Two bytes back: E0 and above begin three bytes or more. Three back: F0 and above begin four. By a subtraction that
// stops at zero the highest bit, which is two_continuations, is set for just these.
constexpr std::uint8_t three_bytes_less_high_bit = 0xE0 - 0x80;
constexpr std::uint8_t four_bytes_less_high_bit = 0xF0 - 0x80;

}  // namespace parley::codec::lookup
