// TLS as the command line asks for it.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <parley/tls.h>

namespace parley::cli {

// Of `parley serve`.
struct ServerSecurity {
  std::vector<std::pair<std::string, std::string>> certificates = {};  // files: a chain, and its key
  bool self_signed = false;
  std::string client_ca = {};  // a file

  bool is_wanted() const noexcept { return self_signed || !certificates.empty(); }
};

// Of `parley connect` and `parley bench`.
struct ClientSecurity {
  std::string ca = {};  // a file
  bool insecure = false;
  std::string certificate = {};  // files
  std::string key = {};
  std::string server_name = {};
  bool resumes = true;  // sessions of earlier connections
};

// What it comes to, or a line about a file that is no good. `names`: what a certificate of its own is for.
std::expected<tls::Server, std::string> make_server(const ServerSecurity& security, const std::string& names);
std::expected<tls::Client, std::string> make_client(const ClientSecurity& security);

}  // namespace parley::cli
