#include <algorithm>
#include <array>
#include <vector>

#include "codec/handshake.h"

namespace parley::codec {
namespace {

struct Reason {
  std::uint16_t status;
  std::string_view phrase;
};

// RFC 9110, 15, and RFC 6585: what a handshake, or a caller, may want to say.
constexpr std::array reasons{
    Reason{200, "OK"},
    Reason{204, "No Content"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{304, "Not Modified"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{408, "Request Timeout"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{426, "Upgrade Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{503, "Service Unavailable"},
    Reason{505, "HTTP Version Not Supported"},
};

std::string_view reason_phrase(std::uint16_t status) noexcept {
  const auto found = std::ranges::find(reasons, status, &Reason::status);
  return found == reasons.end() ? "" : found->phrase;
}

void append_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

ServerAnswer refuse(std::uint16_t status, std::string_view phrase) {
  ServerAnswer answer;
  answer.status = status;
  answer.phrase = phrase;
  answer.response = refusal(status, phrase);
  return answer;
}

// A host and a port as they are compared.
bool is_same_place(const Authority& a, const Authority& b, std::string_view default_port) noexcept {
  const std::string_view a_port = a.port.empty() ? default_port : a.port;
  const std::string_view b_port = b.port.empty() ? default_port : b.port;
  return equals_ignoring_case(a.host, b.host) && a_port == b_port;
}

// "serialized-origin = scheme "://" host [ ":" port ]" (RFC 6454, 7.1), of a page that came from the same host.
bool is_same_host(std::string_view origin, std::string_view host) noexcept {
  std::string_view default_port;
  if (equals_ignoring_case(origin.substr(0, 7), "http://")) {
    default_port = "80";
  } else if (equals_ignoring_case(origin.substr(0, 8), "https://")) {
    default_port = "443";
  } else {
    return false;
  }
  Authority from;
  Authority to;
  if (!parse_authority(origin.substr(default_port == "80" ? 7 : 8), from) || from.host.empty()) return false;
  parse_authority(host, to);  // the reader of the head has seen that it is one
  return is_same_place(from, to, default_port);
}

// An address, or a name that always means this machine (RFC 6761, 6.3).
bool is_own_name(std::string_view authority_text) noexcept {
  Authority authority;
  parse_authority(authority_text, authority);  // the reader of the head has seen that it is one
  const std::string_view host = authority.host;
  const std::string_view last_label = host.substr(host.rfind('.') + 1);
  return host.starts_with('[') || equals_ignoring_case(last_label, "localhost") ||
         host.find_first_not_of("0123456789.") == host.npos;
}

bool is_allowed(std::string_view origin, const Request& request, const ServerPolicy& policy) noexcept {
  const bool may_be_same = !policy.on_loopback || is_own_name(request.authority);
  if (policy.origins == Origins::any || (may_be_same && is_same_host(origin, request.authority))) return true;
  const auto is_it = [&](const std::string& allowed) { return equals_ignoring_case(allowed, origin); };
  return policy.origins == Origins::listed && std::ranges::any_of(policy.allowed_origins, is_it);
}

bool is_proper(const ServerPolicy& policy) noexcept {
  return std::ranges::all_of(policy.subprotocols, is_token) && std::ranges::all_of(policy.headers, may_be_added);
}

// The first subprotocol of the client that the server knows too: "The value chosen MUST be derived from the client's
// handshake, specifically by selecting one of the values from the |Sec-WebSocket-Protocol| field that the server is
// willing to use for this connection" (4.2.2). False: against the grammar, "1#token".
bool choose_subprotocol(const Headers& headers, std::span<const std::string> known, std::string& chosen) {
  ValueReader values(headers, "Sec-WebSocket-Protocol");
  for (std::string_view value; values.next(value);) {
    ListReader list(value);
    std::string_view each;
    while (list.next(each)) {
      if (!is_token(each)) return false;
      const auto found = std::ranges::find(known, each);
      if (chosen.empty() && found != known.end()) chosen = *found;
    }
  }
  return true;
}

DeflateAgreement choose_deflate(const Headers& headers, const DeflateParameters* wishes) {
  const std::vector<std::string_view> offers = headers.values("Sec-WebSocket-Extensions");
  DeflateAgreement agreement = answer_deflate_offers(offers, wishes ? *wishes : DeflateParameters{});
  if (!wishes && agreement.outcome == DeflateAgreement::Outcome::agreed) return {};
  return agreement;
}

std::string switching(std::string_view accept, const ServerAnswer& answer, std::string_view extensions,
                      std::span<const HeaderText> headers) {
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  append_line(head, "Sec-WebSocket-Accept", accept);
  if (!answer.subprotocol.empty()) append_line(head, "Sec-WebSocket-Protocol", answer.subprotocol);
  if (!extensions.empty()) append_line(head, "Sec-WebSocket-Extensions", extensions);
  for (const HeaderText& header : headers) append_line(head, header.name, header.value);
  return head += "\r\n";
}

// RFC 6455, 4.2.1; nothing if it is a client's opening handshake.
std::optional<Reason> what_is_wrong(const Request& request) {
  // "An HTTP/1.1 or higher GET request, including a "Request-URI" [...] that should be interpreted as a /resource name/
  // [...] (or an absolute HTTP/HTTPS URI containing the /resource name/)."
  if (request.method != "GET") return Reason{405, "a WebSocket is opened by GET"};
  // What stands behind the head is the first frames, so it can't be content as well.
  if (request.has_content) return Reason{413, "a WebSocket is opened by a request without content"};

  // "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value."
  // "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive value."
  const Headers& headers = request.headers;
  if (!headers.has_element("Upgrade", "websocket")) return Reason{426, "only WebSocket is spoken here"};
  if (!headers.has_element("Connection", "Upgrade")) return Reason{400, "no Upgrade in the Connection header"};

  // "the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request." (11.3.5)
  const auto [versions, version] = headers.find("Sec-WebSocket-Version");
  if (versions > 1) return Reason{400, "more than one Sec-WebSocket-Version"};
  // "A |Sec-WebSocket-Version| header field, with a value of 13." "If this version does not match a version understood
  // by the server, the server MUST abort the WebSocket handshake [...] and instead send an appropriate HTTP error code
  // (such as 426 Upgrade Required)" (4.2.2)
  if (version != "13") return Reason{426, "only version 13 of WebSocket is spoken here"};

  // "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request." (11.3.1)
  const auto [keys, key] = headers.find("Sec-WebSocket-Key");
  if (keys != 1) return Reason{400, "not one Sec-WebSocket-Key"};
  if (!is_websocket_key(key)) return Reason{400, "a Sec-WebSocket-Key that is not 16 bytes in base64"};
  return std::nullopt;
}

}  // namespace

bool asks_for_websocket(const Request& request) noexcept {
  return request.headers.has_element("Upgrade", "websocket") ||
         request.headers.find("Sec-WebSocket-Version").lines != 0 ||
         request.headers.find("Sec-WebSocket-Key").lines != 0;
}

ServerAnswer answer(const Request& request, const ServerPolicy& policy) {
  if (!is_proper(policy)) return refuse(500, "this server is set up wrongly");
  if (const auto wrong = what_is_wrong(request)) return refuse(wrong->status, wrong->phrase);

  // "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error code (e.g., 403
  // Forbidden) and abort the WebSocket handshake" (4.2.2)
  const auto [origins, origin] = request.headers.find("Origin");
  if (origins > 1) return refuse(400, "more than one Origin");
  if (origins == 1 && !is_allowed(origin, request, policy)) {
    return refuse(403, "pages of this origin may not connect here");
  }

  ServerAnswer answer;
  if (!choose_subprotocol(request.headers, policy.subprotocols, answer.subprotocol)) {
    return refuse(400, "a Sec-WebSocket-Protocol that is no list of tokens");
  }
  const DeflateAgreement agreement = choose_deflate(request.headers, policy.deflate);
  if (agreement.outcome == DeflateAgreement::Outcome::malformed) {
    return refuse(400, "a Sec-WebSocket-Extensions that is no list of extensions");
  }
  if (agreement.outcome == DeflateAgreement::Outcome::agreed) answer.deflate = agreement.parameters;

  const std::string accept = websocket_accept(request.headers.find("Sec-WebSocket-Key").value);
  if (accept.empty()) return refuse(500, "this server has no SHA-1");
  answer.status = 101;
  answer.response = switching(accept, answer, agreement.header, policy.headers);
  return answer;
}

std::string refusal(std::uint16_t status, std::string_view sentence, std::span<const HeaderText> headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\n");
  // "The origin server MUST generate an Allow header field in a 405 response" (RFC 9110, 15.5.6)
  if (status == 405) append_line(head, "Allow", "GET");
  if (status == 426) {
    // "The server MUST send an Upgrade header field in a 426 response" (RFC 9110, 15.5.22), and "a
    // |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of understanding" (4.2.2).
    append_line(head, "Upgrade", "websocket");
    append_line(head, "Sec-WebSocket-Version", "13");
  }
  for (const HeaderText& header : headers) {
    if (may_be_added(header)) append_line(head, header.name, header.value);
  }
  append_line(head, "Connection", status == 426 ? "Upgrade, close" : "close");
  append_line(head, "Content-Type", "text/plain; charset=utf-8");
  append_line(head, "Content-Length", std::to_string(sentence.size() + 1));
  return head.append("\r\n").append(sentence).append("\n");
}

std::string response(std::uint16_t status, std::string_view content_type, std::span<const HeaderText> headers,
                     std::string_view body, bool with_body) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\n");
  if (is_field_value(content_type)) append_line(head, "Content-Type", content_type);
  append_line(head, "Content-Length", std::to_string(body.size()));
  append_line(head, "Connection", "close");
  append_line(head, "X-Content-Type-Options", "nosniff");
  for (const HeaderText& header : headers) {
    if (may_be_added(header)) append_line(head, header.name, header.value);
  }
  head.append("\r\n");
  return with_body ? head.append(body) : head;
}

}  // namespace parley::codec
