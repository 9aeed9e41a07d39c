#include <algorithm>
#include <array>

#include "codec/credentials.h"
#include "codec/handshake.h"

namespace parley::codec {
namespace {

constexpr std::array<std::uint16_t, 5> redirections{301, 302, 303, 307, 308};

// "b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="" (RFC 6750, 2.1): nearly a token.
bool is_bearer(std::string_view text) noexcept {
  const std::string_view body = text.substr(0, text.find_last_not_of('=') + 1);
  const auto may_stand = [](char c) {
    return c == '/' || (is_token_character(c) && !std::string_view("!#$%&'*^`|").contains(c));
  };
  return !body.empty() && std::ranges::all_of(body, may_stand);
}

bool are_subprotocols(std::span<const std::string> names) noexcept {
  // "The elements that comprise this value MUST be non-empty strings with characters in the range U+0021 to U+007E not
  // including separator characters as defined in [RFC2616] and MUST all be unique strings." (RFC 6455, 4.1)
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_token(*name) || std::find(names.begin(), name, *name) != name) return false;
  }
  return true;
}

Credentials basic_of(const ClientRequest& request) noexcept { return {request.user, request.password}; }

bool are_credentials(const ClientRequest& request) noexcept {
  const bool basic = basic_of(request).given();
  const bool bearer = !request.bearer.empty();
  const auto is_authorization = [](const HeaderText& header) {
    return equals_ignoring_case(header.name, "Authorization");
  };
  const auto others = std::ranges::count_if(request.headers, is_authorization);
  if (basic + bearer + others > 1) return false;
  if (!is_basic(basic_of(request))) return false;
  return !bearer || is_bearer(request.bearer);
}

bool can_be_written(const ClientRequest& request) noexcept {
  Authority authority;
  return parse_authority(request.host, authority) && !authority.host.empty() &&  //
         request.target.starts_with('/') && is_path_and_query(request.target) && is_field_value(request.origin) &&
         are_subprotocols(request.subprotocols) && are_credentials(request) &&
         std::ranges::all_of(request.headers, may_be_added);
}

std::string joined(std::span<const std::string> names) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += name;
  }
  return list;
}

void append_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

ClientVerdict broken(const Response& response, std::string_view phrase) {
  ClientVerdict verdict;
  verdict.status = response.status;
  verdict.phrase = phrase;
  return verdict;
}

ClientVerdict not_switched(const Response& response) {
  ClientVerdict verdict;
  verdict.status = response.status;
  verdict.outcome = ClientVerdict::Outcome::refused;
  if (response.status < 200) {
    // "A client MUST be able to parse one or more 1xx responses received prior to a final response, even if the client
    // does not expect one." (RFC 9110, 15.2)
    verdict.outcome = ClientVerdict::Outcome::interim;
  } else if (std::ranges::find(redirections, response.status) != redirections.end()) {
    const auto [lines, location] = response.headers.find("Location");
    if (lines != 1 || location.empty()) return verdict;
    verdict.outcome = ClientVerdict::Outcome::redirected;
    verdict.location = location;
  }
  return verdict;
}

}  // namespace

