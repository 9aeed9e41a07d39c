#include "codec/field.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace parley::codec {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hexadecimal(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// "reg-name = *( unreserved / pct-encoded / sub-delims )" (RFC 3986, 3.2.2)
bool is_registered_name(std::string_view host) noexcept {
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == '%') {
      if (host.size() - i < 3 || !is_hexadecimal(host[i + 1]) || !is_hexadecimal(host[i + 2])) return false;
      i += 2;
    } else if (!is_letter(host[i]) && !is_digit(host[i]) && !std::string_view("-._~!$&'()*+,;=").contains(host[i])) {
      return false;
    }
  }
  return true;
}

// "IP-literal = "[" ( IPv6address / IPvFuture ) "]"" (RFC 3986, 3.2.2). Nothing is looked up or connected to by this
// text, so the characters and the two colons that every IPv6 address has will do.
bool is_literal(std::string_view host) noexcept {
  const std::string_view inside = host.substr(1, host.size() - 2);
  return std::ranges::count(inside, ':') >= 2 &&
         std::ranges::all_of(inside, [](char c) { return is_hexadecimal(c) || c == ':' || c == '.'; });
}

// One comparison a character: each byte of each head is looked up.
constexpr auto token_characters = [] {
  // "tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA"
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    table[i] = is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  }
  return table;
}();

}  // namespace

bool is_token_character(char c) noexcept { return token_characters[static_cast<unsigned char>(c)]; }

bool is_token(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_token_character); }

bool is_field_value(std::string_view text) noexcept {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F'; };
  return trim(text).size() == text.size() && std::ranges::none_of(text, is_control);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool parse_authority(std::string_view text, Authority& authority) noexcept {
  const bool literal = text.starts_with('[');
  const std::size_t host_end = literal ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  if (literal && host_end == 0) return false;
  authority.host = text.substr(0, host_end);
  if (literal ? !is_literal(authority.host) : !is_registered_name(authority.host)) return false;

  authority.port = text.substr(host_end);
  if (authority.port.empty()) return true;
  if (authority.port.front() != ':') return false;
  authority.port.remove_prefix(1);
  // "port = *DIGIT" (RFC 3986, 3.2.3): it may be empty.
  return authority.port.empty() || parse_number<std::uint16_t>(authority.port).has_value();
}

bool ListReader::next(std::string_view& element) noexcept {
  while (!rest_.empty()) {
    std::size_t end = 0;
    for (bool quoted = false; end < rest_.size() && (quoted || rest_[end] != ','); ++end) {
      if (rest_[end] == '"') quoted = !quoted;
      if (quoted && rest_[end] == '\\') ++end;
    }
    end = std::min(end, rest_.size());
    element = trim(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    // "A recipient MUST parse and ignore a reasonable number of empty list elements" (RFC 9110, 5.6.1.2)
    if (!element.empty()) return true;
  }
  return false;
}

}  // namespace parley::codec
