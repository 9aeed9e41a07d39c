#include "ws/text.h"

#include <algorithm>
#include <string>

#include "codec/field.h"

namespace parley::ws {

std::vector<codec::HeaderText> split_headers(std::string_view lines) {
  std::vector<codec::HeaderText> headers;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    headers.push_back({std::string(line.substr(0, colon)), std::string(codec::trim(value))});
  }
  return headers;
}

}  // namespace parley::ws
