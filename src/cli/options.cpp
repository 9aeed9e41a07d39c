#include "cli/options.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <parley/text.h>

#include "cli/bench_options.h"
#include "cli/numbers.h"
#include "cli/pattern.h"

namespace parley::cli {
namespace {

constexpr unsigned threads_max = 1024;
constexpr std::chrono::nanoseconds ping_least = std::chrono::milliseconds(1);
constexpr std::size_t connections_most = 1'000'000'000;

constexpr const char* version_line = "parley " PARLEY_VERSION;

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0          ended as asked\n"
    "  1          failed while running: nothing listens there, no free port, no answer\n"
    "  2          wrong usage: an unknown option, a bad value\n"
    "  3          it ended before --count or --expect was met\n"
    "  130, 143   ended at once by SIGINT (Ctrl-C) or SIGTERM\n";

constexpr const char* main_examples =
    "Examples:\n"
    "  parley serve                       in one terminal\n"
    "  parley connect                     in another: type a line, or a,b\n"
    "  printf 'a,b' | parley connect      from a script\n"
    "\n";

constexpr const char* serve_examples =
    "Without --listen: any://127.0.0.1:9000-9998, which is TCP, UDP, WebSocket and a page for browsers, all at\n"
    "the first port that is free.\n"
    "The first SIGINT or SIGTERM stops in order (see --drain), a second one at once.\n"
    "\n"
    "Examples:\n"
    "  parley serve\n"
    "  parley serve echo --listen tcp://0.0.0.0:7 --listen udp://0.0.0.0:7\n"
    "  parley serve chat --listen ws://:8080 --threads 2\n"
    "  parley serve --listen ws://:8080 --origin https://example.org\n"
    "  parley serve --listen unix:/run/user/1000/echo.sock --text 'Hello'\n"
    "  parley serve --threads 4 --quiet --max-connections 10000\n"
    "\n";

constexpr const char* connect_examples =
    "Each line is sent without its newline; an empty line or the end of input (Ctrl-D) ends.\n"
    "From a pipe, a line is sent once the one before has been answered; over WebSocket, which keeps them\n"
    "apart, at once.\n"
    "\n"
    "Examples:\n"
    "  parley connect\n"
    "  parley connect tcp://localhost:9000\n"
    "  printf 'a,b' | parley connect udp://127.0.0.1:9000 --timeout 0.5\n"
    "  parley connect ws://127.0.0.1:9000/ --frames\n"
    "  echo ready? | parley connect ws://localhost:8080/health --expect '^ok' && echo up\n"
    "\n";

// Options as they were typed; CLI11 fills them and check_*() makes values of them.
struct Typed {
  std::string service;
  std::vector<std::string> listen, origins;
  bool no_deflate = false;
  std::string driver, threads, connections_max, idle, drain, text, separator;
  ServerSecurity server_security;
  ClientSecurity client_security;
  std::string url, timeout, ping, count;
  std::vector<std::string> headers;
  WebSocketWishes websocket;
  TypedBench bench;
};

class Format : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string) const override {
    if (app->get_name() == "serve") return "Usage: parley serve [SERVICE] [OPTIONS]\n";
    if (app->get_name() == "connect") return "Usage: parley connect [URL] [OPTIONS]\n";
    if (app->get_name() == "bench") return "Usage: parley bench URL [OPTIONS]\n";
    return "Usage: parley serve [SERVICE] [OPTIONS]\n"
           "       parley connect [URL] [OPTIONS]\n"
           "       parley bench URL [OPTIONS]\n";
  }
};

struct Words {
  explicit Words(Typed& typed);

  CLI::App app{"A socket server and client: TCP, UDP, Unix-domain sockets and WebSocket."};
  CLI::App* serve;
  CLI::App* connect;
  CLI::App* bench;
  ServeCommand flags;
};

