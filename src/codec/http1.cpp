#include "codec/http1.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace parley::codec {
namespace {

struct Row {
  HeadFault fault;
  std::uint16_t status;
  std::string_view phrase;
};

constexpr std::array rows{
    Row{HeadFault::none, 200, "nothing wrong"},
    Row{HeadFault::line_end, 400, "a line that does not end in CR LF"},
    Row{HeadFault::control, 400, "a control character"},
    Row{HeadFault::request_line, 400, "a request line that is not method, target and version"},
    Row{HeadFault::version_syntax, 400, "a version that is none of HTTP"},
    Row{HeadFault::version, 505, "a version of HTTP other than 1.1"},
    Row{HeadFault::method, 501, "an unknown method"},
    Row{HeadFault::target, 400, "a target that is no path or URL"},
    Row{HeadFault::target_too_long, 414, "a request line that is too long"},
    Row{HeadFault::status_line, 400, "a status line that is not version, status and reason"},
    Row{HeadFault::too_large, 431, "a head that is too large"},
    Row{HeadFault::too_many, 431, "too many headers"},
    Row{HeadFault::folded, 400, "a header line that begins with a blank"},
    Row{HeadFault::header_name, 400, "a header without a proper name"},
    Row{HeadFault::space_before_colon, 400, "a blank between a header's name and the colon"},
    Row{HeadFault::host_missing, 400, "a request without a Host header"},
    Row{HeadFault::host_repeated, 400, "more than one Host header"},
    Row{HeadFault::host, 400, "a Host header that names no host"},
    Row{HeadFault::length, 400, "a Content-Length that is not one number"},
    Row{HeadFault::coding, 400, "a contradictory Transfer-Encoding"},
    Row{HeadFault::coding_other, 501, "a transfer coding other than chunked"},
};

consteval bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].fault != static_cast<HeadFault>(i)) return false;
  }
  return true;
}
static_assert(in_order());

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hexadecimal(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F'; }

// "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", and "HTTP-version is case-sensitive." (RFC 9112, 2.3)
bool is_version(std::string_view text) noexcept {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
}

// RFC 9110, 9.3, and PATCH (RFC 5789).
constexpr std::array<std::string_view, 9> methods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                  "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// "Content-Length = 1*DIGIT" (RFC 9110, 8.6); nothing for more than fits.
std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
  const std::size_t first = std::min(text.find_first_not_of('0'), text.size());
  if (first == text.size() && !text.empty()) return 0;
  return parse_number<std::uint64_t>(text.substr(first));
}

}  // namespace

std::uint16_t http_status(HeadFault fault) noexcept { return rows[static_cast<std::size_t>(fault)].status; }

std::string_view phrase(HeadFault fault) noexcept { return rows[static_cast<std::size_t>(fault)].phrase; }

// The characters of a path and a query. RFC 3986 (3.3, 3.4) has fewer: those that browsers put there unescaped, like
// "|" and "{", are let pass. "#" never is part of a target, and "%" begins an octet: "pct-encoded = "%" HEXDIG HEXDIG".
bool is_path_and_query(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= ' ' || c >= 0x7F || c == '"' || c == '#' || c == '<' || c == '>') return false;
    if (c != '%') continue;
    if (text.size() - i < 3 || !is_hexadecimal(text[i + 1]) || !is_hexadecimal(text[i + 2])) return false;
  }
  return true;
}

// --- header lines -------------------------------------------------------------------------------------------------

Header Headers::Iterator::operator*() const noexcept {
  const std::string_view line = rest_.substr(0, rest_.find('\r'));
  const std::size_t colon = line.find(':');
  // "The field line value does not include that leading or trailing whitespace" (RFC 9112, 5.1)
  return {line.substr(0, colon), trim(line.substr(colon + 1))};
}

Headers::Iterator& Headers::Iterator::operator++() noexcept {
  rest_.remove_prefix(rest_.find('\n') + 1);
  return *this;
}

// A dozen names are looked for in each handshake: of most lines no more than the end and one character is looked at.
bool ValueReader::next(std::string_view& value) noexcept {
  while (!rest_.empty()) {
    const std::string_view line = rest_.substr(0, rest_.find('\r'));
    rest_.remove_prefix(line.size() + 2);
    if (line.size() <= name_.size() || line[name_.size()] != ':') continue;
    if (!equals_ignoring_case(line.substr(0, name_.size()), name_)) continue;
    value = trim(line.substr(name_.size() + 1));
    return true;
  }
  return false;
}

