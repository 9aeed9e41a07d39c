// Errors are values. Every operation that can fail returns Result<T>, and a network condition never throws: the end of
// a stream, a reset, a timeout and a wrong argument are all values of one closed list, and each says whose fault it
// was.
//
//   auto bytes = co_await peer.receive();
//   if (!bytes && bytes.error() == parley::Errc::reset) ...
//   if (!bytes) log(bytes.error().message());        // "connection reset by peer"
//
// An Error is four bytes, trivially copyable, and owns nothing. All of this is safe to use from any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace parley {

// What happened. The list is closed: a switch over it without `default` stays complete.
enum class Errc : std::uint8_t {
  none = 0,  // no error; an Error never carries it

  // How things end: nobody's fault.
  end,        // the peer finished sending, in order (a FIN; recv() returned 0)
  cancelled,  // this operation was asked to stop (TaskGroup::stop, ECANCELED)
  timed_out,  // the time given to this operation, or the kernel's own, ran out (ETIMEDOUT, ETIME)

  // The peer or the network.
  reset,        // the peer broke the connection off (ECONNRESET, ECONNABORTED, EPIPE)
  refused,      // nothing listens there (ECONNREFUSED; for a Unix-domain path also ENOENT, ENOTDIR, and EPROTOTYPE:
                // a socket of another kind)
  unreachable,  // no route to that host or network (EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN)
  not_found,    // the name has no address (getaddrinfo: EAI_NONAME)
  protocol,     // the peer broke the rules of the protocol
  name_failed,  // the name could not be looked up now; later it may (getaddrinfo: EAI_AGAIN, EAI_FAIL)

  // The peer, over TLS (tls.h).
  truncated,                      // the connection ended, and the peer had not said so (no close_notify)
  not_tls,                        // what the peer speaks is no TLS
  tls_mismatch,                   // no version, cipher or application protocol in common
  certificate_expired,            // the peer's certificate, or one of its authorities', is too old
  certificate_not_yet_valid,      // or too young
  certificate_wrong_name,         // it is for another host
  certificate_self_signed,        // nobody but itself vouches for it
  certificate_unknown_authority,  // who vouches for it is not trusted here
  certificate_chain_incomplete,   // nor is who signed it known: an intermediate is missing, or trust
  certificate_invalid,            // any other fault of it: its purpose, its signature, a key that is too weak
  certificate_required,           // one side must show a certificate, and did not
  certificate_refused,            // the peer does not accept this end's certificate

  // The caller.
  invalid_argument,     // an argument that can never be right (EINVAL, EAFNOSUPPORT, ENOTSOCK, EDOM)
  invalid_address,      // text that is no address or URL
  address_in_use,       // somebody is bound there (EADDRINUSE)
  address_unavailable,  // not an address of this machine (EADDRNOTAVAIL)
  permission_denied,    // EACCES, EPERM
  too_large,            // larger than a datagram, or than a named maximum, allows (EMSGSIZE)
  not_connected,        // no peer, or no address to send to (ENOTCONN, EDESTADDRREQ)
  already,              // done before, or being done: a second receive() while one waits (EALREADY, EISCONN)
  closed,               // this end was closed by this program (EBADF)

  // This machine.
  would_block,            // a non-blocking descriptor has nothing now (EAGAIN, EINPROGRESS)
  interrupted,            // a signal arrived first (EINTR)
  descriptors_exhausted,  // EMFILE, ENFILE
  memory_exhausted,       // ENOMEM, ENOBUFS
  unsupported,            // this kernel or build can't (EOPNOTSUPP, EPROTONOSUPPORT, ENOPROTOOPT, ENOSYS)
  system,                 // any other errno; Error::os has it
};

// Whose fault it was.
enum class Fault : std::uint8_t { nobody, peer, caller, machine };

struct Error {
  Errc code = Errc::none;
  std::int16_t os = 0;  // the errno behind it, or 0

  Fault fault() const noexcept;

  // A short lower-case phrase without a full stop: "connection refused"; "TLS" alone has capitals. It never contains
  // bytes that a peer sent. For Errc::system it is the C library's phrase for `os`, capitalised as that has it: "No
  // space left on device".
  std::string_view message() const noexcept;

  // The entry of the list for an errno. 0 is not an error and gives Errc::system.
  static Error from_errno(int value) noexcept;

  friend bool operator==(const Error& a, const Error& b) noexcept { return a.code == b.code; }
  friend bool operator==(const Error& a, Errc b) noexcept { return a.code == b; }
};

// The name of the entry as it is written above: "address_in_use". For logs and scripts.
std::string_view name(Errc code) noexcept;

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(Errc::closed);` in a function that returns a Result.
inline std::unexpected<Error> fail(Errc code, int os = 0) noexcept {
  return std::unexpected<Error>(Error{code, static_cast<std::int16_t>(os)});
}

}  // namespace parley
