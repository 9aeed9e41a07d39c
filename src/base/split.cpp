#include "base/split.h"

#include <algorithm>

namespace parley {

std::vector<std::string> split_list(std::string_view list) {
  constexpr std::string_view blanks = " \t";
  std::vector<std::string> elements;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const std::size_t begin = element.find_first_not_of(blanks);
    if (begin != element.npos)
      elements.emplace_back(element.substr(begin, element.find_last_not_of(blanks) + 1 - begin));
  }
  return elements;
}

}  // namespace parley
