#include <parley/error.h>

#include <cerrno>
#include <cstring>

namespace parley {

Fault Error::fault() const noexcept {
  switch (code) {
    case Errc::none:
    case Errc::end:
    case Errc::cancelled:
    case Errc::timed_out: return Fault::nobody;
    case Errc::reset:
    case Errc::refused:
    case Errc::unreachable:
    case Errc::not_found:
    case Errc::protocol:
    case Errc::name_failed:
    case Errc::truncated:
    case Errc::not_tls:
    case Errc::tls_mismatch:
    case Errc::certificate_expired:
    case Errc::certificate_not_yet_valid:
    case Errc::certificate_wrong_name:
    case Errc::certificate_self_signed:
    case Errc::certificate_unknown_authority:
    case Errc::certificate_chain_incomplete:
    case Errc::certificate_invalid:
    case Errc::certificate_required:
    case Errc::certificate_refused: return Fault::peer;
    case Errc::invalid_argument:
    case Errc::invalid_address:
    case Errc::address_in_use:
    case Errc::address_unavailable:
    case Errc::permission_denied:
    case Errc::too_large:
    case Errc::not_connected:
    case Errc::already:
    case Errc::closed: return Fault::caller;
    case Errc::would_block:
    case Errc::interrupted:
    case Errc::descriptors_exhausted:
    case Errc::memory_exhausted:
    case Errc::unsupported:
    case Errc::system: return Fault::machine;
  }
  return Fault::machine;
}

namespace {

// One row an entry: the name and the phrase stand side by side, so that neither is forgotten.
struct Row {
  std::string_view name;
  std::string_view message;
};

Row row(Errc code) noexcept {
  switch (code) {
    case Errc::none: return {"none", "no error"};
    case Errc::end: return {"end", "end of stream"};
    case Errc::cancelled: return {"cancelled", "cancelled"};
    case Errc::timed_out: return {"timed_out", "timed out"};
    case Errc::reset: return {"reset", "connection reset by peer"};
    case Errc::refused: return {"refused", "connection refused"};
    case Errc::unreachable: return {"unreachable", "no route to host"};
    case Errc::not_found: return {"not_found", "host name not found"};
    case Errc::protocol: return {"protocol", "the peer broke the protocol"};
    case Errc::name_failed: return {"name_failed", "host name could not be looked up"};
    case Errc::truncated: return {"truncated", "cut off without the end that TLS says"};
    case Errc::not_tls: return {"not_tls", "the peer does not speak TLS"};
    case Errc::tls_mismatch: return {"tls_mismatch", "no TLS version or cipher or protocol in common"};
    case Errc::certificate_expired: return {"certificate_expired", "the certificate has expired"};
    case Errc::certificate_not_yet_valid: return {"certificate_not_yet_valid", "the certificate is not valid yet"};
    case Errc::certificate_wrong_name: return {"certificate_wrong_name", "the certificate is for another name"};
    case Errc::certificate_self_signed: return {"certificate_self_signed", "the certificate is signed by itself"};
    case Errc::certificate_unknown_authority:
      return {"certificate_unknown_authority", "the certificate is from an unknown authority"};
    case Errc::certificate_chain_incomplete:
      return {"certificate_chain_incomplete", "the issuer of the certificate was not sent and is not known"};
    case Errc::certificate_invalid: return {"certificate_invalid", "the certificate is invalid"};
    case Errc::certificate_required: return {"certificate_required", "a client certificate is required"};
    case Errc::certificate_refused: return {"certificate_refused", "certificate refused by the peer"};
    case Errc::invalid_argument: return {"invalid_argument", "invalid argument"};
    case Errc::invalid_address: return {"invalid_address", "invalid address"};
    case Errc::address_in_use: return {"address_in_use", "address already in use"};
    case Errc::address_unavailable: return {"address_unavailable", "address not available on this machine"};
    case Errc::permission_denied: return {"permission_denied", "permission denied"};
    case Errc::too_large: return {"too_large", "too large"};
    case Errc::not_connected: return {"not_connected", "not connected"};
    case Errc::already: return {"already", "already done or being done"};
    case Errc::closed: return {"closed", "closed by this program"};
    case Errc::would_block: return {"would_block", "operation would block"};
    case Errc::interrupted: return {"interrupted", "interrupted by a signal"};
    case Errc::descriptors_exhausted: return {"descriptors_exhausted", "too many open descriptors"};
    case Errc::memory_exhausted: return {"memory_exhausted", "out of memory"};
    case Errc::unsupported: return {"unsupported", "not supported by this system"};
    case Errc::system: return {"system", "system error"};
  }
  return {"unknown", "unknown error"};
}

Errc code_of(int value) noexcept {
  switch (value) {
    case ECANCELED: return Errc::cancelled;
    case ETIMEDOUT:
    case ETIME: return Errc::timed_out;

    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return Errc::reset;
    case ECONNREFUSED:
    case ENOENT:
    case ENOTDIR:
    case EPROTOTYPE: return Errc::refused;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN: return Errc::unreachable;

    case EINVAL:
    case EAFNOSUPPORT:
    case ENOTSOCK:
    case EDOM: return Errc::invalid_argument;
    case EADDRINUSE: return Errc::address_in_use;
    case EADDRNOTAVAIL: return Errc::address_unavailable;
    case EACCES:
    case EPERM: return Errc::permission_denied;
    case EMSGSIZE: return Errc::too_large;
    case ENOTCONN:
    case EDESTADDRREQ: return Errc::not_connected;
    case EALREADY:
    case EISCONN: return Errc::already;
    case EBADF: return Errc::closed;

    case EAGAIN:
    case EINPROGRESS: return Errc::would_block;
    case EINTR: return Errc::interrupted;
    case EMFILE:
    case ENFILE: return Errc::descriptors_exhausted;
    case ENOMEM:
    case ENOBUFS: return Errc::memory_exhausted;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case ESOCKTNOSUPPORT:
    case ENOPROTOOPT:
    case ENOSYS: return Errc::unsupported;
    default: return Errc::system;
  }
}

}  // namespace

std::string_view Error::message() const noexcept {
  if (code == Errc::system && os != 0) {
    // Static, untranslated and safe from any thread, which strerror() is not.
    if (const char* text = strerrordesc_np(os)) return text;
  }
  return row(code).message;
}

std::string_view name(Errc code) noexcept { return row(code).name; }

Error Error::from_errno(int value) noexcept { return {code_of(value), static_cast<std::int16_t>(value)}; }

}  // namespace parley
