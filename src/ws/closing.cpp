// How a session begins and ends: the closing handshake (RFC 6455, 7), failing, silence, and who closes TCP.
#include <cstring>
#include <exception>
#include <utility>

#include "base/check.h"
#include "ws/sessions.h"

namespace parley::ws {

using codec::Opcode;

namespace {

constexpr std::size_t read_ahead_bytes_min = 256;  // behind what came with the handshake, for the session to read ahead
constexpr std::uint16_t window_idle_seconds = 5;   // without a message, before a window that others need is given back

}  // namespace

Session SessionCore::make(Stream stream, Shared& shared, std::size_t consumed) {
  ByteStream* core = stream.release();
  return make(Stream(*core), shared, core->in ? core->in->unread().subspan(consumed) : Bytes());
}

Session SessionCore::make(Stream stream, Shared& shared, Bytes rest) {
  // owned: by the Session, and by itself once that is gone
  auto* session = new (shared.sessions) SessionCore(*stream.release(), shared);
  Buffer*& in = session->stream_->in;
  if (rest.empty()) {
    session->release();
  } else if (in && rest.data() + rest.size() == in->data() + in->end) {
    in->begin = in->end - static_cast<std::uint32_t>(rest.size());
  } else {
    Buffer* buffer = shared.core.buffers.lend(rest.size() + read_ahead_bytes_min);
    std::memcpy(buffer->data(), rest.data(), rest.size());
    buffer->end = static_cast<std::uint32_t>(rest.size());
    session->release();
    in = buffer;
  }
  // Without room for more, the handler must take of it first.
  session->read(!in || in->capacity - in->end >= read_ahead_bytes_min);
  return Session(*session);
}

SessionCore::SessionCore(ByteStream& stream, Shared& shared) noexcept : stream_(&stream), shared_(shared) {
  stream.attach(*this);
  heard_ = active_ = static_cast<std::uint16_t>(shared.sessions.second());
  shared.add();
}

SessionCore::~SessionCore() {
  unshow();
  if (rare_) {
    detail::cancel(shared_.core, *rare_);
    rare_->unlist();
  }
  shared_.remove();
}

void* SessionCore::operator new(std::size_t, Sessions& sessions) { return sessions.take(); }
void SessionCore::operator delete(void* place, Sessions& sessions) noexcept { sessions.give_back(place); }

void SessionCore::operator delete(SessionCore* core, std::destroying_delete_t) noexcept {
  Sessions& sessions = core->shared_.sessions;
  core->~SessionCore();
  sessions.give_back(core);
}

Result<void> SessionCore::close(std::uint16_t code, std::string_view reason) noexcept {
  if (!codec::may_be_sent(code)) return parley::fail(Errc::invalid_argument);
  if (!is_open()) return {};
  send_close({code, reason});
  if (how_ == Errc::none) start_close_timer();
  return {};
}

// "an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status code is set to /code/ and
// whose close reason is set to /reason/." (7.1.2)
void SessionCore::send_close(const codec::CloseBody& body) noexcept {
  std::array<std::byte, codec::control_payload_bytes_max> payload;
  const std::size_t size = codec::write_close(payload, body);
  send_control(Opcode::close, Bytes(payload.data(), size), true);
  sent_close_ = true;
}

void SessionCore::got_close(Bytes payload) noexcept {
  codec::CloseBody body;
  if (Violation violation = codec::read_close(payload, body); violation != Violation::none) return fail(violation);
  got_close_ = true;
  // "_The WebSocket Connection Close Code_ is defined as the status code contained in the first Close control frame
  // received by the application implementing this protocol." (7.1.5)
  rare().closed = {body.code, std::string(body.reason), !sent_close_};
  // "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close
  // frame in response. (When sending a Close frame in response, the endpoint typically echos the status code it
  // received.)" (5.5.1)
  if (!sent_close_) send_close({body.code, {}});
  end(Errc::end);
}

// The peer broke a rule: tell it so, and be done. "the endpoint SHOULD send a Close frame with an appropriate status
// code (Section 7.4) before proceeding to _Close the WebSocket Connection_. [...] An endpoint MUST NOT continue to
// attempt to process data (including a responding Close frame) from the remote endpoint after being instructed to _Fail
// the WebSocket Connection_." (7.1.7)
void SessionCore::fail(Violation violation) noexcept {
  const codec::CloseBody body{codec::close_code(violation), codec::phrase(violation)};
  rare().closed = {body.code, std::string(body.reason), false};
  if (!sent_close_) send_close(body);
  end(Errc::protocol);
}

// The connection is gone, without a Close frame.
void SessionCore::lost(Error error) noexcept {
  if (how_ != Errc::none) return close_stream();
  rare().closed = {};
  shut_ = true;
  end(error == Errc::timed_out ? Errc::timed_out : Errc::reset);
}

void SessionCore::end(Errc how) noexcept {
  if (how_ != Errc::none) return;
  how_ = how;
  if (reader_) forget_reader().ready();
  if (rare_) {
    if (Context* pinger = std::exchange(rare_->pinger, nullptr)) pinger->ready(Error{how, 0});
    for (Waiting& waiting : rare_->waiting) {
      if (waiting.sender) waiting.sender->ready(Error{how, 0});
    }
    rare_->waiting.clear();
    rare_->waiting_bytes = 0;
  }
  finish_stream();
}

// Nothing more is received or sent; what is queued still leaves.
void SessionCore::finish_stream() noexcept {
  if (!stream_) return;
  if (shut_) return close_stream();
  if (shared_.core.corked == this) shared_.core.flush_cork();
  if (!stream_) return;
  start_close_timer();
  release();
  read(true);  // what comes is discarded
  if (has_queue()) return;
  // "The server MUST close the underlying TCP connection immediately; the client SHOULD wait for the server to close
  // the connection" (5.5.1)
  if (got_close_ && shared_.role == Role::server) return close_stream();
  // Closing with input unread would reset the connection, and destroy the Close frame on its way.
  shut_ = true;
  if (!got_close_ && !stream_->shutdown()) close_stream();
}

void SessionCore::close_stream() noexcept {
  if (!stream_) return;
  if (shared_.core.corked == this) shared_.core.uncork();
  if (rare_) {
    for (Queued& queued : rare_->queue) {
      if (queued.sender) queued.sender->ready(Error{how_ == Errc::none ? Errc::reset : how_, 0});
    }
    rare_->queue.clear();
    rare_->queue_bytes = rare_->fresh = 0;
    detail::cancel(shared_.core, *rare_);
  }
  release();
  std::exchange(stream_, nullptr)->drop(false);
  // Somewhere above on the stack this object may still be looked at.
  if (dropped_) detail::start(shared_.core, rare(), detail::Duration::zero());
}

void SessionCore::start_close_timer() noexcept {
  if (!rare().pending()) detail::start(shared_.core, rare(), std::chrono::seconds(shared_.limits.close_seconds));
}

// The time to close is over.
void SessionCore::give_up() noexcept {
  shut_ = true;
  if (how_ == Errc::none) lost(Error{Errc::timed_out, 0});
  close_stream();
  if (dropped_) delete this;  // owned: the Session is gone
}

void SessionCore::drop() noexcept {
  PARLEY_CHECK(!reader_, "a Session was destroyed while a receive() of it waits");
  PARLEY_CHECK(!subscribed_, "a Session was destroyed before its Subscriber");
  dropped_ = true;
  unshow();
  if (later_) not_later();
  // "1001 indicates that an endpoint is "going away"", "1011 indicates that a server is terminating the connection
  // because it encountered an unexpected condition that prevented it from fulfilling the request." (7.4.1)
  const bool failed = shared_.core.failing || std::uncaught_exceptions() != 0;
  if (is_open()) (void)close(failed ? 1011 : 1001, {});
  if (!stream_) {
    delete this;  // owned: by the Session
    return;
  }
  shared_.core.lingering.push_front(rare());  // the loop runs until it has closed
  discard();
}

// The second in which something was last heard was not over then: what is to be so many seconds ago is more than so
// many strokes of the clock ago.
void SessionCore::tick(std::uint32_t now) noexcept {
  if (!is_open()) return;
  const Limits& limits = shared_.limits;
  const auto silent = static_cast<std::uint16_t>(now - heard_);
  if (!reading_) {
    heard_ = static_cast<std::uint16_t>(now);  // it is we who do not listen
  } else if (limits.keepalive_seconds != 0 && silent > limits.keepalive_seconds + limits.pong_seconds) {
    return lost(Error{Errc::timed_out, 0});
  } else if (limits.keepalive_seconds != 0 && silent > limits.keepalive_seconds && !pinged_) {
    pinged_ = true;
    send_control(Opcode::ping, {});
    shared_.core.flush_cork();
  }
  const auto idle = static_cast<std::uint16_t>(now - active_);
  if (deflate_ && idle > window_idle_seconds) give_back_window();
  if (limits.idle_seconds != 0 && idle > limits.idle_seconds && is_open()) (void)close(1001, "idle for too long");
  if (rare_ && !needs_rare()) rare_.reset();
}

// Not for what a session did once, be it that it sent faster than its peer read, or had a long turn.
bool SessionCore::needs_rare() const noexcept {
  const Rare& rare = *rare_;
  const bool holds = rare.request || rare.compression || rare.inbox || rare.looked_at || rare.dropped != 0;
  // The number of a ping must not come again while its pong may be on its way.
  const bool has_to_do = later_ || rare.pinger || rare.ping_number != 0 || !rare.queue.empty() || !rare.waiting.empty();
  return holds || has_to_do || !is_open() || rare.pending() || rare.is_listed();
}

Closed SessionCore::closed() const {
  if (!rare_ || how_ == Errc::none) return {};
  return rare_->closed;
}

}  // namespace parley::ws
