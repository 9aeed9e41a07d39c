#include <parley/ws/reconnect.h>

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "ws/session_core.h"
#include "ws/wishes.h"

namespace parley::ws {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds pinging_delay{50};  // while the handler's own ping is under way

bool may_help(Error error, const Refusal& refusal) noexcept {
  switch (error.code) {
    case Errc::invalid_address:
    case Errc::invalid_argument:
    case Errc::permission_denied: return false;
    default: break;
  }
  const unsigned status = refusal.status;
  return status < 300 || status >= 500 || status == 408 || status == 425 || status == 429;
}

class Backoff {
 public:
  explicit Backoff(const ReconnectOptions& options) : options_(options), random_(seed(options)) {}

  // RFC 6455, 7.2.3: "The first reconnect attempt SHOULD be delayed by a random amount of time.", "subsequent reconnect
  // attempts SHOULD be delayed by increasingly longer amounts of time, using a method such as truncated binary
  // exponential backoff." Full jitter: from 0 to what doubles each time.
  milliseconds next() noexcept {
    const auto most = static_cast<std::uint64_t>(std::max<milliseconds::rep>(options_.delay_max.count(), 0));
    auto limit = static_cast<std::uint64_t>(std::max<milliseconds::rep>(options_.delay_first.count(), 0));
    for (unsigned i = 0; i < count_ && limit < most; ++i) limit *= 2;
    ++count_;
    return milliseconds(static_cast<milliseconds::rep>(random_.between(0, std::min(limit, most))));
  }
  void reset() noexcept { count_ = 0; }

 private:
  static std::uint64_t seed(const ReconnectOptions& options) noexcept {
    std::uint64_t drawn = options.seed;
    if (drawn == 0) (void)strong_random(std::as_writable_bytes(std::span(&drawn, 1)));
    return drawn;
  }

  const ReconnectOptions& options_;
  Random random_;
  unsigned count_ = 0;
};

// All that is done with one connection.
Task<> use(Session& peer, const Talk& talk, const Talk* greet, Outbox& outbox, TaskGroup& group) {
  if (greet) {
    Task<> greeting = (*greet)(peer);
    co_await greeting;
  }
  group.spawn(outbox.empty_into(peer));
  Task<> talking = talk(peer);
  co_await talking;
  group.stop();  // what sends from the outbox
}

}  // namespace

// One reconnect() at a time has it.
class OutboxUser {
 public:
  explicit OutboxUser(Outbox& outbox) noexcept : outbox_(std::exchange(outbox.used_, true) ? nullptr : &outbox) {}
  OutboxUser(const OutboxUser&) = delete;
  OutboxUser& operator=(const OutboxUser&) = delete;
  ~OutboxUser() {
    if (outbox_) outbox_->used_ = false;
  }
  explicit operator bool() const noexcept { return outbox_ != nullptr; }

 private:
  Outbox* outbox_;
};

// --- the outbox ---------------------------------------------------------------------------------------------------

Result<void> Outbox::send(const Message& message) {
  if (kept_.size() >= options_.messages_max || message.size() > options_.bytes_max - bytes_) {
    return parley::fail(Errc::too_large);
  }
  kept_.push_back({{message.bytes().begin(), message.bytes().end()}, message.kind()});
  bytes_ += message.size();
  more_.set();
  return {};
}

void Outbox::forget(std::size_t count) noexcept {
  for (; count > 0; --count) {
    bytes_ -= kept_.front().bytes.size();
    kept_.pop_front();
  }
  room_.set();
}

Task<> Outbox::empty_into(Session& peer) {
  std::size_t sent = 0;  // of what is kept, and not confirmed
  for (;;) {
    while (sent < kept_.size()) {
      const Message message(kept_[sent].bytes, kept_[sent].kind);
      const Result<void> taken = co_await peer.send(message);
      if (!taken) co_return;
      ++sent;
      if (!options_.confirm) forget(std::exchange(sent, 0));
    }
    if (const std::size_t count = sent; count > 0) {
      const auto answered = co_await peer.ping();
      if (answered) {
        forget(count);
        sent -= count;
      } else if (answered.error() == Errc::already) {
        const Result<void> slept = co_await sleep_for(pinging_delay);
        if (!slept) co_return;
      } else {
        co_return;
      }
    } else {
      const Result<void> woken = co_await more_.wait();
      if (!woken) co_return;
    }
  }
}

