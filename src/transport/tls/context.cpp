#include "transport/tls/context.h"

#include <openssl/err.h>

#include <chrono>
#include <utility>

#include "base/split.h"
#include "transport/tls/bio.h"

namespace parley::tls {
namespace {

// TLS 1.2: with forward secrecy and authenticated encryption only (RFC 9325, 4.2). TLS 1.3 has nothing else. AES-128
// comes first: nobody breaks it, and it costs less, as does SHA-256 with it.
constexpr const char* ciphers_1_2 = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* ciphers_1_3 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::size_t protocol_bytes_max = 255;

int number_of(Version version) noexcept { return version == Version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION; }

std::unexpected<Fault> out_of_memory() {
  ERR_clear_error();
  return std::unexpected(Fault{{Errc::memory_exhausted, 0}, "no memory for TLS"});
}

std::unexpected<Fault> wrong(std::string problem) {
  ERR_clear_error();
  return std::unexpected(Fault{{Errc::invalid_argument, 0}, std::move(problem)});
}

}  // namespace

std::unexpected<Error> told(Fault fault, std::string* problem) {
  if (problem) *problem = std::move(fault.problem);
  return std::unexpected(fault.error);
}

Read<SslContext> make_context(const SSL_METHOD* method, Version version_min, Version version_max) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return out_of_memory();
  if (version_max < version_min) return wrong("version_max is below version_min");
  SSL_CTX_set_min_proto_version(context.get(), number_of(version_min));
  SSL_CTX_set_max_proto_version(context.get(), number_of(version_max));
  SSL_CTX_set_cipher_list(context.get(), ciphers_1_2);
  SSL_CTX_set_ciphersuites(context.get(), ciphers_1_3);
  SSL_CTX_set_options(
      context.get(),
      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
          SSL_OP_PRIORITIZE_CHACHA);  // for clients that would rather have it: they lack AES in hardware
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_early_data(context.get(), 0);
  return context;
}

Read<void> show(SSL_CTX& context, std::vector<Certificate> chain, const Key& key, const KeyPair& names) {
  if (SSL_CTX_use_certificate(&context, chain.front().get()) != 1) {
    return wrong(name_of(names.certificate) + ": the certificate is too weak, or of a kind that is not supported");
  }
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1 || SSL_CTX_check_private_key(&context) != 1) {
    return wrong(name_of(names.key) + ": it is not the key of " + name_of(names.certificate));
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(&context, chain[i].get()) != 1) {
      return wrong(name_of(names.certificate) + ": a certificate of the chain is too weak");
    }
  }
  return {};
}

Read<void> show(SSL_CTX& context, const KeyPair& pair) {
  Read<std::vector<Certificate>> chain = read_certificates(pair.certificate);
  if (!chain) return std::unexpected(chain.error());
  Read<Key> key = read_key(pair.key);
  if (!key) return std::unexpected(key.error());
  return show(context, std::move(*chain), *key, pair);
}

Read<void> trust(SSL_CTX& context, const std::string& authorities, bool tell) {
  Read<std::vector<Certificate>> all = read_certificates(authorities);
  if (!all) return std::unexpected(all.error());
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const Certificate& each : *all) {
    if (X509_STORE_add_cert(store, each.get()) != 1) return out_of_memory();
    if (tell && SSL_CTX_add_client_CA(&context, each.get()) != 1) return out_of_memory();
  }
  return {};
}

Read<std::vector<unsigned char>> alpn_on_the_wire(std::string_view text) {
  std::vector<unsigned char> wire;
  for (const std::string& name : split_list(text)) {
    if (name.size() > protocol_bytes_max) return wrong("alpn: a protocol is too long");
    wire.push_back(static_cast<unsigned char>(name.size()));
    wire.insert(wire.end(), name.begin(), name.end());
  }
  return wire;
}

Info info_of(const SSL& ssl) {
  Info info;
  info.version = SSL_version(&ssl) == TLS1_2_VERSION ? Version::tls_1_2 : Version::tls_1_3;
  info.cipher = SSL_get_cipher_name(&ssl);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &protocol, &size);
  if (size != 0) info.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  if (const char* name = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name)) info.server_name = name;
  if (const X509* peer = SSL_get0_peer_certificate(&ssl)) info.peer = fingerprint_of(*peer);
  info.verified =
      !info.peer.empty() && SSL_get_verify_result(&ssl) == X509_V_OK && SSL_get_verify_mode(&ssl) != SSL_VERIFY_NONE;
  info.resumed = SSL_session_reused(&ssl) == 1;
  return info;
}

Task<Result<Stream>> shake_hands(detail::Core& core, Stream peer, Ssl ssl, std::shared_ptr<const void> keeps,
                                 std::string before, HandshakeLimits limits, Info* info) {
  if (!ssl || !make_bio(*ssl)) {
    peer.close();
    co_return fail(Errc::memory_exhausted);
  }
  TlsStream& made =
      TlsStream::make(core, std::move(peer), std::move(ssl), std::move(keeps), std::move(before), limits.bytes_max);
  Stream stream(made);
  Result<void> shaken = co_await within(std::chrono::seconds(limits.seconds), made.shake_hands());
  if (!shaken) co_return std::unexpected(shaken.error());
  if (info) *info = info_of(*made.ssl());
  co_return stream;
}

}  // namespace parley::tls
