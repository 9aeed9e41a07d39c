// Client: one conversation of `parley connect`, without the terminal: lines go in, lines to print come out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <parley/event.h>
#include <parley/loop.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/udp.h>
#include <parley/ws/session.h>

#include "cli/pattern.h"

namespace parley::cli {

using Link = std::variant<Stream, UdpSocket, ws::Session>;

enum class Outcome : std::uint8_t {
  answered,      // everything sent was answered, or nothing was sent
  disconnected,  // the server went before it answered
  overdue,       // no answer in time
  failed,        // Client::failure() says why
  unmet,         // it ended before Options::count or Options::expect was met
};

class Client {
 public:
  struct Options {
    std::chrono::nanoseconds timeout{};  // for each answer; 0: don't wait
    bool one_by_one = true;              // a line waits until something came back for the one before
    // Of a WebSocket:
    bool binary = false;              // lines are sent as binary messages
    bool hex = false;                 // lines are bytes in hexadecimal, and so are binary messages that come
    std::chrono::nanoseconds ping{};  // between two pings; 0: none
    std::size_t count = 0;            // end when so many messages have come; 0: don't
    std::string expect = {};          // end when one has come that this is found in; empty: don't
  };

  // After as many datagrams, or messages, as lines, and this long without another, no more are expected.
  static constexpr std::chrono::milliseconds datagram_silence{500};
  // How much is sent at a time, each piece within the timeout.
  static constexpr std::size_t piece_bytes_max = 64 * 1024;

  // `print` is given each line to show. `taken` is called when a line has left the queue.
  Client(Loop& loop, Link link, Options options, std::function<void(std::string_view line)> print,
         std::function<void()> taken);

  // The next line, or nothing at the end of the input. An empty line ends it too. On the loop's thread.
  void type(std::optional<std::string> line);

  // The conversation, to its end.
  Task<Outcome> run();

  Error failure() const noexcept { return failure_; }
  // How a WebSocket was closed; nothing to say of a code that means no trouble.
  std::string closed_line() const;
  // The server did not close a WebSocket with a code that means trouble.
  bool is_closed_in_order() const;

 private:
  using Time = std::chrono::nanoseconds;

  Task<> receive_stream(Stream& stream);
  Task<> receive_datagrams(UdpSocket& socket);
  Task<> receive_messages(ws::Session& session);
  Task<> ping(ws::Session& session);
  Task<Outcome> talk();
  Task<bool> send_next();
  Task<Result<void>> send(const std::string& line);

  void arrived(std::string_view text);
  void finish();
  Outcome gone();
  Outcome too_late() const noexcept;

  bool may_send() const noexcept;
  bool is_silence_enough() const noexcept;
  bool has_everything() const noexcept;
  bool is_awaited() const noexcept { return options_.count != 0 || !options_.expect.empty(); }
  std::optional<Time> deadline() const noexcept;

  Loop& loop_;
  Link link_;
  Options options_;
  std::function<void(std::string_view)> print_;
  std::function<void()> taken_;
  TaskGroup receiver_;
  Event changed_;
  std::deque<std::string> lines_;
  bool input_ended_ = false;
  bool finished_ = false;       // all lines are sent; a server of a stream has been told so
  std::optional<Error> ended_;  // the server has gone
  bool ended_by_peer_ = false;  // before it was told to
  Error failure_;
  std::optional<Pattern> pattern_;
  bool met_ = false;       // what Options::count or Options::expect asks for has come
  bool awaiting_ = false;  // nothing came since the last line was sent
  std::size_t lines_sent_ = 0;
  std::size_t parameters_sent_ = 0;
  std::size_t messages_received_ = 0;
  Time last_event_{};  // when something was sent or received last
};

}  // namespace parley::cli
