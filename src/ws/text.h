// Lists and header lines, as the public options write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/handshake.h"

namespace parley::ws {

// "a, b": the elements, without blanks around them.
std::vector<std::string> split_list(std::string_view list);

// "Name: value", a line each. A line without a colon is a header without a value, which the handshake refuses.
std::vector<codec::HeaderText> split_headers(std::string_view lines);

}  // namespace parley::ws
