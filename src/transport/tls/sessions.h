// What a client keeps to resume later (RFC 8446, 2.2).
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace parley::tls {

struct SessionFree {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SslSession = std::unique_ptr<SSL_SESSION, SessionFree>;

// By the server's name; the oldest go first. From any thread.
class Sessions {
 public:
  explicit Sessions(std::size_t sessions_max) noexcept : sessions_max_(sessions_max) {}

  // From now on what servers give to connections of `context` is kept here, for as long as the context lives.
  static bool keep_for(SSL_CTX& context, std::size_t sessions_max);
  static Sessions* of(const SSL_CTX& context) noexcept;
  // Under which name those of a connection are kept.
  static bool set_name(SSL& ssl, std::string_view name);

  void add(std::string_view name, SslSession session);
  // One to resume, or null. RFC 8446, C.4: "Clients SHOULD NOT reuse a ticket for multiple connections."
  SslSession take(std::string_view name);

 private:
  struct Entry {
    std::string name;
    SslSession session;
  };

  const std::size_t sessions_max_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace parley::tls
