// Heads: the same outcome however the bytes are cut, and the same heads let through as by a slow, obvious reader that
// looks at the whole text again for each question.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/http1.h"

namespace parley::codec {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hexadecimal = "0123456789abcdefABCDEF";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool only(std::string_view text, const std::string& characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_word(std::string_view text) {
  return !text.empty() && only(text, std::string(letters).append(digits).append("!#$%&'*+-.^_`|~"));
}

std::string lower(std::string_view text) {
  std::string all;
  for (const char c : text) all += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return all;
}

std::string stripped(std::string text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.erase(0, 1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.pop_back();
  return text;
}

std::vector<std::string> split(std::string text, const std::string& by) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; (at = text.find(by)) != std::string::npos; text.erase(0, at + by.size())) {
    parts.push_back(text.substr(0, at));
  }
  parts.push_back(text);
  return parts;
}

bool has_good_percents(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (at + 3 > text.size() || !only(text.substr(at + 1, 2), std::string(hexadecimal))) return false;
  }
  return true;
}

bool is_place(std::string text, bool host_needed, bool port_needed) {
  std::string port;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  const bool has_port = colon != std::string::npos;
  if (has_port) {
    port = text.substr(colon + 1);
    text.resize(colon);
  }
  if (!only(port, std::string(digits)) || port.size() > 5) return false;
  if (port.size() > 1 && port.front() == '0') return false;
  if (port.size() == 5 && port > "65535") return false;
  if (port.empty() && port_needed) return false;
  if (text.empty()) return !host_needed;
  if (text.front() == '[') {
    if (text.back() != ']' || split(text, ":").size() < 3) return false;
    return only(text.substr(1, text.size() - 2), std::string(hexadecimal) + ":.");
  }
  return only(text, std::string(letters).append(digits).append("-._~!$&'()*+,;=%")) && has_good_percents(text);
}

bool is_path(const std::string& text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~' || std::string_view("\"#<>").find(c) != std::string_view::npos) return false;
  }
  return has_good_percents(text);
}

bool is_target(const std::string& method, std::string target) {
  if (method == "CONNECT") return is_place(target, true, true);
  if (target == "*") return method == "OPTIONS";
  if (!target.starts_with('/')) {
    const std::string scheme = lower(target.substr(0, 8));
    if (!scheme.starts_with("http://") && scheme != "https://") return false;
    target.erase(0, scheme == "https://" ? 8 : 7);
    const std::string place = target.substr(0, target.find_first_of("/?"));
    if (!is_place(place, true, false)) return false;
    target.erase(0, place.size());
  }
  return is_path(target);
}

std::optional<Lines> read_lines(const std::vector<std::string>& lines) {
  Lines headers;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || !is_word(line.substr(0, colon))) return std::nullopt;
    headers.emplace_back(line.substr(0, colon), stripped(line.substr(colon + 1)));
  }
  return headers;
}

std::vector<std::string> values(const Lines& headers, const std::string& name) {
  std::vector<std::string> found;
  for (const auto& [each, value] : headers) {
    if (lower(each) == name) found.push_back(value);
  }
  return found;
}

bool is_framed(const Lines& headers) {
  const auto lengths = values(headers, "content-length");
  const auto codings = values(headers, "transfer-encoding");
  if (lengths.size() + codings.size() == 0) return true;
  if (!codings.empty()) {
    std::string all;
    for (const std::string& coding : codings) all += coding + ",";
    std::string found;
    for (const std::string& coding : split(all, ",")) {
      const std::string one = lower(stripped(coding));
      if (!one.empty()) found += one + ",";  // empty elements of a list count for nothing
    }
    return lengths.empty() && found == "chunked,";
  }
  std::string length = lengths[0];
  if (lengths.size() != 1 || length.empty() || !only(length, std::string(digits))) return false;
  while (length.size() > 1 && length.front() == '0') length.erase(0, 1);
  const std::string most = "18446744073709551615";
  return length.size() < most.size() || (length.size() == most.size() && length <= most);
}

