// Of OpenSSL's several hundred reasons, the entry of our list.
#pragma once

#include <openssl/ssl.h>

#include <parley/error.h>

namespace parley::tls {

// Why an operation of `ssl` has just failed. Takes the reason out of OpenSSL's queue, which is the thread's.
Error error_of(const SSL& ssl) noexcept;

// The entry for what verifying a chain of so many certificates came to, an X509_V_ERR_... that is not X509_V_OK.
Errc of_verification(long result, int chain_length) noexcept;

// The entry for a fatal alert of the peer's (RFC 8446, 6.2).
Errc of_alert(int alert) noexcept;

}  // namespace parley::tls
