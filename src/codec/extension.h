// Extensions of WebSocket: the grammar of Sec-WebSocket-Extensions (RFC 6455, 9.1), and the agreement on
// permessage-deflate (RFC 7692, 7.1), for both roles.
//
//   extension-list  = 1#extension
//   extension       = extension-token *( ";" extension-param )
//   extension-param = token [ "=" (token | quoted-string) ]
//
// The header may stand on several lines, which count as one list (RFC 9110, 5.3), so its values come as a span.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace parley::codec {

// The four parameters of permessage-deflate: what one side wishes, and what both have agreed.
struct DeflateParameters {
  static constexpr std::uint8_t window_bits_min = 8;
  static constexpr std::uint8_t window_bits_max = 15;

  bool server_no_context_takeover = false;   // the server compresses each message by itself
  bool client_no_context_takeover = false;   // the client does
  std::uint8_t server_max_window_bits = 15;  // 8 to 15: the server looks back at most 2^n bytes
  std::uint8_t client_max_window_bits = 15;  // 8 to 15: the client does

  // Not defaulted: clang's coverage counts branches of a defaulted one that nothing can take.
  friend bool operator==(const DeflateParameters& a, const DeflateParameters& b) noexcept {
    return a.server_no_context_takeover == b.server_no_context_takeover &&
           a.client_no_context_takeover == b.client_no_context_takeover &&
           a.server_max_window_bits == b.server_max_window_bits && a.client_max_window_bits == b.client_max_window_bits;
  }
};

struct DeflateAgreement {
  enum class Outcome : std::uint8_t {
    none,      // without permessage-deflate
    agreed,    // with `parameters`
    refused,   // a client must fail the connection; a server's answer is never that
    malformed  // against the grammar: a server answers 400, a client fails the connection
  };

  Outcome outcome = Outcome::none;
  DeflateParameters parameters;
  std::string header;  // Outcome::agreed, a server's: the value of Sec-WebSocket-Extensions in its response
};

// The value of Sec-WebSocket-Extensions with which a client offers. Its wishes: no_context_takeover and
// server_max_window_bits are demands on the server, client_max_window_bits is a hint.
std::string write_deflate_offer(const DeflateParameters& wishes);

// A server reads the offers of a client; the first that it can accept wins. Its wishes: its own window and context as
// it likes them, and those of the client as far as the client allows it.
DeflateAgreement answer_deflate_offers(std::span<const std::string_view> offers, const DeflateParameters& wishes);

// A client reads a server's response to what it offered by write_deflate_offer(); null: it offered nothing.
DeflateAgreement check_deflate_response(std::span<const std::string_view> response, const DeflateParameters* wishes);

// Takes one header value apart.
class ExtensionReader {
 public:
  enum class Step : std::uint8_t { extension, parameter, end, malformed };

  explicit ExtensionReader(std::string_view value) noexcept : rest_(value) {}

  Step next() noexcept;

  // Of the extension, or of the parameter.
  std::string_view name() const noexcept { return name_; }
  // Of the parameter: whether there is one, and what it is: a token, or what stands between the quotation marks, where
  // "\x" means "x".
  bool has_value() const noexcept { return has_value_; }
  bool is_quoted() const noexcept { return quoted_; }
  std::string_view raw_value() const noexcept { return value_; }

 private:
  Step read_parameter() noexcept;

  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  bool has_value_ = false;
  bool quoted_ = false;
  bool in_extension_ = false;
};

}  // namespace parley::codec
