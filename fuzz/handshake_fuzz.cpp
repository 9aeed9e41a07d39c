// The opening handshake. Any request: the answer is one whole response, and agrees to nothing unless it is 101. Any
// response: a client accepts it only with the right key. Any wishes of a client that can be written down: a server
// reads them back and agrees.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/handshake.h"

namespace parley::codec {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_in_range(const DeflateParameters& parameters) {
  const auto good = [](std::uint8_t bits) { return bits >= 8 && bits <= 15; };
  return good(parameters.server_max_window_bits) && good(parameters.client_max_window_bits);
}

// One head, and as many bytes behind it as it says.
Response read_whole(const std::string& text) {
  ResponseReader reader;
  Response response;
  require(reader.next(as_bytes(text), response) == HeadStep::head);
  const std::string rest = text.substr(reader.head_bytes());
  const auto [lines, length] = response.headers.find("Content-Length");
  require(lines == (response.status == 101 ? 0U : 1U));
  require(lines == 0 ? rest.empty() : std::to_string(rest.size()) == length);
  return response;
}

void check_answer(const Request& request, const ServerPolicy& policy) {
  const ServerAnswer given = answer(request, policy);
  const Response response = read_whole(given.response);
  require(response.status == given.status && (given.status == 101 || given.status >= 400));
  require(given.accepted() == given.phrase.empty());
  require(given.accepted() == (response.headers.find("Sec-WebSocket-Accept").lines == 1));
  require(given.accepted() || (!given.deflate && given.subprotocol.empty()));
  require(!given.deflate || (policy.deflate && is_in_range(*given.deflate)));
  require(response.headers.find("Sec-WebSocket-Protocol").value == given.subprotocol);
  require(!given.accepted() || request.method == "GET");
}

void try_request(Bytes bytes) {
  RequestReader reader;
  Request request;
  if (reader.next(bytes, request) != HeadStep::head) return;
  const std::vector<std::string> names{"chat", "b"};
  const std::vector<std::string> origins{"https://good.example"};
  const DeflateParameters plain;
  const DeflateParameters tight{.server_no_context_takeover = true,
                                .client_no_context_takeover = true,
                                .server_max_window_bits = 9,
                                .client_max_window_bits = 8};
  asks_for_websocket(request);
  check_answer(request, {});
  check_answer(request, {.origins = Origins::any, .subprotocols = names, .deflate = &plain});
  check_answer(request, {.origins = Origins::listed, .allowed_origins = origins, .deflate = &tight});
}

void try_response(Bytes bytes) {
  ResponseReader reader;
  Response response;
  if (reader.next(bytes, response) != HeadStep::head) return;
  const std::vector<std::string> names{"chat", "b"};
  const DeflateParameters wishes{.server_max_window_bits = 12};
  const Nonce nonce{};
  for (const ClientRequest& request :
       {ClientRequest{.host = "a"}, ClientRequest{.host = "a", .subprotocols = names, .deflate = &wishes}}) {
    const ClientVerdict verdict = check_response(response, request, nonce);
    const bool accepted = verdict.outcome == ClientVerdict::Outcome::accepted;
    require(verdict.status == response.status);
    require(!accepted || response.headers.find("Sec-WebSocket-Accept").value == websocket_accept(websocket_key(nonce)));
    require(!verdict.deflate || (request.deflate && is_in_range(*verdict.deflate)));
    require(verdict.deflate.has_value() <= accepted);
  }
}

// The text as the parts of a client's request, cut at line feeds.
void try_wishes(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size() && parts.size() < 8;) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.resize(8);
  const std::vector<std::string> names{parts[3]};
  const std::vector<HeaderText> headers{{parts[6], parts[7]}};
  ClientRequest wishes{.host = parts[0], .target = parts[1], .origin = parts[2], .user = parts[4], .bearer = parts[5]};
  if (!parts[3].empty()) wishes.subprotocols = names;
  if (!parts[6].empty()) wishes.headers = headers;
  const Nonce nonce{};
  const auto written = write_request(wishes, nonce);
  if (!written) return;

  RequestReader reader({.head_bytes_max = 1 << 20});
  Request request;
  require(reader.next(as_bytes(*written), request) == HeadStep::head);
  require(reader.head_bytes() == written->size() && request.target == parts[1] && request.authority == parts[0]);
  const ServerAnswer given = answer(
      request,
      {.origins = Origins::any,
       .subprotocols = names.front().empty() ? std::span<const std::string>{} : std::span<const std::string>(names)});
  require(given.accepted());
  ResponseReader responses;
  Response response;
  require(responses.next(as_bytes(given.response), response) == HeadStep::head);
  const ClientVerdict verdict = check_response(response, wishes, nonce);
  require(verdict.outcome == ClientVerdict::Outcome::accepted && verdict.subprotocol == parts[3]);
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const parley::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  parley::codec::try_request(bytes);
  parley::codec::try_response(bytes);
  parley::codec::try_wishes(parley::as_text(bytes));
  return 0;
}