Result<std::string> write_request(const ClientRequest& request, const Nonce& nonce) {
  if (!can_be_written(request)) return fail(Errc::invalid_argument);
  // "The handshake MUST be a valid HTTP request", "The method of the request MUST be GET, and the HTTP version MUST be
  // at least 1.1.", "The "Request-URI" part of the request MUST match the /resource name/" (RFC 6455, 4.1)
  std::string head = "GET ";
  head.append(request.target).append(" HTTP/1.1\r\n");
  // "The request MUST contain a |Host| header field whose value contains /host/ plus optionally ":" followed by /port/
  // (when not using the default port)."
  append_line(head, "Host", request.host);
  // "The request MUST contain an |Upgrade| header field whose value MUST include the "websocket" keyword."
  append_line(head, "Upgrade", "websocket");
  // "The request MUST contain a |Connection| header field whose value MUST include the "Upgrade" token."
  append_line(head, "Connection", "Upgrade");
  append_line(head, "Sec-WebSocket-Key", websocket_key(nonce));
  // "The value of this header field MUST be 13." (RFC 6455, 4.1)
  append_line(head, "Sec-WebSocket-Version", "13");
  if (!request.origin.empty()) append_line(head, "Origin", request.origin);
  if (!request.subprotocols.empty()) append_line(head, "Sec-WebSocket-Protocol", joined(request.subprotocols));
  if (request.deflate) append_line(head, "Sec-WebSocket-Extensions", write_deflate_offer(*request.deflate));
  if (const Credentials basic = basic_of(request); basic.given()) {
    append_line(head, "Authorization", write_basic(basic));
  } else if (!request.bearer.empty()) {
    append_line(head, "Authorization", std::string("Bearer ").append(request.bearer));
  }
  for (const HeaderText& header : request.headers) append_line(head, header.name, header.value);
  return head += "\r\n";
}

ClientVerdict check_response(const Response& response, const ClientRequest& request, const Nonce& nonce) {
  // "If the status code received from the server is not 101, the client handles the response per HTTP [RFC2616]
  // procedures." (RFC 6455, 4.1)
  if (response.status != 101) return not_switched(response);
  if (response.minor_version == 0) return broken(response, "HTTP/1.0 can't be upgraded");

  // "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value that is not an
  // ASCII case-insensitive match for the value "websocket", the client MUST _Fail the WebSocket Connection_."
  const Headers& headers = response.headers;
  const auto [upgrades, upgrade] = headers.find("Upgrade");
  if (upgrades != 1 || !equals_ignoring_case(upgrade, "websocket")) {
    return broken(response, "an Upgrade header other than websocket");
  }
  // "If the response lacks a |Connection| header field or the |Connection| header field doesn't contain a token that is
  // an ASCII case-insensitive match for the value "Upgrade", the client MUST _Fail the WebSocket Connection_."
  if (!headers.has_element("Connection", "Upgrade")) return broken(response, "no Upgrade in the Connection header");

  // "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a value other
  // than the base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-Key| [...] but ignoring any leading and
  // trailing whitespace, the client MUST _Fail the WebSocket Connection_." It "MUST NOT appear more than once"
  // (11.3.3).
  const auto [accepts, accept] = headers.find("Sec-WebSocket-Accept");
  if (accepts != 1 || accept.empty() || accept != websocket_accept(websocket_key(nonce))) {
    return broken(response, "a Sec-WebSocket-Accept that doesn't go with the key");
  }

  // "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates the use of a
  // subprotocol that was not present in the client's handshake [...], the client MUST _Fail the WebSocket Connection_."
  const auto [protocols, protocol] = headers.find("Sec-WebSocket-Protocol");
  const bool asked = std::ranges::find(request.subprotocols, protocol) != request.subprotocols.end();
  if (protocols > 1 || (protocols == 1 && !asked)) return broken(response, "a subprotocol that was not asked for");

  // "If the response includes a |Sec-WebSocket-Extensions| header field and this header field indicates the use of an
  // extension that was not present in the client's handshake [...], the client MUST _Fail the WebSocket Connection_."
  const auto extensions = headers.values("Sec-WebSocket-Extensions");
  const DeflateAgreement agreement = check_deflate_response(extensions, request.deflate);
  if (agreement.outcome == DeflateAgreement::Outcome::refused ||
      agreement.outcome == DeflateAgreement::Outcome::malformed) {
    return broken(response, "an extension that was not asked for");
  }

  ClientVerdict verdict;
  verdict.outcome = ClientVerdict::Outcome::accepted;
  verdict.status = response.status;
  verdict.subprotocol = protocol;
  if (agreement.outcome == DeflateAgreement::Outcome::agreed) verdict.deflate = agreement.parameters;
  return verdict;
}

}  // namespace parley::codec
