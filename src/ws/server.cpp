#include <parley/ws/server.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/split.h"
#include "codec/handshake.h"
#include "transport/connections.h"
#include "ws/session_core.h"
#include "ws/shared.h"
#include "ws/text.h"
#include "ws/url.h"

namespace parley::ws {
namespace {

// After a refusal: input that is unread when a connection is closed would reset it, and destroy the answer on its way.
constexpr std::size_t discarded_bytes_max = 256 * 1024;
constexpr auto discarding_time = std::chrono::seconds(1);

Task<Result<void>> discard_input(Stream& peer) {
  std::size_t discarded = 0;
  while (discarded < discarded_bytes_max) {
    Result<Bytes> bytes = co_await peer.receive();
    if (!bytes) co_return std::unexpected(bytes.error());
    discarded += bytes->size();
  }
  co_return {};
}

// Only where it matters: it takes a system call.
bool from_a_page(const codec::Request& request) noexcept { return request.headers.find("Origin").lines != 0; }

bool is_on_loopback(const Stream& peer) noexcept {
  const Address here = peer.local_address();
  return here.family() != Family::local && here.is_loopback();
}

Errc reason_of(std::uint16_t status) noexcept {
  switch (status) {
    case 403: return Errc::permission_denied;
    case 413:
    case 414:
    case 431: return Errc::too_large;
    default: return Errc::protocol;
  }
}

codec::Origins codec_origins(Origins origins) noexcept {
  switch (origins) {
    case Origins::same_host: return codec::Origins::same_host;
    case Origins::listed: return codec::Origins::listed;
    case Origins::any: break;
  }
  return codec::Origins::any;
}

}  // namespace

// Shakes hands with one client after another; what that needs besides the options.
class Acceptor::Impl {
 public:
  Impl(Loop& on, const ServeOptions& serve_options)
      : loop(on),
        options(serve_options),
        allowed_origins_(split_list(options.allowed_origins)),
        headers_(split_headers(options.headers)),
        shared_(new Shared(loop.core(), Role::server, options.limits)) {  // owned: released below
    PARLEY_CHECK(is_sound(options.deflate_options), "DeflateOptions out of range");
    shared_->subprotocols = split_list(options.subprotocols);
    shared_->deflate = options.deflate_options;
    shared_->observe(options.frame, options.frame_state);
    options.allowed_origins = options.subprotocols = options.headers = {};
  }
  ~Impl() { shared_->release(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Task<Result<Session>> shake_hands(Stream& peer, std::string gathered, Bytes received);

  Loop& loop;
  ServeOptions options;  // without its texts

 private:
  Task<Error> refuse(Stream& peer, std::uint16_t status, std::string response);
  Task<Result<Session>> answer(Stream& peer, const codec::Request& request, std::string_view head, Bytes rest);

  const std::vector<std::string> allowed_origins_;
  const std::vector<codec::HeaderText> headers_;
  Shared* shared_;
};

// `gathered`: what came in earlier reads; `received`: what the last one showed, if there was one.
Task<Result<Session>> Acceptor::Impl::shake_hands(Stream& peer, std::string gathered, Bytes received) {
  codec::RequestReader reader({options.handshake_bytes_max, options.handshake_headers_max});
  codec::Request request;
  for (bool begun = !gathered.empty() || !received.empty();; begun = false) {
    if (!begun) {
      Result<Bytes> more = co_await peer.receive();
      if (!more) co_return std::unexpected(more.error());
      received = *more;
    }
    const std::size_t before = gathered.size();
    if (before != 0) gathered += as_text(received);
    const Bytes bytes = before != 0 ? as_bytes(gathered) : received;
    switch (reader.next(bytes, request)) {
      case codec::HeadStep::starved:
        if (before == 0) gathered = as_text(bytes);
        continue;
      case codec::HeadStep::fault: {
        const std::uint16_t status = codec::http_status(reader.fault());
        std::string response = codec::refusal(status, codec::phrase(reader.fault()));
        co_return std::unexpected(co_await refuse(peer, status, std::move(response)));
      }
      case codec::HeadStep::head: break;
    }
    const std::string_view head = as_text(bytes.first(reader.head_bytes()));
    co_return co_await answer(peer, request, head, bytes.subspan(reader.head_bytes()));
  }
}

Task<Result<Session>> Acceptor::Impl::answer(Stream& peer, const codec::Request& request, std::string_view head,
                                             Bytes rest) {
  codec::DeflateParameters deflate;
  if (options.deflate) deflate = wishes(shared_->core, Role::server, options.deflate_options);
  const codec::ServerPolicy policy{.origins = codec_origins(options.origins),
                                   .on_loopback = from_a_page(request) && is_on_loopback(peer),
                                   .allowed_origins = allowed_origins_,
                                   .subprotocols = shared_->subprotocols,
                                   .deflate = options.deflate ? &deflate : nullptr,
                                   .headers = headers_};
  if (options.respond && !codec::asks_for_websocket(request)) {
    const Request asked{std::string(head)};
    Response page;
    if (options.respond(asked, page, options.respond_state)) {
      std::string text = codec::response(static_cast<std::uint16_t>(page.status), page.content_type,
                                         split_headers(page.headers), page.body, request.method != "HEAD");
      co_await refuse(peer, static_cast<std::uint16_t>(page.status), std::move(text));
      co_return parley::fail(Errc::end);
    }
  }
  codec::ServerAnswer verdict = codec::answer(request, policy);
  if (!verdict.accepted()) {
    // "The HEAD method is identical to GET except that the server MUST NOT send content in the response." (RFC 9110,
    // 9.3.2)
    if (request.method == "HEAD") verdict.response.resize(verdict.response.find("\r\n\r\n") + 4);
    co_return std::unexpected(co_await refuse(peer, verdict.status, std::move(verdict.response)));
  }
  auto asked = std::make_unique<Request>(std::string(head));
  if (const unsigned status = options.refuse ? options.refuse(*asked, options.refuse_state) : 0; status != 0) {
    std::string response = codec::refusal(static_cast<std::uint16_t>(status), "refused by the application");
    co_await refuse(peer, static_cast<std::uint16_t>(status), std::move(response));
    co_return parley::fail(Errc::permission_denied);
  }
  Result<void> sent = co_await peer.send(verdict.response);
  if (!sent) co_return std::unexpected(sent.error());
  Session session = SessionCore::make(std::move(peer), *shared_, rest);
  SessionCore::of(session).agreed(verdict.subprotocol, verdict.deflate);
  SessionCore::of(session).keep_request(std::move(asked));
  co_return session;
}

Task<Error> Acceptor::Impl::refuse(Stream& peer, std::uint16_t status, std::string response) {
  Result<void> sent = co_await peer.send(response);
  if (sent) {
    peer.shutdown();
    (void)co_await within(discarding_time, discard_input(peer));
  }
  co_return Error{reason_of(status), 0};
}

Acceptor::Acceptor(Loop& loop, const ServeOptions& options) : impl_(std::make_unique<Impl>(loop, options)) {}
Acceptor::Acceptor(Acceptor&&) noexcept = default;
Acceptor& Acceptor::operator=(Acceptor&&) noexcept = default;
Acceptor::~Acceptor() = default;

Task<Result<Session>> Acceptor::accept(Stream peer) {
  Task<Result<Session>> accepting = accept(std::move(peer), {}, {});
  co_return co_await accepting;
}

Task<Result<Session>> Acceptor::accept(Stream peer, std::string before, Bytes last) {
  if (const tls::Server& tls = impl_->options.tls) {
    Task<Result<Stream>> securing = tls.accept(impl_->loop, std::move(peer), std::exchange(before, {}), last);
    Result<Stream> secured = co_await securing;
    if (!secured) co_return std::unexpected(secured.error());
    peer = std::move(*secured);
    last = {};
  }
  const auto time = std::chrono::seconds(impl_->options.handshake_seconds);
  Result<Session> session = co_await within(time, impl_->shake_hands(peer, std::move(before), last));
  co_return session;
}

Begins begins_request(Bytes bytes) noexcept {
  switch (codec::begins_request(as_text(bytes))) {
    case codec::Begins::no: return Begins::no;
    case codec::Begins::more: return Begins::more;
    case codec::Begins::yes: break;
  }
  return Begins::yes;
}

namespace {

struct Server {
  Acceptor acceptor;
  Handler handler;
  Connections& connections;
};

// The handler is a task of its own, so that nothing of the handshake is kept while a session idles.
Task<> begin(Stream peer, Server& server) {
  Result<Session> session = co_await server.acceptor.accept(std::move(peer));
  if (session) server.connections.serve(server.handler, std::move(*session));
}

Task<Result<void>> serve_with(Loop& loop, Listener listener, Handler handler, Acceptor acceptor, ServeOptions options) {
  Connections connections(loop, options.thrown);
  Server server{std::move(acceptor), handler, connections};
  const auto start = [&](Stream peer) { connections.spawn(begin(std::move(peer), server)); };
  Task<Result<void>> accepting =
      connections.accept_all(std::move(listener), options.connections_max, options.drain_seconds, start);
  co_return co_await accepting;
}

Task<Result<void>> listen_and_serve(Loop& loop, Result<Url> url, Handler handler, Acceptor acceptor,
                                    ServeOptions options) {
  if (!url) co_return std::unexpected(url.error());
  const bool chooses = url->endpoint.scheme == Scheme::local;  // its URL does not say
  if (!chooses && url->secure != static_cast<bool>(options.tls)) co_return parley::fail(Errc::invalid_argument);
  Result<Listener> listener = listen(loop, url->endpoint, options.listen);
  if (!listener) co_return std::unexpected(listener.error());
  Task<Result<void>> serving = serve_with(loop, std::move(*listener), handler, std::move(acceptor), std::move(options));
  co_return co_await serving;
}

}  // namespace

// These two are no coroutines: what the options refer to is copied before they return.
Task<Result<void>> serve(Loop& loop, Listener listener, Handler handler, const ServeOptions& options) {
  return serve_with(loop, std::move(listener), handler, Acceptor(loop, options), options);
}

Task<Result<void>> serve(Loop& loop, std::string_view url, Handler handler, const ServeOptions& options) {
  return listen_and_serve(loop, parse_url(url), handler, Acceptor(loop, options), options);
}

}  // namespace parley::ws
