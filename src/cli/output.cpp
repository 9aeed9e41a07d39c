#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <nlohmann/json.hpp>

#include <parley/text.h>
#include <parley/ws/session.h>

#include "cli/hex.h"

namespace parley::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object) { return object.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json event_of(std::string_view event, const Peer& peer) {
  return Json{{"event", event}, {"protocol", name(peer.protocol)}, {"peer", peer.name}};
}

}  // namespace

void Sink::write(std::string_view lines) noexcept {
  std::lock_guard lock(mutex_);
  while (!lines.empty() && !gone_) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      gone_ = true;
    }
  }
}

Log::Log(bool verbose)
    : logger_(std::make_shared<spdlog::logger>("parley", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_pattern("parley: %v");
  logger_->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  logger_->flush_on(spdlog::level::debug);
}

void Log::error(std::string_view line) { logger_->error("{}", line); }
void Log::error(std::string_view where, std::string_view reason) { logger_->error("{}: {}", where, reason); }
void Log::detail(std::string_view line) { logger_->debug("{}", line); }

Protocol protocol_of(Scheme scheme) noexcept {
  switch (scheme) {
    case Scheme::tcp: return Protocol::tcp;
    case Scheme::udp: return Protocol::udp;
    case Scheme::tls: return Protocol::tls;
    case Scheme::local: break;
  }
  return Protocol::local;
}

std::string_view name(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::tcp: return "tcp";
    case Protocol::udp: return "udp";
    case Protocol::local: return "unix";
    case Protocol::ws: return "ws";
    case Protocol::http: return "http";
    case Protocol::tls: return "tls";
    case Protocol::wss: return "wss";
    case Protocol::https: return "https";
  }
  return "";
}

std::string_view name(Ending ending) noexcept {
  switch (ending) {
    case Ending::end: return "end";
    case Ending::reset: return "reset";
    case Ending::idle: return "idle";
    case Ending::stopping: return "stopping";
    case Ending::refused: return "refused";
  }
  return "";
}

std::string show(const Address& address) {
  constexpr std::string_view mapped = "::ffff:";
  if (address.family() == Family::ipv6) {
    const std::string host = address.host();
    if (host.starts_with(mapped) && host.find('.') != std::string::npos) {
      if (auto ipv4 = Address::ip(host.substr(mapped.size()), address.port())) return ipv4->to_string();
    }
  }
  return address.to_string();
}

Task<> flush_soon(Output& output) {
  co_await yield();
  output.flush_begun_ = false;
  output.flush();
}

void Output::line(std::string_view text) {
  gathered_.append(text);
  gathered_.push_back('\n');
  if (!flusher_ || gathered_.size() >= gathered_bytes_max) return flush();
  if (flush_begun_) return;
  flush_begun_ = true;
  flusher_->spawn(flush_soon(*this));
}

void Output::flush() noexcept {
  sink_->write(gathered_);
  gathered_.clear();
  if (gathered_.capacity() > gathered_bytes_max * 2) gathered_ = {};
}

void Output::bound(const Endpoint& endpoint, Protocol protocol, const Address& address) {
  const bool is_local = endpoint.scheme == Scheme::local;
  const std::string known = endpoint.to_string();
  const std::string url = is_local ? known : std::string(name(protocol)) + known.substr(known.find("://"));
  if (options_.style == Style::plain) return line(fmt::format("Bound to {}", url));
  Json object{{"event", "bound"}, {"protocol", name(protocol)}};
  if (is_local) {
    object["address"] = endpoint.host;
  } else {
    object["address"] = address.to_string();
    object["port"] = address.port();
  }
  object["url"] = url;
  line(text_of(object));
}

void Output::bound(std::uint16_t port) {
  if (options_.style == Style::plain) line(fmt::format("Bound to {}", port));
}

