// With what a server encrypts the sessions that clients keep (RFC 5077, 4; RFC 8446, 4.6.1). Whoever has such a key can
// read what was said in TLS 1.2 sessions whose tickets he saw: so keys are in memory alone, and not for long.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

namespace parley::tls {

struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher;  // AES-256-CBC
  std::array<unsigned char, 32> mac;     // HMAC-SHA-256
};

// From any thread.
class TicketKeys {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A key encrypts for so long, and then decrypts for as long again: a session can be resumed for 2 h, OpenSSL's limit.
  static constexpr std::chrono::hours turn{2};

  // The tickets of `context` are these keys' from now on; they must outlive its handshakes.
  void serve(SSL_CTX& context) noexcept;

  // To encrypt with. Nothing: there is no randomness.
  std::optional<TicketKey> current(Time now) noexcept;
  struct Found {
    TicketKey key;
    bool is_current = false;
  };
  std::optional<Found> find(const unsigned char* name, Time now) noexcept;

 private:
  bool turn_over(Time now) noexcept;

  std::mutex mutex_;
  std::optional<TicketKey> current_;
  std::optional<TicketKey> previous_;
  Time since_;  // current_
};

}  // namespace parley::tls
