// Bytes in hexadecimal, as people type and read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace parley::cli {

// "00 ff 41"
std::string to_hex(std::string_view bytes);

// Two digits a byte, in either case, with or without blanks between bytes; nothing if it is something else.
std::optional<std::string> from_hex(std::string_view text);

}  // namespace parley::cli
