#include "cli/security.h"

namespace parley::cli {

std::expected<tls::Server, std::string> make_server(const ServerSecurity& security, const std::string& names) {
  tls::ServerOptions options;
  options.client_authorities = security.client_ca;
  for (const auto& [certificate, key] : security.certificates) options.certificates.push_back({certificate, key});
  std::string problem;
  Result<tls::Server> made = security.self_signed ? tls::Server::self_signed(names, std::move(options), &problem)
                                                  : tls::Server::make(std::move(options), &problem);
  if (made) return *made;
  return std::unexpected(problem);
}

std::expected<tls::Client, std::string> make_client(const ClientSecurity& security) {
  tls::ClientOptions options;
  options.authorities = security.ca;
  options.verify = !security.insecure;
  options.certificate = {security.certificate, security.key};
  options.server_name = security.server_name;
  if (!security.resumes) options.sessions_max = 0;
  std::string problem;
  Result<tls::Client> made = tls::Client::make(std::move(options), &problem);
  if (made) return *made;
  return std::unexpected(problem);
}

}  // namespace parley::cli
