// What the connections of one server or client have in common: OpenSSL's SSL_CTX, set up as tls.h promises.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parley/tls.h>

#include "transport/tls/certificate.h"
#include "transport/tls/stream.h"

namespace parley::tls {

struct SslContextFree {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

Read<SslContext> make_context(const SSL_METHOD* method, Version version_min, Version version_max);
// What it shows of itself: the first certificate, the others as its chain, and the key of the first.
Read<void> show(SSL_CTX& context, std::vector<Certificate> chain, const Key& key, const KeyPair& names);
Read<void> show(SSL_CTX& context, const KeyPair& pair);
// Whom it trusts. Of a server, clients are told (RFC 8446, 4.2.4).
Read<void> trust(SSL_CTX& context, const std::string& authorities, bool tell);

// "h2, http/1.1" as on the wire (RFC 7301, 3.1): each behind its length. invalid_argument: one is too long.
Read<std::vector<unsigned char>> alpn_on_the_wire(std::string_view text);

// After a handshake.
Info info_of(const SSL& ssl);

// Shakes hands over `peer` as `ssl` says, whether a client or a server.
// `keeps`: what it refers to until that is over. A null `ssl`: there was no memory for it.
Task<Result<Stream>> shake_hands(detail::Core& core, Stream peer, Ssl ssl, std::shared_ptr<const void> keeps,
                                 std::string before, HandshakeLimits limits, Info* info);

// The fault goes to the caller as an Error, and its line where he wants it.
std::unexpected<Error> told(Fault fault, std::string* problem);

}  // namespace parley::tls
