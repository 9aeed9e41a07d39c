#include <parley/address.h>
#include <parley/loop.h>
#include <parley/tls.h>

#include <openssl/x509v3.h>

#include <mutex>
#include <utility>

#include "transport/tls/context.h"
#include "transport/tls/sessions.h"

namespace parley::tls {

class Client::Core {
 public:
  static Read<std::shared_ptr<Core>> make(const ClientOptions& options);
  // Of the defaults; null if there is no memory for it.
  static std::shared_ptr<Core> of_defaults();

  Ssl connection_to(const std::string& host) const;

  ClientOptions options;
  SslContext context;
};

namespace {

Read<void> set_up(SSL_CTX& context, const ClientOptions& options) {
  const std::unexpected<Fault> no_memory(Fault{{Errc::memory_exhausted, 0}, "no memory for TLS"});
  SSL_CTX_set_verify(&context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.authorities.empty()) {
    if (Read<void> trusted = trust(context, options.authorities, false); !trusted) return trusted;
  } else if (SSL_CTX_set_default_verify_paths(&context) != 1) {
    return no_memory;
  }
  if (!options.certificate.certificate.empty()) {
    if (Read<void> shown = show(context, options.certificate); !shown) return shown;
  }
  Read<std::vector<unsigned char>> alpn = alpn_on_the_wire(options.alpn);
  if (!alpn) return std::unexpected(alpn.error());
  if (!alpn->empty() && SSL_CTX_set_alpn_protos(&context, alpn->data(), static_cast<unsigned>(alpn->size())) != 0) {
    return no_memory;
  }
  if (options.sessions_max != 0 && !Sessions::keep_for(context, options.sessions_max)) return no_memory;
  return {};
}

}  // namespace

Read<std::shared_ptr<Client::Core>> Client::Core::make(const ClientOptions& options) {
  Read<SslContext> context = make_context(TLS_client_method(), options.version_min, options.version_max);
  if (!context) return std::unexpected(context.error());
  if (Read<void> done = set_up(**context, options); !done) return std::unexpected(done.error());
  auto core = std::make_shared<Core>();
  core->options = options;
  core->context = std::move(*context);
  return core;
}

std::shared_ptr<Client::Core> Client::Core::of_defaults() {
  static std::mutex mutex;
  static std::shared_ptr<Core> made;
  std::lock_guard lock(mutex);
  if (!made) made = make({}).value_or(nullptr);  // null: out of memory
  return made;
}

// The name is asked for (RFC 6066, 3: but no address: "Literal IPv4 and IPv6 addresses are not permitted"), and the
// certificate must be for it, of which a "*" stands for one whole label (RFC 9525, 6.3).
Ssl Client::Core::connection_to(const std::string& host) const {
  Ssl ssl(SSL_new(context.get()));
  if (!ssl) return nullptr;
  const bool is_address = Address::ip(host, 0).has_value();
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl.get());
  if (is_address) {
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) return nullptr;
  } else {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl.get(), host.c_str()) != 1) return nullptr;
    if (SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1) return nullptr;
  }
  if (Sessions* sessions = Sessions::of(*context)) {
    if (!Sessions::set_name(*ssl, host)) return nullptr;
    if (const SslSession session = sessions->take(host)) SSL_set_session(ssl.get(), session.get());
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

Result<Client> Client::make(ClientOptions options, std::string* problem) {
  Read<std::shared_ptr<Core>> core = Core::make(options);
  if (!core) return told(std::move(core.error()), problem);
  Client client;
  client.core_ = std::move(*core);
  return client;
}

bool Client::verifies() const noexcept { return !core_ || core_->options.verify; }

namespace {

Task<Result<Stream>> connect_with(detail::Core& loop, std::shared_ptr<Client::Core> core, Stream peer, std::string host,
                                  Info* info) {
  if (!core) co_return fail(Errc::memory_exhausted);
  std::string name = core->options.server_name.empty() ? std::move(host) : core->options.server_name;
  if (name.ends_with('.')) name.pop_back();                       // "example.org." is the same name, and absolute
  if (name.contains(':')) name = name.substr(0, name.find('%'));  // a zone is this machine's own matter
  if (name.empty()) name = "localhost";
  Task<Result<Stream>> shaking =
      shake_hands(loop, std::move(peer), core->connection_to(name), core, {}, core->options.limits, info);
  co_return co_await shaking;
}

}  // namespace

Task<Result<Stream>> Client::connect(Loop& loop, Stream peer, std::string host, Info* info) const {
  return connect_with(loop.core(), core_ ? core_ : Core::of_defaults(), std::move(peer), std::move(host), info);
}

}  // namespace parley::tls