// Of `parley connect ws://...`.
void add_websocket_options(CLI::App& connect, Typed& typed) {
  WebSocketWishes& wishes = typed.websocket;
  const auto text = [&connect](const char* name, std::string& value, const char* type, const char* help) {
    connect.add_option(name, value, std::string("WebSocket: ") + help)->type_name(type);
  };
  const auto flag = [&connect](const char* name, bool& value, const char* help) {
    connect.add_flag(name, value, std::string("WebSocket: ") + help)->disable_flag_override();
  };
  flag("--binary", wishes.binary, "send lines as binary messages");
  flag("--hex", wishes.hex, "lines are bytes such as 00 ff; show binary messages so, too");
  connect.add_option("--header", typed.headers, "WebSocket: send this header, too; may be given again")
      ->type_name("'NAME: VALUE'")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  text("--subprotocol", wishes.subprotocols, "NAMES", "offer these, with commas between them");
  text("--origin", wishes.origin, "ORIGIN", "send this Origin, as a browser's page would");
  text("--proxy", wishes.proxy, "URL", "go through this proxy: http://HOST:PORT or socks5://HOST:PORT");
  flag("--compress", wishes.compress, "offer permessage-deflate");
  flag("--frames", wishes.frames, "show every frame on the wire");
  text("--ping", typed.ping, "SECONDS", "send a ping each so often, and show how long its answer took");
  text("--count", typed.count, "N", "end when N messages have come");
  text("--expect", wishes.expect, "REGEX", "end when a message has come that this is found in");
}

// Of `parley serve`.
void add_server_security(CLI::App& serve, ServerSecurity& security) {
  serve
      .add_option(
          "--tls", security.certificates,
          "TLS for tls:// and wss://, and beside the rest for any:// and unix:. CERT and KEY are PEM files, read\n"
          "again at SIGHUP; may be given again, for other names")
      ->type_name("CERT KEY")
      ->take_all()
      ->allow_extra_args(false);
  serve
      .add_flag("--tls-self-signed", security.self_signed, "TLS with a certificate for this machine, made at the start")
      ->disable_flag_override();
  serve.add_option("--client-ca", security.client_ca, "TLS: clients must show a certificate of these authorities")
      ->type_name("FILE");
}

// Of `parley connect`.
void add_client_security(CLI::App& connect, ClientSecurity& security) {
  const auto text = [&connect](const char* name, std::string& value, const char* type, const char* help) {
    connect.add_option(name, value, std::string("TLS: ") + help)->type_name(type);
  };
  text("--ca", security.ca, "FILE", "trust these authorities [those of the system]");
  connect.add_flag("--insecure", security.insecure, "TLS: do not verify the server's certificate")
      ->disable_flag_override();
  text("--cert", security.certificate, "FILE", "show this certificate to the server");
  text("--key", security.key, "FILE", "its key");
  text("--servername", security.server_name, "NAME", "ask for this name, and verify it [the host]");
}

Words::Words(Typed& typed) {
  app.name("parley");
  app.formatter(std::make_shared<Format>());
  app.set_version_flag("--version", version_line, "Print the version and exit");
  app.require_subcommand(0, 1);  // that there is one is checked last, after words that nobody knows
  app.footer(fmt::format("{}{}\n'parley serve --help', 'parley connect --help' and 'parley bench --help' say more.",
                         main_examples, exit_codes));

  serve = app.add_subcommand("serve", "Serve everybody who connects");
  serve->footer(std::string(serve_examples) + exit_codes);
  serve
      ->add_option("SERVICE", typed.service,
                   "reply: answer each parameter of a message (the default)\necho: send each message back\n"
                   "chat: WebSocket: send each message to all others that asked for the same path")
      ->type_name("");
  serve
      ->add_option("--listen", typed.listen,
                   "Listen at any://HOST:PORT, tcp://, udp://, ws://, tls://, wss://HOST:PORT or unix:PATH; may be\n"
                   "given again. any:// and unix: take bytes and WebSocket, by what comes first.\n"
                   "PORT 0 is any free one; of a range such as 9000-9998, the first that is free")
      ->type_name("URL")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  serve->add_option("--text", typed.text, "reply: the answer [Echo from server]")->type_name("TEXT");
  serve->add_option("--separator", typed.separator, "reply: what stands between parameters [,]")->type_name("TEXT");
  serve
      ->add_option("--origin", typed.origins,
                   "WebSocket: pages of this origin may connect too, such as https://example.org, or any; may be\n"
                   "given again [pages of the host that they connect to]")
      ->type_name("ORIGIN")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  serve->add_flag("--no-deflate", typed.no_deflate, "WebSocket: agree on no compression")->disable_flag_override();
  add_server_security(*serve, typed.server_security);
  serve->add_option("--threads", typed.threads, "Loops, each with a thread of its own [1]")->type_name("N");
  serve->add_option("--driver", typed.driver, "How it waits: epoll, or io_uring where the kernel allows it [epoll]")
      ->type_name("NAME");
  serve->add_option("--max-connections", typed.connections_max, "Accept no more than N at a time [no limit]")
      ->type_name("N");
  serve->add_option("--idle-timeout", typed.idle, "Close a connection that is silent for so long [0: never]")
      ->type_name("SECONDS");
  serve->add_option("--drain", typed.drain, "When stopped, finish what is being answered for so long [5]")
      ->type_name("SECONDS");
  serve->add_flag("--quiet", flags.quiet, "Print only where it listens")->disable_flag_override();
  serve->add_flag("--verbose", flags.verbose, "Say more, on standard error")->disable_flag_override();
  serve->add_flag("--json", flags.json, "Print one JSON object for each event")->disable_flag_override();

  connect = app.add_subcommand("connect", "Talk to a server, a line at a time");
  connect->footer(std::string(connect_examples) + exit_codes);
  connect
      ->add_option(
          "URL", typed.url,
          std::string("tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT, unix:PATH, ws+unix:PATH[:/PATH], or\n"
                      "ws:// or wss://[USER:PASSWORD@]HOST[:PORT][/PATH]; of a range of TCP ports, the first\n"
                      "that accepts [") +
              default_range + "]")
      ->type_name("");
  add_websocket_options(*connect, typed);
  add_client_security(*connect, typed.client_security);
  connect->add_option("--timeout", typed.timeout, "Wait so long for the connection and for each answer; 0: don't [5]")
      ->type_name("SECONDS");

  bench = app.add_subcommand("bench", "Measure how much a server takes");
  add_bench_options(*bench, typed.bench);
  bench->footer(std::string(bench_examples) + exit_codes);
}

