// TLS 1.2 and 1.3 (RFC 5246, 8446) over any Stream: a secure Stream, client and server.
//
//   auto peer = co_await parley::connect(loop, "tls://example.org:443");        // verified, or it is an error
//
//   auto server = parley::tls::Server::make({.certificates = {{"chain.pem", "key.pem"}}});
//   loop.run(parley::serve(loop, "tls://:9443", echo, {.tls = *server}));
//   loop.run(parley::ws::serve(loop, "wss://:443", chat, {.tls = *server}));
//
// Safe by default: a client verifies the server's certificate, that somebody it trusts has signed it, that it is valid
// now and for the name that was asked for. Ciphers have forward secrecy; compression, renegotiation and early data
// (0-RTT) are off. A connection that ends without the peer saying so is Errc::truncated, not the end.
// What a Stream promises holds over TLS, too. An idle one keeps no buffer, only its keys (docs/limits.md).
//
// Lifetime: Server and Client are handles; copies share what they refer to, and streams outlive them.
// Threads: a handle, and its copies, may be used from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parley/bytes.h>
#include <parley/error.h>
#include <parley/stream.h>
#include <parley/task.h>

namespace parley {
class Loop;
}

namespace parley::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

// PEM, each either the path of a file or the text itself, which begins with "-----BEGIN".
struct KeyPair {
  std::string certificate;  // and after it those of the authorities that signed it, without the root
  std::string key;          // not encrypted
};

// What a handshake may take.
struct HandshakeLimits {
  std::size_t bytes_max = 64 * 1024;  // received from the peer: Errc::too_large
  unsigned seconds = 5;               // Errc::timed_out
};

struct ServerOptions {
  // The first is shown to clients that ask for a name which none of the others is for (RFC 6066, 3), or for none.
  std::vector<KeyPair> certificates = {};
  // PEM, a path or text: clients must show a certificate that one of these has signed. Empty: none is asked for.
  std::string client_authorities = {};
  // "h2, http/1.1": of what a client offers, the first that stands here (RFC 7301); a client that offers only others is
  // Errc::tls_mismatch. Empty: what a client offers is ignored.
  std::string alpn = {};
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;
  HandshakeLimits limits = {};
};

struct ClientOptions {
  std::string authorities = {};  // PEM, a path or text: whom to trust. Empty: whom the system trusts
  KeyPair certificate = {};      // shown to a server that asks for one
  std::string server_name = {};  // asked for, and verified, instead of the host of the URL
  std::string alpn = {};         // "h2, http/1.1": offered, in the order of preference
  bool verify = true;            // false: anybody may answer, and read and change everything. For tests alone
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;
  std::size_t sessions_max = 256;  // kept to resume (RFC 8446, 2.2), of all servers; 0: each handshake is a full one
  HandshakeLimits limits = {};
};

// What was agreed.
struct Info {
  Version version = Version::tls_1_3;
  std::string cipher;       // "TLS_AES_128_GCM_SHA256"
  std::string alpn;         // empty: nothing
  std::string server_name;  // that the client asked for; empty: none
  std::string peer;         // the fingerprint() of the peer's certificate; empty: it showed none
  bool verified = false;    // somebody trusted has signed it, and for a client: it is for the right name
  bool resumed = false;     // from an earlier connection, whose certificate still counts
};

class Server {
 public:
  // Errors: invalid_argument (what stands in a file or an option), or of reading it; `problem` then has a line for
  // people, such as "key.pem: it is not the key of chain.pem".
  static Result<Server> make(ServerOptions options, std::string* problem = nullptr);
  // With a new key and a certificate signed by itself, valid for 30 days. `names` has commas: host names and addresses.
  // options.certificates must be empty.
  static Result<Server> self_signed(std::string_view names, ServerOptions options = {}, std::string* problem = nullptr);

  Server() noexcept = default;  // none
  explicit operator bool() const noexcept { return core_ != nullptr; }

  // Reads the files again, for connections from now on; those that exist go on. After an error nothing has changed.
  // Sessions from before are not resumed. self_signed(): does nothing.
  Result<void> reload(std::string* problem = nullptr);

  // Of the first certificate: its SHA-256, "3B:0C:...".
  std::string fingerprint() const;

  // Shakes hands with a client over `peer`. Errors: too_large, timed_out, end, reset; not_tls (it speaks something
  // else), tls_mismatch (no common version, cipher or protocol), certificate_required and the other certificate_...,
  // protocol. The peer is told by an alert (RFC 8446, 6.2). Cancelling: the connection is closed.
  Task<Result<Stream>> accept(Loop& loop, Stream peer, Info* info = nullptr) const;
  // The same when some of it has been received: what the last receive() showed, and all that came `before` that.
  Task<Result<Stream>> accept(Loop& loop, Stream peer, std::string before, Bytes last, Info* info = nullptr) const;

  class Core;

 private:
  std::shared_ptr<Core> core_;
};

class Client {
 public:
  // Errors and `problem`: as for a Server.
  static Result<Client> make(ClientOptions options, std::string* problem = nullptr);

  Client() noexcept = default;  // of ClientOptions' defaults

  // Whether servers are verified.
  bool verifies() const noexcept;

  // Shakes hands with the server `host`, a name or an address, over `peer`; an empty one is "localhost". Errors: those
  // of Server::accept(), and of the server's certificate: certificate_expired, certificate_not_yet_valid,
  // certificate_wrong_name, certificate_self_signed, certificate_unknown_authority, certificate_chain_incomplete,
  // certificate_invalid. A server may refuse this end's certificate after the handshake (TLS 1.3): then the first
  // receive() says so. Cancelling: the connection is closed.
  Task<Result<Stream>> connect(Loop& loop, Stream peer, std::string host, Info* info = nullptr) const;

  class Core;

 private:
  std::shared_ptr<Core> core_;
};

// Does what came first begin a TLS handshake? For servers that speak something else on the same port, too. `more`: it
// may still become one.
enum class Begins : std::uint8_t { no, more, yes };
Begins begins_hello(Bytes bytes) noexcept;

}  // namespace parley::tls