// --- reconnecting -------------------------------------------------------------------------------------------------

bool may_pass(const Closed& closed) noexcept {
  switch (closed.code) {
    case 1001:
    case Closed::no_code:
    case Closed::abnormal:
    case 1011:
    case 1012:
    case 1013:
    case 1014: return true;
    default: return false;
  }
}

namespace {

// An error: this task was stopped meanwhile, or before, at whatever level.
Task<Result<void>> rest(milliseconds time) {
  Event never;
  const Result<void> over = co_await within(time, never.wait());  // which Stop::receiving ends; a sleep would go on
  if (!over && over.error() == Errc::cancelled) co_return over;
  const Result<void> all = co_await yield();
  co_return all;
}

struct Talked {
  Error ended = {};      // none: this end has finished
  bool stopped = false;  // from outside, and `ended` says how
};

Task<Talked> talk_over(Loop& loop, Session& peer, const Talk& talk, Outbox& outbox, const ReconnectOptions& again) {
  TaskGroup group(loop);
  group.spawn(use(peer, talk, again.greet, outbox, group));
  (void)co_await group.join();
  Task<Result<void>> resting = rest(milliseconds(0));
  const Result<void> rested = co_await resting;
  if (!rested) co_return Talked{rested.error(), true};
  const Error ended = peer.ended();
  const bool by_this_end = ended.code == Errc::none || (peer && SessionCore::of(peer).closed_first());
  if (!by_this_end) co_return Talked{ended};
  (void)peer.close(1000);
  co_return Talked{};
}

Task<Result<void>> run(Loop& loop, Result<Url> where, Wishes wishes, Talk talk, Outbox& outbox,
                       ReconnectOptions again) {
  if (wishes.options.limits.when_full != WhenFull::wait) co_return parley::fail(Errc::invalid_argument);
  const OutboxUser user(outbox);
  if (!user) co_return parley::fail(Errc::already);
  Backoff backoff(again);
  for (unsigned failures = 0;;) {
    Connection now;
    Task<Result<Session>> connecting = connect_as(loop, where, wishes, &now.refusal);
    Result<Session> peer = co_await connecting;
    if (peer) {
      failures = 0;
      if (again.told) again.told(now, again.told_state);
      const auto began = loop.now();
      Task<Talked> talking = talk_over(loop, *peer, talk, outbox, again);
      const Talked talked = co_await talking;
      if (talked.ended.code == Errc::none) co_return Result<void>();
      if (talked.stopped) co_return std::unexpected(talked.ended);
      now.state = Connection::State::lost;
      now.error = talked.ended;
      now.closed = peer->closed();
      now.again = again.again(now.closed);
      if (loop.now() - began >= again.delay_max) backoff.reset();
    } else {
      now.state = Connection::State::failed;
      now.error = peer.error();
      if (now.error == Errc::cancelled) co_return std::unexpected(now.error);
      now.again = may_help(now.error, now.refusal) && ++failures != again.attempts_max;
    }
    if (now.again) now.delay = backoff.next();
    if (again.told) again.told(now, again.told_state);
    if (!now.again) co_return std::unexpected(now.error);
    peer = parley::fail(Errc::closed);  // which closes what is left of it
    Task<Result<void>> resting = rest(now.delay);
    const Result<void> rested = co_await resting;
    if (!rested) co_return rested;
  }
}

}  // namespace

// No coroutine: what the options refer to is copied before it returns.
Task<Result<void>> reconnect(Loop& loop, std::string_view url, Talk talk, Outbox& outbox, const ConnectOptions& options,
                             const ReconnectOptions& again) {
  return run(loop, parse_url(url), Wishes(options), talk, outbox, again);
}

}  // namespace parley::ws
