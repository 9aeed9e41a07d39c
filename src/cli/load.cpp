#include "cli/load.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <parley/ws/client.h>

namespace parley::cli {
namespace {

constexpr std::size_t opening_max = 64;  // connections that are being opened at a time

ws::Message as_message(std::string_view text, Content content) noexcept {
  return {as_bytes(text), content == Content::binary ? ws::Kind::binary : ws::Kind::text};
}

}  // namespace

Load::Load(Loop& loop, const LoadOptions& options)
    : loop_(loop), options_(options), messages_(options.content, options.bytes), group_(loop) {}

// --- connecting ---------------------------------------------------------------------------------------------------

ConnectOptions Load::next_source() {
  ConnectOptions options;
  options.tls = options_.tls;
  if (!options_.from.empty()) options.from = options_.from[opened_++ % options_.from.size()];
  return options;
}

Task<Result<void>> Load::open(Flow& flow) {
  if (options_.url.empty() && options_.endpoint.scheme == Scheme::udp) {
    Result<UdpSocket> socket = co_await connect_udp(loop_, options_.endpoint);
    if (!socket) co_return std::unexpected(socket.error());
    flow.datagrams = std::move(*socket);
    co_return Result<void>();
  }
  if (options_.url.empty()) {
    Task<Result<Stream>> connecting = parley::connect(loop_, options_.endpoint, next_source());
    Result<Stream> stream = co_await within(options_.connect_time, std::move(connecting));
    if (!stream) co_return std::unexpected(stream.error());
    flow.stream = std::move(*stream);
    co_return Result<void>();
  }
  ws::ConnectOptions options;
  options.connect = next_source();
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

Task<> Load::open_some(Opening& opening) {
  while (opening.left > 0 && opening.result) {
    --opening.left;
    Flow& flow = opening.flows.emplace_back();
    Task<Result<void>> task = open(flow);
    const Result<void> opened = co_await task;
    if (!opened && opening.result) opening.result = opened;
  }
}

Task<Result<void>> Load::open_all(std::deque<Flow>& flows, std::size_t count) {
  Opening opening{.flows = flows, .left = count};
  TaskGroup group(loop_);
  for (std::size_t i = 0; i < std::min(opening_max, count); ++i) group.spawn(open_some(opening));
  (void)co_await group.join();
  co_return opening.result;
}

Task<Result<void>> Load::connect_idle() { return open_all(idle_, options_.idle); }

Task<Result<void>> Load::connect() {
  if (!options_.churn) {
    Task<Result<void>> all = open_all(flows_, options_.connections);
    co_return co_await all;
  }
  Flow first;
  Task<Result<void>> opening = open(first);
  const Result<void> opened = co_await opening;
  churning_ = options_.connections;
  co_return opened;
}

// --- sending ------------------------------------------------------------------------------------------------------

void Load::start() {
  for (std::size_t i = 0; i < churning_; ++i) group_.spawn(churn());
  std::size_t number = 0;
  for (Flow& flow : flows_) {
    flow.credit = options_.in_flight;
    flow.sent = flow.back = number;  // each begins with another message
    group_.spawn(options_.rate > 0 ? send_at_rate(flow, number) : send_closed(flow));
    group_.spawn(receive(flow));
    ++number;
  }
}

Task<> Load::join() {
  (void)co_await group_.join();
  flows_.clear();
  idle_.clear();
}

const std::string& Load::message_to(Flow& flow) {
  const std::uint64_t number = flow.sent++;
  const std::string& message = messages_[number];
  if (!flow.datagrams) return message;
  flow.numbered = message;
  std::memcpy(flow.numbered.data(), &number, sizeof number);
  return flow.numbered;
}

Task<Result<void>> Load::send(Flow& flow) {
  const std::string& text = message_to(flow);
  Result<void> sent;
  if (flow.datagrams) {
    sent = co_await flow.datagrams.send(text);
    if (!sent && sent.error() == Errc::refused) sent = {};  // of an earlier one: it is lost
  } else if (flow.session) {
    const ws::Message message = as_message(text, options_.content);
    sent = co_await flow.session.send(message, options_.compress ? ws::Compress::always : ws::Compress::never);
  } else {
    sent = co_await flow.stream.send(text);
  }
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

void Load::allow(Flow& flow) noexcept {
  if (options_.rate > 0) return;
  ++flow.credit;
  flow.more.set();
}

void Load::came_back(Flow& flow, bool good) noexcept {
  if (flow.due.empty()) {  // more than was sent
    ++result_.wrong;
    return;
  }
  good ? ++result_.messages : ++result_.wrong;
  result_.latency.add(loop_.now() - flow.due.front());
  flow.due.pop_front();
  ++flow.back;
  allow(flow);
}

// The bytes of a stream: one message behind the other.
void Load::take(Flow& flow, Bytes bytes) noexcept {
  while (!bytes.empty()) {
    const Bytes message = as_bytes(messages_[flow.back]);
    const std::size_t count = std::min(bytes.size(), message.size() - flow.matched);
    if (!std::ranges::equal(bytes.first(count), message.subspan(flow.matched, count))) flow.is_wrong = true;
    bytes = bytes.subspan(count);
    flow.matched += count;
    if (flow.matched < message.size()) return;
    came_back(flow, !std::exchange(flow.is_wrong, false));
    flow.matched = 0;
  }
}

// Those before `until` don't come any more.
void Load::lose(Flow& flow, std::uint64_t until) noexcept {
  for (; flow.back < until; ++flow.back) {
    ++result_.lost;
    flow.due.pop_front();
    allow(flow);
  }
}

// They may come in another order: one that is overtaken counts as lost, and as nothing when it comes after all.
void Load::take_datagram(Flow& flow, Bytes bytes) noexcept {
  std::uint64_t number = 0;
  if (bytes.size() >= sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  const bool is_known = bytes.size() >= sizeof number && number < flow.sent;
  if (is_known && number < flow.back) return;
  if (is_known) lose(flow, number);
  const std::string_view body = std::string_view(messages_[number]).substr(sizeof number);
  came_back(flow, is_known && as_text(bytes.subspan(sizeof number)) == body);
}

Task<Result<void>> Load::receive_datagram(Flow& flow) {
  Result<Datagram> datagram = co_await within(lost_after, flow.datagrams.receive());
  if (datagram) {
    take_datagram(flow, datagram->bytes);
  } else if (datagram.error() == Errc::timed_out || datagram.error() == Errc::refused) {
    lose(flow, flow.sent);
  } else {
    co_return std::unexpected(datagram.error());
  }
  co_return Result<void>();
}

Task<Result<void>> Load::receive_one(Flow& flow) {
  if (flow.session) {
    const auto message = co_await flow.session.receive();
    if (!message) co_return std::unexpected(message.error());
    const bool same_kind = message->kind() == as_message({}, options_.content).kind();
    came_back(flow, same_kind && message->text() == messages_[flow.back]);
  } else {
    const auto bytes = co_await flow.stream.receive();
    if (!bytes) co_return std::unexpected(bytes.error());
    take(flow, *bytes);
  }
  co_return Result<void>();
}

Task<> Load::receive(Flow& flow) {
  for (;;) {
    Task<Result<void>> receiving = flow.datagrams ? receive_datagram(flow) : receive_one(flow);
    const Result<void> received = co_await receiving;
    if (!received) co_return broke(received.error());
  }
}

// --- churning -----------------------------------------------------------------------------------------------------

// In order: what an impatient client leaves behind is not to be measured.
Task<Result<void>> Load::close(Flow& flow) {
  if (flow.session) (void)flow.session.close();
  if (flow.stream) flow.stream.shutdown();
  Error end;
  while (end == Errc::none) {
    if (flow.session) {
      const auto more = co_await flow.session.receive();
      if (!more) end = more.error();
    } else {
      const auto more = co_await flow.stream.receive();
      if (!more) end = more.error();
    }
  }
  if (end == Errc::end) co_return Result<void>();
  co_return std::unexpected(end);
}

Task<Result<void>> Load::churn_once(Flow& flow) {
  flow.due.push_back(loop_.now());
  Task<Result<void>> opening = open(flow);
  Result<void> done = co_await opening;
  if (!done) co_return done;
  Task<Result<void>> sending = send(flow);
  done = co_await sending;
  while (done && !flow.due.empty()) {
    Task<Result<void>> receiving = receive_one(flow);
    done = co_await receiving;
  }
  if (!done) co_return done;
  Task<Result<void>> closing = close(flow);
  co_return co_await closing;
}

Task<> Load::churn() {
  for (;;) {
    Flow flow;
    Task<Result<void>> once = churn_once(flow);
    const Result<void> done = co_await once;
    if (!done) co_return broke(done.error());
  }
}

void Load::broke(Error error) noexcept {
  if (error == Errc::cancelled) return;
  if (broken_++ == 0) first_error_ = error;
}

}  // namespace parley::cli
