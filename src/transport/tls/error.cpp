#include "transport/tls/error.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace parley::tls {
namespace {

constexpr int certificate_required_alert = 116;  // RFC 8446, 6; this OpenSSL has no name for it on every side

int length_of(const STACK_OF(X509) * chain) noexcept { return chain ? sk_X509_num(chain) : 0; }

}  // namespace

// OpenSSL says the same (20 and 21) of a chain that ends early and of one that ends at a stranger's. Who sent its
// certificate alone has forgotten something, more often than not.
Errc of_verification(long result, int chain_length) noexcept {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return Errc::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return Errc::certificate_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return Errc::certificate_wrong_name;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return Errc::certificate_self_signed;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return Errc::certificate_unknown_authority;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return chain_length > 1 ? Errc::certificate_unknown_authority : Errc::certificate_chain_incomplete;
    default: return Errc::certificate_invalid;
  }
}

Errc of_alert(int alert) noexcept {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_INSUFFICIENT_SECURITY:
    case SSL_AD_INAPPROPRIATE_FALLBACK:
    case SSL_AD_NO_APPLICATION_PROTOCOL: return Errc::tls_mismatch;
    case certificate_required_alert: return Errc::certificate_required;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED: return Errc::certificate_refused;
    default: return Errc::protocol;
  }
}

Error error_of(const SSL& ssl) noexcept {
  const unsigned long first = ERR_peek_error();  // later ones say what it led to
  ERR_clear_error();
  if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE) return {Errc::memory_exhausted, 0};
  if (ERR_GET_LIB(first) != ERR_LIB_SSL) return {Errc::protocol, 0};
  const int reason = ERR_GET_REASON(first);
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return {of_alert(reason - SSL_AD_REASON_OFFSET), 0};
  }
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return {of_verification(SSL_get_verify_result(&ssl), length_of(SSL_get_peer_cert_chain(&ssl))), 0};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return {Errc::certificate_required, 0};
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return {Errc::not_tls, 0};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_INAPPROPRIATE_FALLBACK: return {Errc::tls_mismatch, 0};
    default: return {Errc::protocol, 0};
  }
}

}  // namespace parley::tls