std::optional<std::string> set_service(const Typed& typed, const CLI::App& serve, ServeCommand& options) {
  if (typed.service == "echo" || typed.service == "chat") {
    for (const char* name : {"--text", "--separator"}) {
      if (serve.count(name) > 0) return fmt::format("{}: only the service reply has it", name);
    }
    options.service = typed.service == "echo" ? Service(Echo{}) : Service(Chat{});
    return std::nullopt;
  }
  if (serve.count("SERVICE") > 0 && typed.service != "reply") {
    return fmt::format("serve: there is no service '{}': say reply, echo or chat", typed.service);
  }
  Reply reply;
  if (serve.count("--text") > 0) reply.text = typed.text;
  if (serve.count("--separator") > 0) reply.separator = typed.separator;
  if (reply.separator.empty()) return "--separator: it can't be empty";
  options.service = reply;
  return std::nullopt;
}

std::optional<std::string> set_limits(const Typed& typed, const CLI::App& serve, ServeCommand& options) {
  constexpr const char* not_count = "{}: '{}' is not a whole number from 1 to {}";
  if (serve.count("--threads") > 0 && !parse_count(typed.threads, threads_max, options.threads)) {
    return fmt::format(not_count, "--threads", typed.threads, threads_max);
  }
  if (serve.count("--driver") > 0 && typed.driver != "epoll" && typed.driver != "io_uring") {
    return fmt::format("--driver: there is no driver '{}': say epoll or io_uring", typed.driver);
  }
  options.io_uring = typed.driver == "io_uring";
  if (serve.count("--max-connections") > 0 &&
      !parse_count(typed.connections_max, connections_most, options.connections_max)) {
    return fmt::format(not_count, "--max-connections", typed.connections_max, connections_most);
  }
  constexpr const char* not_seconds = "{}: '{}' is not a number of seconds";
  if (serve.count("--idle-timeout") > 0 && !parse_seconds(typed.idle, options.idle)) {
    return fmt::format(not_seconds, "--idle-timeout", typed.idle);
  }
  if (serve.count("--drain") > 0 && !parse_seconds(typed.drain, options.drain)) {
    return fmt::format(not_seconds, "--drain", typed.drain);
  }
  return std::nullopt;
}

std::optional<std::string> set_security(const Typed& typed, ServeCommand& options) {
  options.security = typed.server_security;
  const ServerSecurity& security = options.security;
  if (security.self_signed && !security.certificates.empty()) return "--tls and --tls-self-signed: which one?";
  if (!security.client_ca.empty() && !security.is_wanted()) return "--client-ca: it needs --tls or --tls-self-signed";
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    if (!options.listen[i].secure || security.is_wanted()) continue;
    return fmt::format("--listen {}: it needs --tls CERT KEY, or --tls-self-signed", typed.listen[i]);
  }
  return std::nullopt;
}

std::optional<std::string> set_security(const Typed& typed, const CLI::App& connect, ConnectCommand& options) {
  const bool is_secure = options.endpoint.scheme == Scheme::tls || options.websocket.url.starts_with("wss://");
  for (const char* name : {"--ca", "--insecure", "--cert", "--key", "--servername"}) {
    if (!is_secure && connect.count(name) > 0) return fmt::format("{}: only tls:// and wss:// have it", name);
  }
  options.security = typed.client_security;
  if (options.security.certificate.empty() != options.security.key.empty()) return "--cert and --key go together";
  return std::nullopt;
}

