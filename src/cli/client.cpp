#include "cli/client.h"

#include <algorithm>
#include <utility>

#include <parley/text.h>

#include "cli/hex.h"
#include "cli/output.h"
#include "cli/service.h"

namespace parley::cli {

using namespace std::chrono_literals;

Client::Client(Loop& loop, Link link, Options options, std::function<void(std::string_view line)> print,
               std::function<void()> taken)
    : loop_(loop),
      link_(std::move(link)),
      options_(std::move(options)),
      print_(std::move(print)),
      taken_(std::move(taken)),
      receiver_(loop),
      pattern_(options_.expect.empty() ? std::nullopt : Pattern::parse(options_.expect)) {}

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
  } else if (auto* session = std::get_if<ws::Session>(&link_)) {
    receiver_.spawn(receive_messages(*session));
    if (options_.ping > 0ns) receiver_.spawn(ping(*session));
  } else {
    receiver_.spawn(receive_datagrams(std::get<UdpSocket>(link_)));
  }
  Task<Outcome> talking = talk();
  const Outcome outcome = co_await talking;
  if (auto* session = std::get_if<ws::Session>(&link_); session && !ended_) {
    (void)session->close(1000);
    while (!ended_) (void)co_await changed_.wait();  // Limits::close_seconds at most
  }
  receiver_.stop();
  (void)co_await receiver_.join();
  co_return is_awaited() && !met_ && outcome != Outcome::failed ? Outcome::unmet : outcome;
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

Task<> Client::receive_messages(ws::Session& session) {
  for (;;) {
    auto message = co_await session.receive();
    if (message && met_) continue;  // it is over
    if (message) {
      awaiting_ = false;
      last_event_ = loop_.now();
      const std::string text =
          options_.hex && !message->is_text() ? to_hex(message->text()) : std::string(message->text());
      arrived(text);
      met_ =
          met_ || (pattern_ && pattern_->is_in(text)) || (options_.count != 0 && messages_received_ >= options_.count);
    } else {
      ended_ = message.error();
    }
    changed_.set();
    if (!message) co_return;
  }
}

Task<> Client::ping(ws::Session& session) {
  for (;;) {
    auto slept = co_await sleep_for(options_.ping);
    if (!slept) co_return;
    auto trip = co_await session.ping();
    if (!trip) co_return;
    print_(pong_line(*trip));
  }
}

std::string Client::closed_line() const {
  const auto* session = std::get_if<ws::Session>(&link_);
  if (!session || !ended_by_peer_) return {};
  const ws::Closed closed = session->closed();
  if (closed.code == 1000 || closed.code == ws::Closed::no_code) return {};
  return closed_text(closed.code, closed.reason);
}

bool Client::is_closed_in_order() const {
  const auto* session = std::get_if<ws::Session>(&link_);
  if (!session || !ended_by_peer_) return true;
  const std::uint16_t code = session->closed().code;
  return code == 1000 || code == 1001 || code == ws::Closed::no_code;
}

// ---- What goes out

bool Client::may_send() const noexcept {
  const bool waits = options_.one_by_one && options_.timeout > 0ns && awaiting_;
  return !lines_.empty() && !waits;
}

// Within the timeout for each piece: a long line may take longer, as long as the server reads.
Task<Result<void>> Client::send(const std::string& line) {
  if (auto* socket = std::get_if<UdpSocket>(&link_)) co_return co_await socket->send(line);
  if (auto* session = std::get_if<ws::Session>(&link_)) {
    const auto bytes = options_.hex ? from_hex(line) : std::optional<std::string>(line);
    if (!bytes) co_return fail(Errc::invalid_argument);
    const bool is_binary = options_.binary || options_.hex || !is_utf8(line);
    const ws::Message message(as_bytes(*bytes), is_binary ? ws::Kind::binary : ws::Kind::text);
    const Time limit = options_.timeout > 0ns ? options_.timeout : Time::max();
    co_return co_await within(limit, session->send(message));
  }
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
  const bool is_stream = !std::holds_alternative<UdpSocket>(link_) && sent.error() != Errc::invalid_argument;
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
  return !std::holds_alternative<Stream>(link_) && !awaiting_ && messages_received_ >= lines_sent_;
}

bool Client::has_everything() const noexcept {
  return is_silence_enough() && messages_received_ >= parameters_sent_ && !is_awaited();
}

std::optional<Client::Time> Client::deadline() const noexcept {
  if (options_.timeout == 0ns) return std::nullopt;
  if (finished_)
    return last_event_ + (is_silence_enough() && !is_awaited() ? Time(datagram_silence) : options_.timeout);
  if (options_.one_by_one && awaiting_) return last_event_ + options_.timeout;
  return std::nullopt;
}

Outcome Client::too_late() const noexcept {
  return finished_ && !awaiting_ && (is_silence_enough() || std::holds_alternative<Stream>(link_)) ? Outcome::answered
                                                                                                   : Outcome::overdue;
}

Outcome Client::gone() {
  const bool is_refused = *ended_ == Errc::certificate_required || *ended_ == Errc::certificate_refused;
  if (std::holds_alternative<UdpSocket>(link_) || is_refused) {
    failure_ = *ended_;
    return Outcome::failed;
  }
  if (std::holds_alternative<Stream>(link_) && finished_ && !awaiting_) return Outcome::answered;  // it was asked to
  print_(gone_line);
  return awaiting_ || !lines_.empty() ? Outcome::disconnected : Outcome::answered;
}

Task<Outcome> Client::talk() {
  for (;;) {
    if (met_) co_return Outcome::answered;
    if (ended_) {
      ended_by_peer_ = true;
      co_return gone();
    }
    if (may_send()) {
      Task<bool> sending = send_next();
      const bool sent = co_await sending;
      if (!sent && failure_ == Errc::timed_out) co_return Outcome::overdue;
      if (!sent && !ended_) co_return Outcome::failed;
      continue;
    }
    if (input_ended_ && lines_.empty() && !finished_) finish();
    if (finished_ && has_everything()) co_return Outcome::answered;
    if (finished_ && options_.timeout == 0ns && !is_awaited()) {
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
