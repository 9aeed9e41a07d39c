#include "transport/tls/certificate.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

#include <parley/address.h>

#include "base/split.h"

namespace parley::tls {
namespace {

constexpr std::string_view pem_begin = "-----BEGIN";
constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;  // the system's authorities are a quarter of a MiB

bool is_text(const std::string& pem) noexcept { return pem.starts_with(pem_begin); }

std::unexpected<Fault> complain(const std::string& pem, std::string_view reason, Errc code = Errc::invalid_argument) {
  return std::unexpected(Fault{{code, 0}, name_of(pem) + ": " + std::string(reason)});
}

Read<std::string> contents_of(const std::string& pem) {
  if (is_text(pem)) return pem;
  const int descriptor = ::open(pem.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  std::array<char, 16384> piece;
  ssize_t got = descriptor < 0 ? -1 : 1;
  while (got > 0 && text.size() <= file_bytes_max) {
    got = ::read(descriptor, piece.data(), piece.size());
    if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
  }
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (got < 0) {
    const char* phrase = strerrordesc_np(error);
    const Errc code = error == EACCES ? Errc::permission_denied : Errc::invalid_argument;
    return complain(pem, phrase ? phrase : "it can't be read", code);
  }
  if (text.size() > file_bytes_max) return complain(pem, "it is too large", Errc::too_large);
  return text;
}

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

Bio reader_of(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Without it OpenSSL would ask for a password at the terminal.
int no_password(char*, int, int, void* asked) noexcept {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// "DNS:localhost,IP:::1"
std::string alternative_names(std::string_view names) {
  std::string out;
  for (const std::string& name : split_list(names)) {
    out += (out.empty() ? "" : ",") + std::string(Address::ip(name, 0) ? "IP:" : "DNS:") + name;
  }
  return out;
}

bool extend(X509* certificate, int name, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, value.c_str());
  const bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

}  // namespace

std::string name_of(const std::string& pem) { return is_text(pem) ? "the text" : pem; }

Read<std::vector<Certificate>> read_certificates(const std::string& pem) {
  Read<std::string> text = contents_of(pem);
  if (!text) return std::unexpected(text.error());
  const Bio bio = reader_of(*text);
  std::vector<Certificate> all;
  while (X509* next = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(next);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return complain(pem, "a certificate in it is damaged");
  if (all.empty()) return complain(pem, "there is no certificate in it (PEM)");
  return all;
}

Read<Key> read_key(const std::string& pem) {
  Read<std::string> text = contents_of(pem);
  if (!text) return std::unexpected(text.error());
  const Bio bio = reader_of(*text);
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, &asked));
  const bool has_key = text->contains("PRIVATE KEY-----");
  ERR_clear_error();
  OPENSSL_cleanse(text->data(), text->size());
  if (key) return key;
  if (asked) return complain(pem, "the key in it is encrypted: decrypt it first (openssl pkey)");
  return complain(pem, has_key ? "the key in it is damaged" : "there is no private key in it (PEM)");
}

Read<SelfSigned> make_self_signed(std::string_view names, unsigned days) {
  const std::string alternatives = alternative_names(names);
  if (alternatives.empty()) return complain("names", "there is none");
  SelfSigned made{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  std::array<unsigned char, 16> serial;
  X509* const certificate = made.certificate.get();
  bool good = certificate && made.key && RAND_bytes(serial.data(), serial.size()) == 1;
  if (good) {
    serial[0] &= 0x7F;  // positive, as RFC 5280, 4.1.2.2 wants it
    BIGNUM* number = BN_bin2bn(serial.data(), serial.size(), nullptr);
    good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
  }
  const auto* common_name = reinterpret_cast<const unsigned char*>("parley");
  X509_NAME* const subject = good ? X509_get_subject_name(certificate) : nullptr;
  good = good && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -300) &&  // clocks differ
         X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * static_cast<long>(days)) &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, made.key.get()) == 1 &&
         extend(certificate, NID_subject_alt_name, alternatives) &&
         extend(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         extend(certificate, NID_ext_key_usage, "serverAuth") &&
         X509_sign(certificate, made.key.get(), EVP_sha256()) > 0;
  ERR_clear_error();
  if (!good) return complain(std::string(names), "no certificate can be made for that");
  return made;
}

std::string fingerprint_of(const X509& certificate) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (const unsigned char octet : std::span(digest.data(), size)) {
    if (!text.empty()) text += ':';
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

}  // namespace parley::tls