Headers::Found Headers::find(std::string_view name) const noexcept {
  Found found;
  ValueReader values(*this, name);
  for (std::string_view value; values.next(value);) {
    if (found.lines++ == 0) found.value = value;
  }
  return found;
}

std::vector<std::string_view> Headers::values(std::string_view name) const {
  std::vector<std::string_view> all;
  ValueReader values(*this, name);
  for (std::string_view value; values.next(value);) all.push_back(value);
  return all;
}

bool Headers::has_element(std::string_view name, std::string_view element) const noexcept {
  ValueReader values(*this, name);
  for (std::string_view value; values.next(value);) {
    ListReader list(value);
    for (std::string_view each; list.next(each);) {
      if (equals_ignoring_case(each, element)) return true;
    }
  }
  return false;
}

// --- lines --------------------------------------------------------------------------------------------------------

bool HeadReader::next_line(std::string_view bytes, std::string_view& line) noexcept {
  const std::size_t end = std::min(bytes.size(), limits_.head_bytes_max);
  const std::string_view unseen = bytes.substr(0, end).substr(seen_);
  seen_ += static_cast<std::size_t>(std::ranges::find_if(unseen, is_control) - unseen.begin());
  if (seen_ != end) {
    // "a recipient MAY recognize a single LF as a line terminator": not this one. "A recipient of such a bare CR MUST
    // consider that element to be invalid or replace each bare CR with SP" (RFC 9112, 2.2): invalid.
    if (bytes[seen_] == '\n') return fail(HeadFault::line_end);
    if (bytes[seen_] != '\r') return fail(HeadFault::control);
    if (seen_ + 1 != end) {
      if (bytes[seen_ + 1] != '\n') return fail(HeadFault::line_end);
      line = bytes.substr(line_, seen_ - line_);
      seen_ += 2;
      line_ = seen_;
      return true;
    }
  }
  // "A server that receives a request-target longer than any URI it wishes to parse MUST respond with a 414" (3)
  if (end == limits_.head_bytes_max) return fail(headers_ == 0 ? HeadFault::target_too_long : HeadFault::too_large);
  return false;
}

bool HeadReader::read_headers(std::string_view bytes, Headers& headers) noexcept {
  for (std::string_view line;;) {
    const std::size_t begin = line_;
    if (!next_line(bytes, line)) return false;
    if (line.empty()) {
      headers = Headers(bytes.substr(headers_, begin - headers_));
      return true;
    }
    if (++count_ > limits_.headers_max) return fail(HeadFault::too_many);

    // "A recipient that receives whitespace between the start-line and the first header field MUST either reject the
    // message as invalid" (2.2). "A server that receives an obs-fold [...] MUST either reject the message by sending a
    // 400 (Bad Request) [...] or replace" (5.2). A client should replace it: it rejects it as well, since a response
    // whose lines can be read in two ways is not worth a connection.
    if (line.front() == ' ' || line.front() == '\t') return fail(HeadFault::folded);

    // "field-line = field-name ":" OWS field-value OWS" (5)
    const auto name_end = std::ranges::find_if_not(line, is_token_character);
    if (name_end == line.end()) return fail(HeadFault::header_name);
    // "A server MUST reject, with a response status code of 400 (Bad Request), any received request message that
    // contains whitespace between a header field name and colon." (5.1)
    if (*name_end == ' ' || *name_end == '\t') return fail(HeadFault::space_before_colon);
    if (*name_end != ':' || name_end == line.begin()) return fail(HeadFault::header_name);
  }
}

// --- requests -----------------------------------------------------------------------------------------------------

HeadStep RequestReader::next(Bytes bytes, Request& request) noexcept {
  const std::string_view text = as_text(bytes);
  if (fault_ != HeadFault::none) return HeadStep::fault;
  if (headers_ == 0) {
    std::string_view line;
    if (!next_line(text, line)) return outcome();
    // "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line (CRLF)
    // received prior to the request-line." (2.2): one it is.
    if (line.empty() && start_ == 0) {
      start_ = line_;
      if (!next_line(text, line)) return outcome();
    }
    Request early;  // what is wrong is said at once; the views may not hold until the end
    if (!read_request_line(line, early)) return outcome();
    headers_ = line_;
  }
  if (!read_headers(text, request.headers)) return outcome();
  read_request_line(text.substr(start_, headers_ - start_ - 2), request);
  return check_host(request) && check_content(request) ? HeadStep::head : outcome();
}

