#include "ws/url.h"

#include "codec/http1.h"

namespace parley::ws {
namespace {

constexpr std::string_view ws_scheme = "ws://";
constexpr std::string_view wss_scheme = "wss://";
constexpr std::string_view ws_unix_scheme = "ws+unix:";
constexpr std::string_view unix_scheme = "unix:";
constexpr std::uint16_t port_of_ws = 80;  // RFC 6455, 3
constexpr std::uint16_t port_of_wss = 443;

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!codec::equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;  // RFC 3986, 3.1
  text.remove_prefix(prefix.size());
  return true;
}

Result<Url> local(std::string_view path, std::string_view target) {
  Result<Endpoint> endpoint = Endpoint::parse(std::string(unix_scheme) + std::string(path));
  if (!endpoint) return std::unexpected(endpoint.error());
  return Url{std::move(*endpoint), "localhost", std::string(target)};
}

}  // namespace

// "If any of the components are invalid, the client MUST _Fail the WebSocket Connection_ and abort these steps." (4.1)
Result<Url> parse_url(std::string_view url) {
  if (take_prefix(url, unix_scheme)) return local(url, "/");
  if (take_prefix(url, ws_unix_scheme)) {
    const std::size_t colon = url.find(":/", 1);
    const std::string_view target = colon == url.npos ? std::string_view("/") : url.substr(colon + 1);
    if (!codec::is_path_and_query(target)) return parley::fail(Errc::invalid_address);
    return local(url.substr(0, colon), target);
  }
  const bool secure = take_prefix(url, wss_scheme);
  if (!secure && !take_prefix(url, ws_scheme)) return parley::fail(Errc::invalid_address);
  const std::uint16_t default_port = secure ? port_of_wss : port_of_ws;

  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  const std::string_view authority = url.substr(0, end);
  if (authority.empty()) return parley::fail(Errc::invalid_address);
  std::string target(url.substr(end));
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  if (!codec::is_path_and_query(target)) return parley::fail(Errc::invalid_address);

  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string with_port = "tcp://" + std::string(authority);
  if (colon == authority.npos) with_port += ":" + std::to_string(default_port);
  Result<Endpoint> endpoint = Endpoint::parse(with_port);
  if (!endpoint) return std::unexpected(endpoint.error());
  // "the /port/ [...] if it is not the default port" stands in the Host header (4.1).
  const bool shows_port = colon != authority.npos && endpoint->port_first != default_port;
  std::string host(shows_port ? authority : authority.substr(0, colon));
  return Url{std::move(*endpoint), std::move(host), std::move(target), secure};
}

}  // namespace parley::ws
