#include <parley/loop.h>
#include <parley/tls.h>

#include <openssl/x509v3.h>

#include <mutex>
#include <utility>

#include "transport/tls/context.h"
#include "transport/tls/tickets.h"

namespace parley::tls {
namespace {

constexpr unsigned self_signed_days = 30;
constexpr unsigned char session_id_context[] = "parley";  // tickets are bound to the keys of their Contexts anyway

}  // namespace

// What is current: an SSL_CTX a certificate. A handshake that began with it ends with it.
class Contexts {
 public:
  static Read<std::shared_ptr<const Contexts>> make(const ServerOptions& options);
  static Read<std::shared_ptr<const Contexts>> make(const ServerOptions& options, const SelfSigned& own);

  SSL_CTX& first() const noexcept { return *all_.front(); }

 private:
  Read<SslContext> context_of(const ServerOptions& options);
  void listen_for_names() noexcept;
  static int chose_name(SSL* ssl, int* alert, void* contexts) noexcept;
  static int chose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                            unsigned in_size, void* contexts) noexcept;

  TicketKeys tickets_;
  std::vector<SslContext> all_;
  std::vector<unsigned char> alpn_;
};

class Server::Core {
 public:
  Core(ServerOptions what, std::shared_ptr<const Contexts> now, bool made)
      : options(std::move(what)), is_self_signed(made), contexts_(std::move(now)) {}

  std::shared_ptr<const Contexts> contexts() const {
    std::lock_guard lock(mutex_);
    return contexts_;
  }
  void replace(std::shared_ptr<const Contexts> contexts) {
    std::lock_guard lock(mutex_);
    contexts_.swap(contexts);
  }

  const ServerOptions options;
  const bool is_self_signed;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Contexts> contexts_;
};

Read<SslContext> Contexts::context_of(const ServerOptions& options) {
  Read<SslContext> context = make_context(TLS_server_method(), options.version_min, options.version_max);
  if (!context) return context;
  SSL_CTX_set_session_id_context(context->get(), session_id_context, sizeof session_id_context);
  SSL_CTX_set_session_cache_mode(context->get(), SSL_SESS_CACHE_OFF);  // tickets keep nothing here (RFC 5077)
  tickets_.serve(**context);
  if (!options.client_authorities.empty()) {
    if (Read<void> trusted = trust(**context, options.client_authorities, true); !trusted) {
      return std::unexpected(trusted.error());
    }
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  Read<std::vector<unsigned char>> alpn = alpn_on_the_wire(options.alpn);
  if (!alpn) return std::unexpected(alpn.error());
  alpn_ = std::move(*alpn);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context->get(), chose_protocol, this);
  return context;
}

void Contexts::listen_for_names() noexcept {
  if (all_.size() < 2) return;
  SSL_CTX_set_tlsext_servername_callback(all_.front().get(), chose_name);
  SSL_CTX_set_tlsext_servername_arg(all_.front().get(), this);
}

Read<std::shared_ptr<const Contexts>> Contexts::make(const ServerOptions& options) {
  auto made = std::make_shared<Contexts>();
  if (options.certificates.empty()) {
    return std::unexpected(Fault{{Errc::invalid_argument, 0}, "a TLS server needs a certificate"});
  }
  for (const KeyPair& pair : options.certificates) {
    Read<SslContext> context = made->context_of(options);
    if (!context) return std::unexpected(context.error());
    if (Read<void> shown = show(**context, pair); !shown) return std::unexpected(shown.error());
    made->all_.push_back(std::move(*context));
  }
  made->listen_for_names();
  return made;
}

Read<std::shared_ptr<const Contexts>> Contexts::make(const ServerOptions& options, const SelfSigned& own) {
  auto made = std::make_shared<Contexts>();
  Read<SslContext> context = made->context_of(options);
  if (!context) return std::unexpected(context.error());
  std::vector<Certificate> chain;
  X509_up_ref(own.certificate.get());
  chain.emplace_back(own.certificate.get());
  if (Read<void> shown = show(**context, std::move(chain), own.key, {}); !shown) return std::unexpected(shown.error());
  made->all_.push_back(std::move(*context));
  return made;
}