// The lines of the head at the front of `text`; nothing if it is not whole and free of stray controls.
std::optional<std::vector<std::string>> head_lines(std::string text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  text.resize(end);
  std::vector<std::string> lines = split(text, "\r\n");
  for (const std::string& line : lines) {
    for (const char c : line) {
      if ((c >= 0 && c < ' ' && c != '\t') || c == 127) return std::nullopt;
    }
  }
  return lines;
}

std::optional<Lines> slow_request(std::string text, const HeadLimits& limits) {
  std::size_t size = 4;
  if (text.starts_with("\r\n")) {
    text.erase(0, 2);
    size += 2;
  }
  auto lines = head_lines(text);
  if (!lines) return std::nullopt;
  for (const std::string& line : *lines) size += line.size() + 2;
  if (size - 2 > limits.head_bytes_max || lines->size() - 1 > limits.headers_max) return std::nullopt;

  const std::vector<std::string> parts = split(lines->front(), " ");
  lines->erase(lines->begin());
  const auto headers = read_lines(*lines);
  if (parts.size() != 3 || !headers) return std::nullopt;
  bool known = false;
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    known = known || parts[0] == method;
  }
  const std::string& version = parts[2];
  if (!known || parts[1].empty() || !is_target(parts[0], parts[1])) return std::nullopt;
  if (version.size() != 8 || !version.starts_with("HTTP/1.") || version[7] < '1' || version[7] > '9') {
    return std::nullopt;
  }
  const auto hosts = values(*headers, "host");
  if (hosts.size() != 1 || !is_place(hosts[0], false, false) || !is_framed(*headers)) return std::nullopt;
  Lines all = *headers;
  all.emplace_back(parts[0], parts[1]);
  return all;
}

Lines lines_of(const Headers& headers) {
  Lines all;
  for (const Header header : headers) all.emplace_back(header.name, header.value);
  return all;
}

// What a reader makes of the text when it is shown the first `step` bytes, then twice as many, and so on.
template <class Reader, class Head>
HeadStep read(Bytes bytes, std::size_t step, Reader& reader, Head& head) {
  for (std::size_t end = step; end < bytes.size(); end += step) {
    const HeadStep outcome = reader.next(bytes.first(end), head);
    if (outcome != HeadStep::starved) return outcome;
  }
  return reader.next(bytes, head);
}

template <class Reader, class Head>
std::optional<Head> read_every_way(Bytes bytes, const HeadLimits& limits) {
  Reader whole(limits);
  Head head;
  const HeadStep outcome = read(bytes, bytes.size() + 1, whole, head);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size() / 2 + 1}) {
    Reader pieces(limits);
    Head again;
    require(read(bytes, step, pieces, again) == outcome);
    require(pieces.fault() == whole.fault());
    if (outcome != HeadStep::head) continue;
    require(pieces.head_bytes() == whole.head_bytes());
    require(lines_of(again.headers) == lines_of(head.headers));
  }
  require((outcome == HeadStep::fault) == (whole.fault() != HeadFault::none));
  require((outcome == HeadStep::fault) == (http_status(whole.fault()) >= 400));
  if (outcome == HeadStep::head) require(whole.head_bytes() <= bytes.size());
  return outcome == HeadStep::head ? std::optional(head) : std::nullopt;
}

void check(Bytes bytes, const HeadLimits& limits) {
  const auto response = read_every_way<ResponseReader, Response>(bytes, limits);
  if (response) require(response->status >= 100 && response->status <= 599);

  const auto request = read_every_way<RequestReader, Request>(bytes, limits);
  const auto slow = slow_request(std::string(as_text(bytes)), limits);
  require(request.has_value() == slow.has_value());
  if (!request) return;
  Lines fast = lines_of(request->headers);
  fast.emplace_back(request->method, request->target);
  require(fast == *slow);
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const parley::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  parley::codec::check(bytes, {});
  parley::codec::check(bytes, {.head_bytes_max = 64, .headers_max = 2});
  return 0;
}
