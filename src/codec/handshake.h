// The opening handshake (RFC 6455, 4) of both roles, as heads in (http1.h) and bytes out. A server's answer is whole:
// it accepts, or it refuses and the connection is closed after it. Nothing that a peer sent stands in an answer but the
// name of a subprotocol that the server itself knows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <parley/error.h>

#include "codec/extension.h"
#include "codec/http1.h"
#include "codec/key.h"

namespace parley::codec {

struct HeaderText {
  std::string name;
  std::string value;
};

// May a caller add this line to a request or a response? The name must be a token and the value free of controls, and
// it must not be one of those the handshake writes itself or that say where a message ends.
bool may_be_added(const HeaderText& header) noexcept;

// --- server -------------------------------------------------------------------------------------------------------

// Which web pages may connect. What sends no Origin is no browser, and may.
enum class Origins : std::uint8_t {
  same_host,  // those of the host and port that the request was sent to; the scheme does not count
  listed,     // those, and allowed_origins
  any,
};

// What a server agrees to. The views live as long as the call.
struct ServerPolicy {
  Origins origins = Origins::same_host;
  // The server was reached at this machine's own address. A page whose host is a name of the outside, and its request's
  // too, got there by a name that leads to it only for this (DNS rebinding): it is not of the same host.
  bool on_loopback = false;
  std::span<const std::string> allowed_origins = {};  // "https://example.org", "http://example.org:8080", "null"
  std::span<const std::string> subprotocols = {};     // tokens
  const DeflateParameters* deflate = nullptr;         // what it wishes; null: no permessage-deflate
  std::span<const HeaderText> headers = {};           // more lines for the 101 response
};

struct ServerAnswer {
  std::uint16_t status = 500;  // 101: accepted
  std::string response;        // all bytes to send
  std::string_view phrase;     // why it was refused, for a log; static text
  std::string subprotocol;     // empty: none
  std::optional<DeflateParameters> deflate;

  bool accepted() const noexcept { return status == 101; }
};

// Whether a request asks for a WebSocket at all: what doesn't may be for a web page on the same port.
bool asks_for_websocket(const Request& request) noexcept;

// Answers a request. 400, 403, 405, 413 or 426 with a reason, or 101. Errors of the caller (a header that may not be
// added, a subprotocol that is no token) are 500.
ServerAnswer answer(const Request& request, const ServerPolicy& policy);

// A response that ends the connection, with a short text that says why: for a HeadFault (http_status(), phrase()), for
// 404, and for whatever the caller decides. 405 has Allow, 426 has Upgrade and Sec-WebSocket-Version. Headers that may
// not be added are left out.
std::string refusal(std::uint16_t status, std::string_view sentence, std::span<const HeaderText> headers = {});

// A response with a body, after which the connection ends; without the body, if it is for HEAD. Headers that may not be
// added are left out, and so is a content type that is no value of a header.
std::string response(std::uint16_t status, std::string_view content_type, std::span<const HeaderText> headers,
                     std::string_view body, bool with_body);

// --- client -------------------------------------------------------------------------------------------------------

// What a client asks for. The views live as long as the call.
struct ClientRequest {
  std::string_view host = {};     // as in the URL, with the port unless it is the default one: "[::1]:9000"
  std::string_view target = "/";  // path and query
  std::string_view origin = {};   // empty: none
  std::span<const std::string> subprotocols = {};  // in the order of preference
  const DeflateParameters* deflate = nullptr;      // what it wishes; null: no permessage-deflate
  std::string_view user = {};                      // Basic credentials (RFC 7617), if there is a user or a password
  std::string_view password = {};
  std::string_view bearer = {};              // a token (RFC 6750), instead
  std::span<const HeaderText> headers = {};  // more lines
};

// The bytes to send. Errc::invalid_argument if anything can't be written down: a target that is no path, a header that
// may not be added, a subprotocol that is no token or stands there twice, a user name with a colon.
Result<std::string> write_request(const ClientRequest& request, const Nonce& nonce);

struct ClientVerdict {
  enum class Outcome : std::uint8_t {
    accepted,
    interim,     // 1xx, and the real response follows: read another head
    redirected,  // 301, 302, 303, 307, 308: to `location`
    refused,     // another status
    broken,      // 101, but not the answer to this request: fail the connection
  };

  Outcome outcome = Outcome::broken;
  std::uint16_t status = 0;
  std::string_view phrase;       // Outcome::broken: what is wrong; static text
  std::string_view location;     // a view of the response; empty if it has none
  std::string_view subprotocol;  // a view of the response; empty: none
  std::optional<DeflateParameters> deflate;
};

// Checks a response to write_request(request, nonce).
ClientVerdict check_response(const Response& response, const ClientRequest& request, const Nonce& nonce);

}  // namespace parley::codec