bool RequestReader::read_request_line(std::string_view line, Request& request) noexcept {
  // "request-line = method SP request-target SP HTTP-version" (3), and no other blanks, though "recipients MAY instead
  // parse on whitespace-delimited word boundaries".
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last) return fail(HeadFault::request_line);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!is_token(request.method) || request.target.empty()) return fail(HeadFault::request_line);

  const std::string_view version = line.substr(last + 1);
  if (!is_version(version)) return fail(HeadFault::version_syntax);
  // "A server can send a 505 (HTTP Version Not Supported) response if it wishes, for any reason, to refuse service of
  // the client's major protocol version." (RFC 9110, 2.5); and 1.0, which has no Upgrade.
  if (version[5] != '1' || version[7] == '0') return fail(HeadFault::version);

  // "An origin server that receives a request method that is unrecognized or not implemented SHOULD respond with the
  // 501 (Not Implemented) status code." (RFC 9110, 9.1)
  if (std::ranges::find(methods, request.method) == methods.end()) return fail(HeadFault::method);
  if (!read_target(request)) return fail(HeadFault::target);
  return true;
}

// "request-target = origin-form / absolute-form / authority-form / asterisk-form" (3.2)
bool RequestReader::read_target(Request& request) noexcept {
  const std::string_view target = request.target;
  Authority authority;
  request.path = request.query = request.authority = {};
  if (request.method == "CONNECT") {
    // "authority-form = uri-host ":" port" (3.2.3). "A server MUST reject a CONNECT request that targets an empty or
    // invalid port number" (RFC 9110, 9.3.6)
    request.form = TargetForm::authority;
    request.authority = target;
    return parse_authority(target, authority) && !authority.host.empty() && !authority.port.empty();
  }
  if (target == "*") {  // "The asterisk-form of request-target is only used for a server-wide OPTIONS request" (3.2.4)
    request.form = TargetForm::asterisk;
    return request.method == "OPTIONS";
  }
  std::string_view rest = target;
  request.form = TargetForm::origin;
  if (target.front() != '/') {
    // "A server MUST accept the absolute-form in requests" (3.2.2)
    request.form = TargetForm::absolute;
    const std::size_t scheme_end = std::min(target.find("://"), target.size());
    const std::string_view scheme = target.substr(0, scheme_end);
    if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) return false;
    rest.remove_prefix(scheme.size() == target.size() ? target.size() : scheme.size() + 3);
    request.authority = rest.substr(0, rest.find_first_of("/?"));
    rest.remove_prefix(request.authority.size());
    // "A sender MUST NOT generate an "http" URI with an empty host identifier. A recipient that processes such a URI
    // reference MUST reject it as invalid." (RFC 9110, 4.2.1). A user name is no part of an Authority here.
    if (!parse_authority(request.authority, authority) || authority.host.empty()) return false;
  }
  const std::size_t path_end = std::min(rest.find('?'), rest.size());
  request.path = path_end == 0 ? "/" : rest.substr(0, path_end);
  if (path_end != rest.size()) request.query = rest.substr(path_end + 1);
  return is_path_and_query(rest);
}

bool RequestReader::check_host(Request& request) noexcept {
  // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host
  // header field and to any request message that contains more than one Host header field line or a Host header field
  // with an invalid field value." (3.2)
  const auto [lines, value] = request.headers.find("Host");
  Authority authority;
  if (lines == 0) return fail(HeadFault::host_missing);
  if (lines > 1) return fail(HeadFault::host_repeated);
  if (!parse_authority(value, authority)) return fail(HeadFault::host);
  // "When an origin server receives a request with an absolute-form of request-target, the origin server MUST ignore
  // the received Host header field (if any) and instead use the host information of the request-target." (3.2.2)
  if (request.form != TargetForm::absolute && request.form != TargetForm::authority) request.authority = value;
  return true;
}

