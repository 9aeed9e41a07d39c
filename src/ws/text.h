// Header lines, as the public options write them.
#pragma once

#include <string_view>
#include <vector>

#include "codec/handshake.h"

namespace parley::ws {

// "Name: value", a line each. A line without a colon is a header without a value, which the handshake refuses.
std::vector<codec::HeaderText> split_headers(std::string_view lines);

}  // namespace parley::ws