// Most who don't write a URL mean TCP.
std::string not_url(const std::string& text) {
  const bool is_port = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const std::string guess = (is_port ? "tcp://127.0.0.1:" : "tcp://") + text;
  if (Endpoint::parse(guess)) return fmt::format("'{}' is not a URL: did you mean {}?", text, guess);
  return fmt::format("'{}' is not a URL like tcp://127.0.0.1:9000, udp://[::1]:9000 or unix:/run/echo.sock", text);
}

// RFC 6454, 7.1: a scheme, a host and perhaps a port, and nothing behind them.
bool is_origin(std::string_view text) {
  if (text == "null") return true;
  const std::size_t scheme = text.find("://");
  if (scheme == 0 || scheme == text.npos) return false;
  const std::string_view host = text.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?#, \t\r\n") == host.npos;
}

Command usage(const std::string& line) { return Finished{ExitCode::usage, line}; }

Command serve_command(const Typed& typed, const Words& words) {
  ServeCommand options = words.flags;
  if (auto wrong = set_service(typed, *words.serve, options)) return usage(*wrong);
  if (auto wrong = set_limits(typed, *words.serve, options)) return usage(*wrong);
  for (const std::string& url : typed.listen) {
    auto place = Place::parse(url);
    if (!place) return usage("--listen: " + not_url(url));
    if (std::holds_alternative<Chat>(options.service) && !place->leave_only_web()) {
      return usage(fmt::format("--listen {}: a chat is only for WebSocket, at ws://, wss://, any:// or unix:", url));
    }
    options.listen.push_back(*place);
  }
  for (const std::string& origin : typed.origins) {
    if (origin == "any") {
      options.any_origin = true;
    } else if (!is_origin(origin)) {
      return usage(fmt::format("--origin: '{}' is no origin like https://example.org, nor any", origin));
    } else {
      options.origins += (options.origins.empty() ? "" : ",") + origin;
    }
  }
  if (auto wrong = set_security(typed, options)) return usage(*wrong);
  options.deflate = !typed.no_deflate;
  return options;
}

// "ws://user:password@host/": what stands before the "@" becomes credentials. RFC 3986, 3.2.1.
void take_user(WebSocketWishes& wishes) {
  const std::size_t begin = wishes.url.find("://");
  if (begin == std::string::npos) return;
  const std::size_t end = std::min(wishes.url.find_first_of("/?#", begin + 3), wishes.url.size());
  const std::size_t at = wishes.url.rfind('@', end);
  if (at == std::string::npos || at < begin + 3) return;
  const std::string user = wishes.url.substr(begin + 3, at - begin - 3);
  const std::size_t colon = user.find(':');
  wishes.user = user.substr(0, colon);
  if (colon != std::string::npos) wishes.password = user.substr(colon + 1);
  wishes.url.erase(begin + 3, at - begin - 2);
}

bool is_proxy(std::string_view text) {
  const auto begins = [text](std::string_view scheme) { return text.starts_with(scheme) && text != scheme; };
  return begins("http://") || begins("socks5://") || begins("socks5h://");
}

