#include <parley/ws/client.h>

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "codec/handshake.h"
#include "ws/session_core.h"
#include "ws/shared.h"
#include "ws/wishes.h"

namespace parley::ws {
namespace {

using Outcome = codec::ClientVerdict::Outcome;

constexpr std::size_t headers_max = 100;

// One attempt: a session, or where a redirect leads.
struct Attempt {
  Session session;
  std::string location;
};

Result<Attempt> judge(const codec::ClientVerdict& verdict, Refusal* refusal) {
  switch (verdict.outcome) {
    case Outcome::broken:
    case Outcome::interim: return parley::fail(Errc::protocol);
    case Outcome::redirected:
    case Outcome::refused: break;
    case Outcome::accepted: return Attempt{};
  }
  if (refusal) *refusal = {.status = verdict.status, .location = std::string(verdict.location)};
  if (verdict.outcome == Outcome::redirected) return Attempt{{}, std::string(verdict.location)};
  return parley::fail(Errc::refused);
}

Session make_session(Loop& loop, Stream peer, const Wishes& wishes, const codec::ClientVerdict& verdict,
                     std::size_t consumed) {
  auto* shared =
      new Shared(loop.core(), Role::client, wishes.options.limits);  // owned: by its one session, once released
  shared->subprotocols = wishes.subprotocols;
  shared->deflate = wishes.options.deflate_options;
  shared->observe(wishes.options.frame, wishes.options.frame_state);
  Session session = SessionCore::make(std::move(peer), *shared, consumed);
  SessionCore::of(session).agreed(verdict.subprotocol, verdict.deflate);
  shared->release();
  return session;
}

// Straight, or through the proxy: "If the client is configured to use a proxy when using the WebSocket Protocol to
// connect to host /host/ and port /port/, then the client SHOULD connect to that proxy and ask it to open a TCP
// connection to the host given by /host/ and the port given by /port/." (RFC 6455, 4.1)
Task<Result<Stream>> reach_in_plain(Loop& loop, const Url& url, const Wishes& wishes, Refusal* refusal) {
  if (wishes.proxy->kind == Proxy::Kind::none) {
    Result<Stream> straight = co_await parley::connect(loop, url.endpoint, wishes.options.connect);
    co_return straight;
  }
  unsigned status = 0;
  Task<Result<Stream>> reaching = connect_through(loop, *wishes.proxy, url.endpoint, wishes.options.connect,
                                                  {wishes.options.handshake_bytes_max, headers_max}, status);
  Result<Stream> peer = co_await reaching;
  if (!peer && refusal) *refusal = {.status = status, .location = {}, .by_proxy = true};
  co_return peer;
}

// "If /secure/ is true, the client MUST perform a TLS handshake over the connection after opening the connection and
// before sending the handshake data." (RFC 6455, 4.1)
Task<Result<Stream>> reach(Loop& loop, const Url& url, const Wishes& wishes, Refusal* refusal) {
  Task<Result<Stream>> reaching = reach_in_plain(loop, url, wishes, refusal);
  Result<Stream> peer = co_await reaching;
  if (!url.secure || !peer) co_return peer;
  reaching = wishes.options.connect.tls.connect(loop, std::move(*peer), url.endpoint.host);
  co_return co_await reaching;
}

Task<Result<Attempt>> shake_hands(Loop& loop, const Url& url, const Wishes& wishes, Refusal* refusal) {
  const ConnectOptions& options = wishes.options;
  if (!is_sound(options.deflate_options)) co_return parley::fail(Errc::invalid_argument);
  if (!wishes.proxy) co_return std::unexpected(wishes.proxy.error());
  codec::DeflateParameters deflate;
  if (options.deflate) deflate = ws::wishes(loop.core(), Role::client, options.deflate_options);
  const codec::ClientRequest request{.host = url.host,
                                     .target = url.target,
                                     .origin = wishes.origin,
                                     .subprotocols = wishes.subprotocols,
                                     .deflate = options.deflate ? &deflate : nullptr,
                                     .user = wishes.user,
                                     .password = wishes.password,
                                     .bearer = wishes.bearer,
                                     .headers = wishes.headers};
  codec::Nonce nonce;  // "The nonce MUST be selected randomly for each connection." (4.1)
  if (Result<void> random = strong_random(nonce); !random) co_return std::unexpected(random.error());
  Result<std::string> text = codec::write_request(request, nonce);
  if (!text) co_return std::unexpected(text.error());
  Task<Result<Stream>> reaching = reach(loop, url, wishes, refusal);
  Result<Stream> connected = co_await reaching;
  if (!connected) co_return std::unexpected(connected.error());
  Stream peer = std::move(*connected);
  Result<void> sent = co_await peer.send(*text);
  if (!sent) co_return std::unexpected(sent.error());

  // "Once the client's opening handshake has been sent, the client MUST wait for a response from the server before
  // sending any further data." (4.1)
  codec::ResponseReader reader({options.handshake_bytes_max, headers_max});
  codec::Response response;
  std::string gathered;
  for (;;) {
    Result<Bytes> received = co_await peer.receive();
    if (!received) co_return std::unexpected(received.error());
    const std::size_t before = gathered.size();
    gathered += as_text(*received);
    switch (reader.next(as_bytes(gathered), response)) {
      case codec::HeadStep::starved: continue;
      case codec::HeadStep::fault:
        co_return parley::fail(reader.fault() == codec::HeadFault::too_large ? Errc::too_large : Errc::protocol);
      case codec::HeadStep::head: break;
    }
    const codec::ClientVerdict verdict = codec::check_response(response, request, nonce);
    Result<Attempt> attempt = judge(verdict, refusal);
    if (!attempt || verdict.outcome != Outcome::accepted) co_return attempt;
    attempt->session = make_session(loop, std::move(peer), wishes, verdict, reader.head_bytes() - before);
    co_return attempt;
  }
}

// What only this machine can reach is not for a server elsewhere to choose, and what was to be secure stays so.
bool may_lead(const Url& from, const Url& to) noexcept {
  if (from.secure && !to.secure) return false;
  return to.endpoint.scheme != Scheme::local || from.endpoint.scheme == Scheme::local;
}

}  // namespace

Task<Result<Session>> connect_as(Loop& loop, Result<Url> where, Wishes wishes, Refusal* refusal) {
  const auto time = std::chrono::seconds(wishes.options.handshake_seconds);
  for (unsigned redirects = 0; where; ++redirects) {
    if (refusal) *refusal = {};  // not that of what led here
    Result<Attempt> attempt = co_await within(time, shake_hands(loop, *where, wishes, refusal));
    if (!attempt) co_return std::unexpected(attempt.error());
    if (attempt->session) co_return std::move(attempt->session);
    if (redirects == wishes.options.redirects_max) co_return parley::fail(Errc::refused);
    Result<Url> next = parse_url(attempt->location);
    if (next && !may_lead(*where, *next)) co_return parley::fail(Errc::refused);
    if (next && (next->endpoint != where->endpoint || next->secure != where->secure)) wishes.forget_secrets();
    where = std::move(next);
  }
  co_return std::unexpected(where.error());
}

// No coroutine: what the options refer to is copied before it returns.
Task<Result<Session>> connect(Loop& loop, std::string_view url, const ConnectOptions& options, Refusal* refusal) {
  return connect_as(loop, parse_url(url), Wishes(options), refusal);
}

}  // namespace parley::ws