void Output::certificate(std::string_view fingerprint) {
  if (options_.style == Style::json) return line(text_of(Json{{"event", "certificate"}, {"sha256", fingerprint}}));
  line(fmt::format("Certificate SHA-256 {}", fingerprint));
}

void Output::connected(const Peer& peer) {
  if (options_.quiet) return;
  if (options_.style == Style::json) return line(text_of(event_of("connected", peer)));
  line(fmt::format("Connected by {}", peer.name));
}

void Output::upgraded(const Peer& peer, std::string_view target) {
  if (options_.quiet || options_.style == Style::plain) return;
  Json object = event_of("upgraded", peer);
  object["target"] = target;
  line(text_of(object));
}

void Output::received(const Peer& peer, std::string_view text) {
  if (options_.quiet) return;
  if (options_.style == Style::plain) return line(fmt::format("Received {} from {}", escape_controls(text), peer.name));
  Json object = event_of("received", peer);
  object["text"] = text;
  line(text_of(object));
}

void Output::disconnected(const Peer& peer, Ending ending) {
  if (options_.quiet) return;
  if (options_.style == Style::plain) return line(fmt::format("{} disconnected", peer.name));
  Json object = event_of("disconnected", peer);
  object["reason"] = name(ending);
  line(text_of(object));
}

void Output::paused(Pause why) {
  if (options_.quiet || options_.style == Style::plain) return;
  const char* reason = why == Pause::descriptors ? "descriptors" : "max_connections";
  line(text_of(Json{{"event", "paused"}, {"reason", reason}}));
}

void Output::resumed() {
  if (options_.quiet || options_.style == Style::plain) return;
  line(text_of(Json{{"event", "resumed"}}));
}

void Output::stopping() {
  if (options_.quiet) return;
  line(options_.style == Style::plain ? "Stopping" : text_of(Json{{"event", "stopping"}}));
}

std::string connected_line(std::string_view server) { return fmt::format("Connected to {}", server); }

std::string received_line(std::string_view text) {
  return fmt::format("Received {} from server", escape_controls(text));
}

std::string pong_line(std::chrono::nanoseconds round_trip) {
  return fmt::format("Pong after {:.2f} ms", static_cast<double>(round_trip.count()) / 1e6);
}

std::string closed_text(std::uint16_t code, std::string_view reason) {
  if (code == ws::Closed::abnormal) return "the connection ended without a Close frame";
  if (reason.empty()) return fmt::format("closed with {}", code);
  return fmt::format("closed with {}: {}", code, escape_controls(reason));
}

// "> text FIN masked 5: Hello". What is compressed is shown in hexadecimal.
std::string frame_line(const ws::Frame& frame) {
  constexpr std::size_t shown_bytes_max = 64;
  constexpr std::string_view names[] = {"continuation", "text", "binary", "3",  "4",  "5",  "6",  "7",
                                        "close",        "ping", "pong",   "11", "12", "13", "14", "15"};
  const Bytes begin = frame.begin.first(std::min(frame.begin.size(), shown_bytes_max));
  std::string shown;
  if (frame.opcode == 8 && begin.size() >= 2 && !frame.rsv1) {
    const unsigned code = std::to_integer<unsigned>(begin[0]) << 8 | std::to_integer<unsigned>(begin[1]);
    shown = fmt::format("{} {}", code, escape_controls(as_text(begin.subspan(2))));
  } else {
    shown = frame.rsv1 || frame.opcode == 2 ? to_hex(as_text(begin)) : escape_controls(as_text(begin));
  }
  return fmt::format("{} {}{}{}{} {}{}{}{}", frame.sent ? '>' : '<', names[frame.opcode & 15], frame.fin ? " FIN" : "",
                     frame.rsv1 ? " RSV1" : "", frame.masked ? " masked" : "", frame.payload_bytes,
                     shown.empty() ? "" : ": ", shown, frame.payload_bytes > begin.size() ? " ..." : "");
}

}  // namespace parley::cli