// RFC 6066, 3: the client says which name it wants. One that we don't know is no error: the first certificate is shown.
int Contexts::chose_name(SSL* ssl, int*, void* contexts) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  for (const SslContext& each : static_cast<const Contexts*>(contexts)->all_) {
    X509* certificate = SSL_CTX_get0_certificate(each.get());
    if (X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) != 1) continue;
    SSL_set_SSL_CTX(ssl, each.get());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// RFC 7301, 3.2: "In the event that the server supports no protocols that the client advertises, then the server SHALL
// respond with a fatal "no_application_protocol" alert."
int Contexts::chose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                             unsigned in_size, void* contexts) noexcept {
  const auto& ours = static_cast<const Contexts*>(contexts)->alpn_;
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), in, in_size);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<Server> Server::make(ServerOptions options, std::string* problem) {
  Read<std::shared_ptr<const Contexts>> contexts = Contexts::make(options);
  if (!contexts) return told(std::move(contexts.error()), problem);
  Server server;
  server.core_ = std::make_shared<Core>(std::move(options), std::move(*contexts), false);
  return server;
}

Result<Server> Server::self_signed(std::string_view names, ServerOptions options, std::string* problem) {
  if (!options.certificates.empty()) return fail(Errc::invalid_argument);
  Read<SelfSigned> own = make_self_signed(names, self_signed_days);
  if (!own) return told(std::move(own.error()), problem);
  Read<std::shared_ptr<const Contexts>> contexts = Contexts::make(options, *own);
  if (!contexts) return told(std::move(contexts.error()), problem);
  Server server;
  server.core_ = std::make_shared<Core>(std::move(options), std::move(*contexts), true);
  return server;
}

Result<void> Server::reload(std::string* problem) {
  if (!core_) return fail(Errc::invalid_argument);
  if (core_->is_self_signed) return {};
  Read<std::shared_ptr<const Contexts>> contexts = Contexts::make(core_->options);
  if (!contexts) return told(std::move(contexts.error()), problem);
  core_->replace(std::move(*contexts));
  return {};
}

std::string Server::fingerprint() const {
  const std::shared_ptr<const Contexts> contexts = core_ ? core_->contexts() : nullptr;
  return contexts ? fingerprint_of(*SSL_CTX_get0_certificate(&contexts->first())) : std::string();
}

namespace {

Task<Result<Stream>> accept_with(detail::Core& loop, std::shared_ptr<Server::Core> core, Stream peer,
                                 std::string before, Info* info) {
  if (!core) co_return fail(Errc::invalid_argument);
  const std::shared_ptr<const Contexts> contexts = core->contexts();
  Ssl ssl(SSL_new(&contexts->first()));
  if (ssl) SSL_set_accept_state(ssl.get());
  Task<Result<Stream>> shaking =
      shake_hands(loop, std::move(peer), std::move(ssl), contexts, std::move(before), core->options.limits, info);
  co_return co_await shaking;
}

}  // namespace

Task<Result<Stream>> Server::accept(Loop& loop, Stream peer, Info* info) const {
  return accept_with(loop.core(), core_, std::move(peer), {}, info);
}

Task<Result<Stream>> Server::accept(Loop& loop, Stream peer, std::string before, Bytes last, Info* info) const {
  before += as_text(last);
  return accept_with(loop.core(), core_, std::move(peer), std::move(before), info);
}

// RFC 8446, 5.1 and 4: a record of type handshake(22), of version 3.x, whose first message is a client_hello(1).
Begins begins_hello(Bytes bytes) noexcept {
  constexpr int wanted[] = {22, 3, -1, -1, -1, 1};  // -1: anything
  std::size_t at = 0;
  for (const int octet : wanted) {
    if (at == bytes.size()) return Begins::more;
    if (octet >= 0 && static_cast<int>(bytes[at]) != octet) return Begins::no;
    ++at;
  }
  return Begins::yes;
}

}  // namespace parley::tls
