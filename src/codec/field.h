// What header fields are made of (RFC 9110, 5.6): tokens, lists, and what may stand in a value.
#pragma once

#include <cstddef>
#include <string_view>

namespace parley::codec {

bool is_token_character(char c) noexcept;
// "token = 1*tchar" (5.6.2)
bool is_token(std::string_view text) noexcept;

// May this stand behind "Name: " as it is? No control but HTAB, no blank at either end. The empty text may.
bool is_field_value(std::string_view text) noexcept;

// Letters of ASCII have no case, all else has.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Without the blanks (SP, HTAB) at both ends.
std::string_view trim(std::string_view text) noexcept;

// uri-host [ ":" port ] (RFC 9110, 7.2), of which `host` may be empty. An IPv6 address stands in brackets.
struct Authority {
  std::string_view host;  // with the brackets
  std::string_view port;  // without the colon; empty if there is none
};
bool parse_authority(std::string_view text, Authority& authority) noexcept;

// "#element => [ element ] *( OWS "," OWS [ element ] )" (5.6.1.2): takes a list apart. Commas inside of quoted strings
// don't count, and empty elements are passed over.
class ListReader {
 public:
  explicit ListReader(std::string_view list) noexcept : rest_(list) {}
  bool next(std::string_view& element) noexcept;  // false: there are no more

 private:
  std::string_view rest_;
};

}  // namespace parley::codec