bool RequestReader::check_content(Request& request) noexcept {
  const auto [lengths, length_text] = request.headers.find("Content-Length");
  const std::optional<std::uint64_t> length = parse_length(length_text);
  if (lengths > 1 || (lengths == 1 && !length)) return fail(HeadFault::length);
  request.has_content = lengths == 1 && *length != 0;

  std::size_t chunked = 0;
  bool other = false;
  bool encoded = false;
  ValueReader values(request.headers, "Transfer-Encoding");
  for (std::string_view value; values.next(value);) {
    encoded = true;
    ListReader codings(value);
    for (std::string_view coding; codings.next(coding);) {
      if (equals_ignoring_case(coding, "chunked")) {
        ++chunked;
      } else {
        other = true;
      }
    }
  }
  if (!encoded) return true;
  // "A server MAY reject a request that contains both Content-Length and Transfer-Encoding" (6.1)
  if (lengths != 0) return fail(HeadFault::coding);
  // "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501"
  if (other) return fail(HeadFault::coding_other);
  // "A sender MUST NOT apply the chunked transfer coding more than once" (6.1). "If a Transfer-Encoding header field is
  // present in a request and the chunked transfer coding is not the final encoding, [...] the server MUST respond with
  // the 400 (Bad Request) status code" (6.3)
  if (chunked != 1) return fail(HeadFault::coding);
  request.has_content = true;
  return true;
}

// --- the first bytes of a connection ------------------------------------------------------------------------------

namespace {

// Does one begin as the other does, as far as both go?
bool begin_alike(std::string_view a, std::string_view b) noexcept {
  const std::size_t both = std::min(a.size(), b.size());
  return a.substr(0, both) == b.substr(0, both);
}

bool may_become_version(std::string_view text) noexcept {
  constexpr std::string_view one("HTTP/1.1");
  if (text.size() == one.size()) return is_version(text);
  return text.size() < one.size() && begin_alike(text.substr(0, 5), one) &&
         (text.size() < 6 || is_version(std::string(text) + std::string(one.substr(text.size()))));
}

bool may_become_target(std::string_view method, std::string_view text) noexcept {
  if (text.empty() || text.front() == '/' || method == "CONNECT") return true;
  return begin_alike(text, "http") || (method == "OPTIONS" && text == "*");
}

}  // namespace

Begins begins_request(std::string_view bytes) noexcept {
  const std::size_t blank = bytes.find(' ');
  const std::string_view method = bytes.substr(0, blank);
  const bool is_method = std::ranges::any_of(methods, [&](std::string_view known) {
    return blank == bytes.npos ? known.starts_with(method) : known == method;
  });
  if (!is_method) return Begins::no;
  if (blank == bytes.npos) return Begins::more;

  const std::string_view rest = bytes.substr(blank + 1);
  const std::size_t end = rest.find_first_of("\r\n");
  const std::string_view line = rest.substr(0, end);
  const std::size_t second_blank = line.find(' ');
  if (!may_become_target(method, line.substr(0, second_blank))) return Begins::no;
  if (second_blank == line.npos) {
    const bool may_go_on = end == rest.npos && rest.size() < HeadLimits().head_bytes_max;
    return may_go_on ? Begins::more : Begins::no;
  }
  const std::string_view version = line.substr(second_blank + 1);
  if (second_blank == 0 || !may_become_version(version)) return Begins::no;
  if (end == rest.npos) return Begins::more;
  if (!is_version(version) || rest[end] == '\n') return Begins::no;
  if (end + 1 == rest.size()) return Begins::more;
  return rest[end + 1] == '\n' ? Begins::yes : Begins::no;
}

// --- responses ----------------------------------------------------------------------------------------------------

HeadStep ResponseReader::next(Bytes bytes, Response& response) noexcept {
  const std::string_view text = as_text(bytes);
  if (fault_ != HeadFault::none) return HeadStep::fault;
  if (headers_ == 0) {
    std::string_view line;
    Response early;
    if (!next_line(text, line) || !read_status_line(line, early)) return outcome();
    headers_ = line_;
  }
  if (!read_headers(text, response.headers)) return outcome();
  read_status_line(text.substr(0, headers_ - 2), response);
  return HeadStep::head;
}

// "status-line = HTTP-version SP status-code SP [ reason-phrase ]" (4)
bool ResponseReader::read_status_line(std::string_view line, Response& response) noexcept {
  const std::string_view version = line.substr(0, 8);
  if (!is_version(version)) return fail(HeadFault::version_syntax);
  if (version[5] != '1') return fail(HeadFault::version);
  response.minor_version = static_cast<std::uint8_t>(version[7] - '0');
  if (line.size() < 13 || line[8] != ' ' || line[12] != ' ') return fail(HeadFault::status_line);
  const auto status = parse_number<std::uint16_t>(line.substr(9, 3));  // which allows no zero in front
  if (!status || *status > 599) return fail(HeadFault::status_line);
  response.status = *status;
  response.reason = line.substr(13);
  return true;
}

}  // namespace parley::codec
