// The heads of HTTP/1.1 messages (RFC 9112): bytes in, a head made of views of them out, or the fault and the status
// that answers it. Strict: where the RFC lets a recipient choose between repairing and refusing, this refuses.
//
//   RequestReader reader;
//   Request request;
//   switch (reader.next(bytes, request)) {  // all bytes from the head's first one on
//     case HeadStep::starved: ...           // call again with more behind them; what was seen is not read again
//     case HeadStep::head: ...              // bytes.subspan(reader.head_bytes()) is what follows
//     case HeadStep::fault: ...             // http_status(reader.fault()), and the connection is of no more use
//   }
//
// Reading allocates and copies nothing: a Request or a Response is as good as the bytes that were passed last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include <parley/bytes.h>

#include "codec/field.h"

namespace parley::codec {

struct HeadLimits {
  std::size_t head_bytes_max = 8 * 1024;  // with the empty line at its end
  std::size_t headers_max = 100;          // lines
};

// What can be wrong with a head.
enum class HeadFault : std::uint8_t {
  none = 0,
  line_end,            // a carriage return or a line feed without the other
  control,             // another control character
  request_line,        // not three parts with one space between them
  version_syntax,      // not "HTTP/" digit "." digit
  version,             // not HTTP/1.1 or a later 1.x; for a response 1.0 will do
  method,              // none that HTTP knows
  target,              // not of the form that goes with the method
  target_too_long,     // the request line alone is as long as a head may be
  status_line,         // not version, three digits and reason
  too_large,           // more than head_bytes_max
  too_many,            // more than headers_max
  folded,              // a line that begins with a blank
  header_name,         // not a token before the colon, or no colon
  space_before_colon,  //
  host_missing,
  host_repeated,
  host,          // not a host with or without a port
  length,        // Content-Length that is not one number
  coding,        // Transfer-Encoding that does not end in one "chunked", or stands beside Content-Length
  coding_other,  // a transfer coding other than "chunked"
};

// The status code of the response that answers it, if it was a request.
std::uint16_t http_status(HeadFault fault) noexcept;
// "a request without a Host header"
std::string_view phrase(HeadFault fault) noexcept;

struct Header {
  std::string_view name;
  std::string_view value;  // without blanks at its ends
};

// The header lines of a head, in their order.
class Headers {
 public:
  class Iterator {
   public:
    using value_type = Header;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(std::string_view rest) noexcept : rest_(rest) {}
    Header operator*() const noexcept;
    Iterator& operator++() noexcept;
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.rest_.size() == b.rest_.size(); }

   private:
    std::string_view rest_;
  };

  Headers() = default;
  explicit Headers(std::string_view lines) noexcept : lines_(lines) {}  // whole lines that were found right

  Iterator begin() const noexcept { return Iterator(lines_); }
  Iterator end() const noexcept { return {}; }

  // How many lines have this name, in whatever case, and the value of the first. Where a header is no list, more than
  // one line is an error.
  struct Found {
    std::size_t lines = 0;
    std::string_view value;
  };
  Found find(std::string_view name) const noexcept;

  // The values of all lines that have this name.
  std::vector<std::string_view> values(std::string_view name) const;

  // Whether a list, in however many lines, has this element, in whatever case.
  bool has_element(std::string_view name, std::string_view element) const noexcept;

 private:
  friend class ValueReader;
  std::string_view lines_;
};

// Goes through the values of the lines that have one name, in whatever case.
class ValueReader {
 public:
  ValueReader(const Headers& headers, std::string_view name) noexcept : rest_(headers.lines_), name_(name) {}
  bool next(std::string_view& value) noexcept;  // false: there are no more

 private:
  std::string_view rest_;
  std::string_view name_;
};

// Do these bytes begin a request? `yes` once its request line is whole, with a method that HTTP knows; `more` while
// they could become one.
enum class Begins : std::uint8_t { no, more, yes };
Begins begins_request(std::string_view bytes) noexcept;

// RFC 9112, 3.2.
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

struct Request {
  std::string_view method;
  std::string_view target;  // as it was sent
  TargetForm form = TargetForm::origin;
  std::string_view path;       // begins with "/", nothing decoded; empty for the forms authority and asterisk
  std::string_view query;      // what follows the first "?"
  std::string_view authority;  // the host and the port that are meant: of an absolute target, or else of Host
  Headers headers;
  bool has_content = false;  // Transfer-Encoding, or a Content-Length above 0
};

struct Response {
  std::uint8_t minor_version = 1;  // HTTP/1.x
  std::uint16_t status = 0;        // 100 to 599
  std::string_view reason;
  Headers headers;
};

// Whether this may stand in a target: no blanks, no "#", and "%" only before two hexadecimal digits.
bool is_path_and_query(std::string_view text) noexcept;

enum class HeadStep : std::uint8_t { starved, head, fault };

// What reading a request and reading a response share: the lines.
class HeadReader {
 public:
  HeadFault fault() const noexcept { return fault_; }
  // Once a head was found.
  std::size_t head_bytes() const noexcept { return seen_; }

 protected:
  explicit HeadReader(const HeadLimits& limits) noexcept : limits_(limits) {}

  // The next line, without its end. False: starved, or a fault.
  bool next_line(std::string_view bytes, std::string_view& line) noexcept;
  // The header lines up to the empty one. False: starved, or a fault.
  bool read_headers(std::string_view bytes, Headers& headers) noexcept;
  bool fail(HeadFault fault) noexcept {
    fault_ = fault;
    return false;
  }
  HeadStep outcome() const noexcept { return fault_ == HeadFault::none ? HeadStep::starved : HeadStep::fault; }

  HeadLimits limits_;
  std::size_t start_ = 0;    // of the start line
  std::size_t line_ = 0;     // the start of the present line
  std::size_t seen_ = 0;     // bytes looked at
  std::size_t headers_ = 0;  // the start of the first header; 0: the start line is not whole
  std::size_t count_ = 0;
  HeadFault fault_ = HeadFault::none;
};

class RequestReader : public HeadReader {
 public:
  explicit RequestReader(const HeadLimits& limits = {}) noexcept : HeadReader(limits) {}
  HeadStep next(Bytes bytes, Request& request) noexcept;

 private:
  bool read_request_line(std::string_view line, Request& request) noexcept;
  bool read_target(Request& request) noexcept;
  bool check_host(Request& request) noexcept;
  bool check_content(Request& request) noexcept;
};

class ResponseReader : public HeadReader {
 public:
  explicit ResponseReader(const HeadLimits& limits = {}) noexcept : HeadReader(limits) {}
  HeadStep next(Bytes bytes, Response& response) noexcept;

 private:
  bool read_status_line(std::string_view line, Response& response) noexcept;
};

}  // namespace parley::codec