std::optional<std::string> set_websocket(const Typed& typed, const CLI::App& connect, ConnectCommand& options) {
  const bool is_websocket =
      typed.url.starts_with("ws://") || typed.url.starts_with("wss://") || typed.url.starts_with("ws+unix:");
  if (!is_websocket) {
    for (const char* name : {"--binary", "--hex", "--header", "--subprotocol", "--origin", "--proxy", "--compress",
                             "--frames", "--ping", "--count", "--expect"}) {
      if (connect.count(name) > 0) return fmt::format("{}: only ws:// and wss:// have it", name);
    }
    return std::nullopt;
  }
  options.websocket = typed.websocket;
  options.websocket.url = typed.url;
  take_user(options.websocket);
  for (const std::string& header : typed.headers) {
    const std::size_t colon = header.find(':');
    const bool is_header = colon != 0 && colon != std::string::npos &&
                           std::ranges::none_of(header, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    if (!is_header) return fmt::format("--header: '{}' is not NAME: VALUE", escape_controls(header));
    options.websocket.headers += header + "\n";
  }
  if (connect.count("--proxy") > 0 && !is_proxy(options.websocket.proxy)) {
    return fmt::format("--proxy: '{}' is no URL like http://proxy.example:3128 or socks5://proxy.example",
                       escape_controls(options.websocket.proxy));
  }
  if (connect.count("--ping") > 0 &&
      (!parse_seconds(typed.ping, options.websocket.ping) || options.websocket.ping < ping_least)) {
    return fmt::format("--ping: '{}' is not a number of seconds from 0.001", typed.ping);
  }
  if (connect.count("--count") > 0 && !parse_count(typed.count, connections_most, options.websocket.count)) {
    return fmt::format("--count: '{}' is not a whole number from 1 to {}", typed.count, connections_most);
  }
  if (connect.count("--expect") > 0 && !Pattern::parse(options.websocket.expect)) {
    return fmt::format("--expect: '{}' is not a regular expression", options.websocket.expect);
  }
  return std::nullopt;
}

Command connect_command(const Typed& typed, const Words& words) {
  ConnectCommand options;
  if (auto wrong = set_websocket(typed, *words.connect, options)) return usage(*wrong);
  const bool is_websocket = !options.websocket.url.empty();
  const std::string url = words.connect->count("URL") > 0 && !is_websocket ? typed.url : default_range;
  auto endpoint = Endpoint::parse(url);
  if (!endpoint) return usage("connect: " + not_url(url));
  if (endpoint->scheme == Scheme::udp && endpoint->is_range()) {
    return usage(fmt::format("{}: UDP can't tell which port of a range somebody listens on: name one", url));
  }
  if (endpoint->scheme != Scheme::local && endpoint->port_first == 0) {
    return usage(fmt::format("{}: nobody can listen on port 0", url));
  }
  options.endpoint = *endpoint;
  if (auto wrong = set_security(typed, *words.connect, options)) return usage(*wrong);
  if (words.connect->count("--timeout") > 0) {
    if (!parse_seconds(typed.timeout, options.timeout)) {
      return usage(fmt::format("--timeout: '{}' is not a number of seconds", typed.timeout));
    }
    options.timeout_text = typed.timeout;
  }
  return options;
}

}  // namespace

Result<Place> Place::parse(std::string_view url) {
  Place place;
  std::string known(url);
  struct Known {
    std::string_view scheme;
    Speech speech;
    bool secure;
  };
  for (const Known& each : {Known{"any://", Speech::any, false}, Known{"ws://", Speech::websocket, false},
                            Known{"tls://", Speech::raw, true}, Known{"wss://", Speech::websocket, true}}) {
    if (!url.starts_with(each.scheme)) continue;
    known = "tcp://" + std::string(url.substr(each.scheme.size()));
    place.speech = each.speech;
    place.with_udp = each.speech == Speech::any;
    place.secure = each.secure;
  }
  auto endpoint = Endpoint::parse(known);
  if (!endpoint) return std::unexpected(endpoint.error());
  place.endpoint = std::move(*endpoint);
  if (place.endpoint.scheme == Scheme::local) place.speech = Speech::any;
  return place;
}

bool Place::leave_only_web() noexcept {
  if (speech == Speech::any) speech = Speech::web;
  with_udp = false;
  return speech != Speech::raw;
}

Command parse(int count, const char* const* words) {
  Typed typed;
  Words known(typed);
  try {
    known.app.parse(count, words);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = known.app.get_subcommands();
    return Finished{ExitCode::ended, (chosen.empty() ? &known.app : chosen.front())->help()};
  } catch (const CLI::CallForVersion&) {
    return Finished{ExitCode::ended, std::string(version_line) + '\n'};
  } catch (const CLI::ExtrasError&) {
    const auto unknown = known.app.remaining(true);
    const std::string first = unknown.empty() ? std::string() : unknown.front();
    return usage(
        fmt::format("{}: {}", first, first.starts_with('-') ? "there is no such option" : "one word too many"));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view line = error.what();  // "--text: 1 required TEXT missing", or about a flag with a value
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return usage(fmt::format("--{}", line));
    return usage(fmt::format("{}: it needs a value", line.substr(0, colon)));
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    std::ranges::replace(line, '\n', ' ');
    return usage(line);
  }
  if (known.app.get_subcommands().empty())
    return usage("say what to do: parley serve, parley connect, parley bench, or parley --help");
  if (known.bench->parsed()) {
    BenchCommand command;
    if (auto wrong = set_bench(typed.bench, *known.bench, command)) return usage(*wrong);
    return command;
  }
  return known.serve->parsed() ? serve_command(typed, known) : connect_command(typed, known);
}

}  // namespace parley::cli
