// What OpenSSL takes for its socket: a BIO that reads and writes a TlsStream's buffers.
#pragma once

#include <openssl/ssl.h>

namespace parley::tls {

class TlsStream;

// Gives `ssl` one, for both directions. False: out of memory.
bool make_bio(SSL& ssl) noexcept;
// From now on it is the stream's.
void connect_bio(SSL& ssl, TlsStream& stream) noexcept;

}  // namespace parley::tls
