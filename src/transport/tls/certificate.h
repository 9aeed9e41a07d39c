// Certificates and keys: read from PEM, made, and named.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parley/tls.h>

namespace parley::tls {

struct X509Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, X509Free>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

// What goes wrong here has a line for people, which begins with the file.
struct Fault {
  Error error;
  std::string problem;
};
template <class T>
using Read = std::expected<T, Fault>;

// `pem`: a path, or the text. At least one certificate.
Read<std::vector<Certificate>> read_certificates(const std::string& pem);
Read<Key> read_key(const std::string& pem);
// What to call it in a complaint: the path, or "the text".
std::string name_of(const std::string& pem);

struct SelfSigned {
  Certificate certificate;
  Key key;
};
// For these host names and addresses, with commas between them, from now on.
Read<SelfSigned> make_self_signed(std::string_view names, unsigned days);

// Its SHA-256: "3B:0C:...".
std::string fingerprint_of(const X509& certificate);

}  // namespace parley::tls
