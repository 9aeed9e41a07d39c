// All that the program prints: what happened, on standard output, and complaints, on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <parley/address.h>
#include <parley/endpoint.h>
#include <parley/task.h>
#include <parley/ws/frame.h>

namespace spdlog {
class logger;
}

namespace parley::cli {

// Standard output, for all threads. What is written at once stays together.
class Sink {
 public:
  explicit Sink(int descriptor) noexcept : descriptor_(descriptor) {}

  // Waits while the reader is slow. Once the reader is gone, what is written goes nowhere.
  void write(std::string_view lines) noexcept;

 private:
  std::mutex mutex_;
  int descriptor_;
  bool gone_ = false;
};

// Standard error, a line at a time, for all threads.
class Log {
 public:
  explicit Log(bool verbose);

  void error(std::string_view line);
  void error(std::string_view where, std::string_view reason);
  void detail(std::string_view line);  // only with --verbose

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

enum class Style : std::uint8_t { plain, json };

enum class Ending : std::uint8_t { end, reset, idle, stopping, refused };
enum class Pause : std::uint8_t { descriptors, connections_max };

enum class Protocol : std::uint8_t { tcp, udp, local, ws, http, tls, wss, https };

Protocol protocol_of(Scheme scheme) noexcept;
std::string_view name(Protocol protocol) noexcept;
std::string_view name(Ending ending) noexcept;

// An address as it is shown: "127.0.0.1:9000", also for an IPv4 peer of an IPv6 socket.
std::string show(const Address& address);

struct Peer {
  Protocol protocol = Protocol::tcp;
  std::string name;
};

// Lines that one thread prints. They are gathered and leave together when the loop has done what is ready.
class Output {
 public:
  struct Options {
    Style style = Style::plain;
    bool quiet = false;  // only bound()
  };

  static constexpr std::size_t gathered_bytes_max = 64 * 1024;

  // `flusher` is where the task that writes runs; without one, each line is written at once.
  Output(Sink& sink, Options options, TaskGroup* flusher = nullptr) noexcept
      : sink_(&sink), options_(options), flusher_(flusher) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { flush(); }

  // Whether anything but bound() is printed at all.
  bool is_quiet() const noexcept { return options_.quiet; }

  // `endpoint` with its real port, what is spoken there, and what the kernel calls it.
  void bound(const Endpoint& endpoint, Protocol protocol, const Address& address);
  // The port of the default, before all of its ways in.
  void bound(std::uint16_t port);
  // Of the certificate that was made for this run: its SHA-256.
  void certificate(std::string_view fingerprint);
  void connected(const Peer& peer);
  void upgraded(const Peer& peer, std::string_view target);  // JSON only: it is a WebSocket from here on
  void received(const Peer& peer, std::string_view text);
  void disconnected(const Peer& peer, Ending ending);
  void paused(Pause why);  // JSON only
  void resumed();          // JSON only
  void stopping();

  void line(std::string_view text);
  void flush() noexcept;

 private:
  friend Task<> flush_soon(Output& output);

  Sink* sink_;
  Options options_;
  TaskGroup* flusher_;
  std::string gathered_;
  bool flush_begun_ = false;
};

// The lines of `parley connect`.
std::string connected_line(std::string_view server);
std::string received_line(std::string_view text);
inline constexpr std::string_view gone_line = "server disconnected";
std::string pong_line(std::chrono::nanoseconds round_trip);
std::string closed_text(std::uint16_t code, std::string_view reason);
std::string frame_line(const ws::Frame& frame);

}  // namespace parley::cli
