#include "cli/load.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <parley/connect.h>
#include <parley/ws/client.h>

namespace parley::cli {
namespace {

constexpr std::size_t opening_max = 64;  // connections that are being opened at a time

ws::Message as_message(std::string_view text, Content content) noexcept {
  return {as_bytes(text), content == Content::binary ? ws::Kind::binary : ws::Kind::text};
}

}  // namespace

std::string make_message(Content content, std::size_t bytes) {
  constexpr std::string_view words = "the quick brown fox jumps over the lazy dog ";
  constexpr std::string_view characters = "a\u00e9\u65e5\U0001F600 ";
  std::string message;
  std::uint32_t state = 1;
  for (std::size_t i = 0; message.size() < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    switch (content) {
      case Content::binary: message += static_cast<char>(state >> 24); break;
      case Content::text: message += words[i % words.size()]; break;
      case Content::utf8:
        if (message.size() + characters.size() <= bytes) {
          message += characters;
        } else {
          message += '.';
        }
        break;
      case Content::json:
        message += fmt::format(R"({}{{"id":{},"user":"user{}","active":{},"score":{}.{}}})", i == 0 ? "[" : ",", i,
                               state >> 22, (state >> 8) % 2 == 0, (state >> 12) % 1000, state % 100);
        break;
    }
  }
  if (message.size() > bytes) {
    const std::size_t whole = message.rfind("},", bytes == 0 ? 0 : bytes - 1);
    message.resize(whole == std::string::npos || whole + 2 > bytes ? 0 : whole + 1);
    if (!message.empty()) message += ']';
    message.resize(bytes, ' ');
  }
  return message;
}

Load::Load(Loop& loop, const LoadOptions& options)
    : loop_(loop), options_(options), message_(make_message(options.content, options.bytes)), group_(loop) {}

// --- connecting ---------------------------------------------------------------------------------------------------

Task<Result<void>> Load::open_one() {
  Flow& flow = flows_.emplace_back();
  if (options_.url.empty()) {
    Task<Result<Stream>> connecting = parley::connect(loop_, options_.endpoint);
    Result<Stream> stream = co_await within(options_.connect_time, std::move(connecting));
    if (!stream) co_return std::unexpected(stream.error());
    flow.stream = std::move(*stream);
    co_return Result<void>();
  }
  ws::ConnectOptions options;
  options.deflate = options_.compress;
  options.limits.message_bytes_max = std::max<std::size_t>(options_.bytes, 1);
  options.limits.keepalive_seconds = 0;
  options.handshake_seconds = 1'000'000;  // connect_time is shorter
  Task<Result<ws::Session>> connecting = ws::connect(loop_, options_.url, options);
  Result<ws::Session> session = co_await within(options_.connect_time, std::move(connecting));
  if (!session) co_return std::unexpected(session.error());
  flow.session = std::move(*session);
  co_return Result<void>();
}

Task<> Load::open_some(Result<void>& result) {
  while (opening_ < options_.connections && result) {
    ++opening_;
    Task<Result<void>> opening = open_one();
    const Result<void> opened = co_await opening;
    if (!opened && result) result = opened;
  }
}

Task<Result<void>> Load::connect() {
  Result<void> result;
  TaskGroup opening(loop_);
  for (std::size_t i = 0; i < std::min(opening_max, options_.connections); ++i) opening.spawn(open_some(result));
  (void)co_await opening.join();
  co_return result;
}

// --- sending ------------------------------------------------------------------------------------------------------

void Load::start() {
  std::size_t number = 0;
  for (Flow& flow : flows_) {
    flow.credit = options_.in_flight;
    group_.spawn(options_.rate > 0 ? send_at_rate(flow, number++) : send_closed(flow));
    group_.spawn(receive(flow));
  }
}

Task<> Load::join() {
  (void)co_await group_.join();
  flows_.clear();
}

Task<Result<void>> Load::send(Flow& flow) {
  if (!flow.session) {
    Result<void> sent = co_await flow.stream.send(message_);
    co_return sent;
  }
  const ws::Message message = as_message(message_, options_.content);
  Result<void> sent =
      co_await flow.session.send(message, options_.compress ? ws::Compress::always : ws::Compress::never);
  co_return sent;
}

Task<> Load::send_closed(Flow& flow) {
  for (;;) {
    while (flow.credit == 0) {
      const Result<void> woken = co_await flow.more.wait();
      if (!woken) co_return;
    }
    --flow.credit;
    flow.due.push_back(loop_.now());
    Task<Result<void>> sending = send(flow);
    const Result<void> sent = co_await sending;
    if (!sent) co_return broke(sent.error());
  }
}

// A message counts from when it was to be sent: one that waits behind a slow server, or behind this program, has
// waited.
Task<> Load::send_at_rate(Flow& flow, std::size_t number) {
  const Time interval(static_cast<Time::rep>(1e9 * static_cast<double>(flows_.size()) / options_.rate));
  Time due = loop_.now() + interval * static_cast<Time::rep>(number) / static_cast<Time::rep>(flows_.size());
  for (;; due += interval) {
    if (const Time now = loop_.now(); now < due) {
      const Result<void> slept = co_await sleep_for(due - now);
      if (!slept) co_return;
    }
    result_.lateness.add(loop_.now() - due);
    flow.due.push_back(due);
    Task<Result<void>> sending = send(flow);
    const Result<void> sent = co_await sending;
    if (!sent) co_return broke(sent.error());
  }
}

// --- receiving ----------------------------------------------------------------------------------------------------

void Load::came_back(Flow& flow, bool good) noexcept {
  if (flow.due.empty()) {  // more than was sent
    ++result_.wrong;
    return;
  }
  good ? ++result_.messages : ++result_.wrong;
  result_.latency.add(loop_.now() - flow.due.front());
  flow.due.pop_front();
  if (options_.rate > 0) return;
  ++flow.credit;
  flow.more.set();
}

// The bytes of a stream: one message behind the other.
void Load::take(Flow& flow, Bytes bytes) noexcept {
  const Bytes message = as_bytes(message_);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), message.size() - flow.matched);
    if (!std::ranges::equal(bytes.first(count), message.subspan(flow.matched, count))) flow.is_wrong = true;
    bytes = bytes.subspan(count);
    flow.matched += count;
    if (flow.matched < message.size()) return;
    came_back(flow, !std::exchange(flow.is_wrong, false));
    flow.matched = 0;
  }
}

Task<> Load::receive(Flow& flow) {
  for (;;) {
    if (flow.session) {
      const auto message = co_await flow.session.receive();
      if (!message) co_return broke(message.error());
      const bool same_kind = message->kind() == as_message({}, options_.content).kind();
      came_back(flow, same_kind && message->text() == message_);
    } else {
      const auto bytes = co_await flow.stream.receive();
      if (!bytes) co_return broke(bytes.error());
      take(flow, *bytes);
    }
  }
}

void Load::broke(Error error) noexcept {
  if (error == Errc::cancelled) return;
  if (broken_++ == 0) first_error_ = error;
}

}  // namespace parley::cli
