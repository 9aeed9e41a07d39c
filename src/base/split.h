// Lists as the public options write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley {

// "a, b": the elements, without blanks around them; empty ones count for nothing.
std::vector<std::string> split_list(std::string_view list);

}  // namespace parley
