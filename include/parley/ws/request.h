// Request: what a client asked for in its opening handshake (RFC 6455, 4.1).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace parley::ws {

// All of it is what a peer wrote: escape it before showing it (text.h). The views live as long as the Request.
class Request {
 public:
  explicit Request(std::string head);  // as it was received, and found right
  Request(Request&&) noexcept;
  Request& operator=(Request&&) noexcept;
  ~Request();

  std::string_view method() const noexcept;  // "GET", of a WebSocket
  std::string_view target() const noexcept;  // as it was sent: path and query
  std::string_view path() const noexcept;    // begins with "/"; nothing is decoded
  std::string_view query() const noexcept;   // what follows the first "?"
  std::string_view host() const noexcept;    // with the port, if one was sent

  // The value of the first header line of this name, in whatever case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::string_view origin() const noexcept { return header("Origin").value_or(std::string_view()); }

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace parley::ws
