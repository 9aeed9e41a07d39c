#include "cli/client.h"

#include <algorithm>
#include <utility>

#include <parley/text.h>

#include "cli/output.h"
#include "cli/service.h"

namespace parley::cli {

using namespace std::chrono_literals;

Client::Client(Loop& loop, Link link, Options options, std::function<void(std::string_view line)> print,
               std::function<void()> taken)
    : loop_(loop),
      link_(std::move(link)),
      options_(options),
      print_(std::move(print)),
      taken_(std::move(taken)),
      receiver_(loop) {}

void Client::type(std::optional<std::string> line) {
  if (input_ended_) return;
  if (line && !line->empty()) {
    lines_.push_back(std::move(*line));
  } else {
    input_ended_ = true;
  }
  changed_.set();
}

Task<Outcome> Client::run() {
  if (auto* stream = std::get_if<Stream>(&link_)) {
    receiver_.spawn(receive_stream(*stream));
  } else {
    receiver_.spawn(receive_datagrams(std::get<UdpSocket>(link_)));
  }
  Task<Outcome> talking = talk();
  const Outcome outcome = co_await talking;
  receiver_.stop();
  (void)co_await receiver_.join();
  co_return outcome;
}

// ---- What comes in

void Client::arrived(std::string_view text) {
  print_(received_line(text));
  messages_received_ += 1;
}

Task<> Client::receive_stream(Stream& stream) {
  Utf8Stream decoder;
  std::string text;
  for (;;) {
    auto bytes = co_await stream.receive();
    text.clear();
    if (bytes) {
      decoder.feed(*bytes, text);
      awaiting_ = false;
      last_event_ = loop_.now();
    } else {
      decoder.finish(text);
      ended_ = bytes.error();
    }
    if (!text.empty()) arrived(text);
    changed_.set();
    if (!bytes) co_return;
  }
}

Task<> Client::receive_datagrams(UdpSocket& socket) {
  for (;;) {
    auto datagram = co_await socket.receive();
    if (datagram) {
      awaiting_ = false;
      last_event_ = loop_.now();
      arrived(as_text(datagram->bytes));
    } else {
      ended_ = datagram.error();
    }
    changed_.set();
    if (!datagram) co_return;
  }
}

// ---- What goes out

bool Client::may_send() const noexcept {
  const bool waits = options_.one_by_one && options_.timeout > 0ns && awaiting_;
  return !lines_.empty() && !waits;
}

// Within the timeout for each piece: a long line may take longer, as long as the server reads.
Task<Result<void>> Client::send(const std::string& line) {
  if (auto* socket = std::get_if<UdpSocket>(&link_)) co_return co_await socket->send(line);
  auto& stream = std::get<Stream>(link_);
  const Time limit = options_.timeout > 0ns ? options_.timeout : Time::max();
  std::string_view rest = line;
  Result<void> sent;
  while (sent && !rest.empty()) {
    const std::string_view piece = rest.substr(0, piece_bytes_max);
    rest.remove_prefix(piece.size());
    sent = co_await within(limit, stream.send(piece));
  }
  co_return sent;
}

// False: it could not be sent, and failure_ or ended_ says why.
Task<bool> Client::send_next() {
  const std::string line = std::move(lines_.front());
  lines_.pop_front();
  taken_();
  lines_sent_ += 1;
  parameters_sent_ += count_parameters(line, Reply().separator);
  awaiting_ = true;
  last_event_ = loop_.now();
  Task<Result<void>> sending = send(line);
  const auto sent = co_await sending;
  last_event_ = loop_.now();
  if (sent) co_return true;
  const bool is_stream = std::holds_alternative<Stream>(link_);
  if (is_stream && sent.error() != Errc::timed_out && sent.error() != Errc::cancelled) {
    ended_ = sent.error();
  } else {
    failure_ = sent.error();
  }
  co_return false;
}

void Client::finish() {
  finished_ = true;
  last_event_ = loop_.now();
  if (auto* stream = std::get_if<Stream>(&link_)) (void)stream->shutdown();
}

// ---- When it is over

bool Client::is_silence_enough() const noexcept {
  return std::holds_alternative<UdpSocket>(link_) && !awaiting_ && messages_received_ >= lines_sent_;
}

bool Client::has_everything() const noexcept { return is_silence_enough() && messages_received_ >= parameters_sent_; }

std::optional<Client::Time> Client::deadline() const noexcept {
  if (options_.timeout == 0ns) return std::nullopt;
  if (finished_) return last_event_ + (is_silence_enough() ? Time(datagram_silence) : options_.timeout);
  if (options_.one_by_one && awaiting_) return last_event_ + options_.timeout;
  return std::nullopt;
}

Outcome Client::too_late() const noexcept {
  return finished_ && !awaiting_ && (is_silence_enough() || std::holds_alternative<Stream>(link_)) ? Outcome::answered
                                                                                                   : Outcome::overdue;
}

Outcome Client::gone() {
  if (std::holds_alternative<UdpSocket>(link_)) {
    failure_ = *ended_;
    return Outcome::failed;
  }
  if (finished_ && !awaiting_) return Outcome::answered;  // it was asked to
  print_(gone_line);
  return awaiting_ ? Outcome::disconnected : Outcome::answered;
}

Task<Outcome> Client::talk() {
  for (;;) {
    if (ended_) co_return gone();
    if (may_send()) {
      Task<bool> sending = send_next();
      const bool sent = co_await sending;
      if (!sent && failure_ == Errc::timed_out) co_return Outcome::overdue;
      if (!sent && !ended_) co_return Outcome::failed;
      continue;
    }
    if (input_ended_ && lines_.empty() && !finished_) finish();
    if (finished_ && has_everything()) co_return Outcome::answered;
    if (finished_ && options_.timeout == 0ns) {
      (void)co_await yield();  // what has arrived is printed
      co_return Outcome::answered;
    }
    const auto until = deadline();
    const Time left = until ? *until - loop_.now() : Time::max();
    if (left <= 0ns) co_return too_late();
    (void)co_await within(left, changed_.wait());
  }
}

}  // namespace parley::cli
