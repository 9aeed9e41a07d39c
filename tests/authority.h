// Certificates for tests, made on the spot: an authority that signs what a test asks for, good or bad.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <parley/parley.h>
#include <parley/tls.h>

namespace parley {

// Ed25519: quick, and its signatures are always of the same length, which simulated systems need.
class Authority {
 public:
  struct Wish {
    std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    long from_days = -1;  // from now
    long to_days = 1;
    bool is_authority = false;
    std::string usage = "serverAuth,clientAuth";
  };

  // One that signs itself. `signer`: signed by that one, an intermediate.
  explicit Authority(const std::string& name, const Authority* signer = nullptr)
      : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {
    certificate_.reset(make(name, Wish{.names = "", .is_authority = true, .usage = ""}, key_.get(),
                            signer ? signer->certificate_.get() : nullptr, signer ? signer->key_.get() : key_.get()));
  }

  std::string pem() const { return pem_of(certificate_.get()); }

  tls::KeyPair sign(const Wish& wish) const {
    const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    const CertificateHandle made(make("leaf", wish, key.get(), certificate_.get(), key_.get()));
    return {pem_of(made.get()), pem_of(key.get())};
  }
  tls::KeyPair sign() const { return sign(Wish{}); }

  // A key that only who knows the password can read.
  static std::string encrypted_key() {
    const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    std::string password = "secret";
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), password.data(),
                                  static_cast<int>(password.size()), nullptr, nullptr);
    return text_of(bio.get());
  }

  // Signed by nobody but itself.
  static tls::KeyPair sign_itself() {
    const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    const CertificateHandle made(make("itself", Wish{}, key.get(), nullptr, key.get()));
    return {pem_of(made.get()), pem_of(key.get())};
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  using KeyHandle = std::unique_ptr<EVP_PKEY, Free>;
  using CertificateHandle = std::unique_ptr<X509, Free>;

  static void extend(X509* certificate, X509* signer, int name, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static X509* make(const std::string& name, const Wish& wish, EVP_PKEY* key, X509* signer, EVP_PKEY* signing_key) {
    static long serial = 0;
    X509* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wish.from_days * 86400);
    X509_gmtime_adj(X509_getm_notAfter(made), wish.to_days * 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(signer ? signer : made));
    X509_set_pubkey(made, key);
    X509* by = signer ? signer : made;
    extend(made, by, NID_basic_constraints, wish.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(made, by, NID_subject_key_identifier, "hash");
    if (signer) extend(made, by, NID_authority_key_identifier, "keyid:always");
    extend(made, by, NID_subject_alt_name, wish.names);
    extend(made, by, NID_ext_key_usage, wish.usage);
    EXPECT_GT(X509_sign(made, signing_key, nullptr), 0);
    return made;
  }

  template <class T>
  static std::string pem_of(T* thing) {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    if constexpr (std::is_same_v<T, X509>) {
      PEM_write_bio_X509(bio.get(), thing);
    } else {
      PEM_write_bio_PrivateKey(bio.get(), thing, nullptr, nullptr, 0, nullptr, nullptr);
    }
    return text_of(bio.get());
  }

  static std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
  }

  KeyHandle key_;
  CertificateHandle certificate_;
};

// A server for localhost, and a client that trusts it.
struct TlsEnds {
  static const TlsEnds& get() {
    static const TlsEnds ends;
    return ends;
  }

  Authority authority{"test authority"};
  tls::Server server = *tls::Server::make({.certificates = {authority.sign()}});
  tls::Client client = *tls::Client::make({.authorities = authority.pem()});
};

// Puts TLS over both ends of a connection.
struct Secured {
  Result<Stream> client = fail(Errc::closed);
  Result<Stream> server = fail(Errc::closed);
};

inline Task<> accept_into(Loop& loop, const tls::Server& server, Stream peer, Result<Stream>& out,
                          tls::Info* info = nullptr) {
  out = co_await server.accept(loop, std::move(peer), info);
}

inline Task<Secured> secure(Loop& loop, Stream client_end, Stream server_end, const tls::Client& client,
                            const tls::Server& server, tls::Info* client_info = nullptr,
                            tls::Info* server_info = nullptr) {
  Secured both;
  TaskGroup group(loop);
  group.spawn(accept_into(loop, server, std::move(server_end), both.server, server_info));
  Task<Result<Stream>> connecting = client.connect(loop, std::move(client_end), "localhost", client_info);
  both.client = co_await connecting;
  (void)co_await group.join();
  co_return both;
}

}  // namespace parley
