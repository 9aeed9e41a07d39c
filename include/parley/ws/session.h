// WebSocket (RFC 6455), with permessage-deflate (RFC 7692): messages in both directions over one connection.
//
//   parley::Task<> echo(parley::ws::Session peer) {
//     while (auto message = co_await peer.receive()) {     // empty: closed; message.error() says how
//       co_await peer.send(*message);                      // same kind, text or binary
//     }
//   }
//   loop.run(parley::ws::serve(loop, "ws://127.0.0.1:9000", echo));
//
// While a handler is busy the session goes on by itself: pings are answered, the peer's closing is noticed, and up to
// one receive buffer (LoopOptions::receive_buffer_bytes) is read ahead.
//
// Lifetimes and threads: as for Stream. Memory: an idle session owns no buffer.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/error.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/ws/deflate.h>
#include <parley/ws/request.h>

namespace parley {
class Loop;
}

namespace parley::ws {

enum class Kind : std::uint8_t {
  text = 1,  // UTF-8: checked when received, the caller's promise when sent
  binary = 2,
};

// A message, or what is to be sent as one: a view of somebody else's bytes.
class Message {
 public:
  constexpr Message() noexcept = default;
  Message(std::string_view text) noexcept : Message(as_bytes(text), Kind::text) {}  // NOLINT: meant to convert
  Message(const char* text) noexcept : Message(std::string_view(text)) {}           // NOLINT
  Message(const std::string& text) noexcept : Message(std::string_view(text)) {}    // NOLINT
  Message(Bytes bytes) noexcept : Message(bytes, Kind::binary) {}                   // NOLINT
  Message(Bytes bytes, Kind kind) noexcept
      : data_(bytes.data()), word_(bytes.size() << 2 | static_cast<std::size_t>(kind)) {}

  Kind kind() const noexcept { return static_cast<Kind>(word_ & 3); }
  bool is_text() const noexcept { return kind() == Kind::text; }
  std::size_t size() const noexcept { return word_ >> 2; }
  Bytes bytes() const noexcept { return {data_, size()}; }
  std::string_view text() const noexcept { return as_text(bytes()); }  // UTF-8 if it is a text message

 private:
  const std::byte* data_ = nullptr;
  std::size_t word_ = static_cast<std::size_t>(Kind::binary);  // size * 4 + kind: sixteen bytes in all
};

// Part of a message, for those that are too large to hold: receive_some().
struct Piece {
  Bytes bytes;
  Kind kind = Kind::binary;
  bool last = false;  // of its message
};

// How a connection was closed (RFC 6455, 7.1.5 and 7.1.6).
struct Closed {
  static constexpr std::uint16_t no_code = 1005;   // the Close frame had no code
  static constexpr std::uint16_t abnormal = 1006;  // there was no Close frame

  std::uint16_t code = abnormal;
  std::string reason;    // UTF-8, at most 123 bytes; what a peer wrote: escape it before showing it (text.h)
  bool by_peer = false;  // the peer began it
};

// What to do with a message when queue_bytes_max are waiting to be sent already.
enum class WhenFull : std::uint8_t {
  wait,         // send() waits until there is room: backpressure
  drop_newest,  // this message is not sent: Errc::too_large, and Counters::dropped
  drop_oldest,  // messages that wait are dropped, the oldest first
  close,        // this message is not sent, Errc::too_large, and the connection is closed (1008)
};

// The limits of one session. Each is checked as early as it can be; whoever breaks one is closed, and nobody else is
// touched. A loop looks at its sessions once a second, so the last three may take up to one more; they count as 65,534
// if they are larger, as does the sum of keepalive_seconds and pong_seconds.
struct Limits {
  std::size_t message_bytes_max = 16 * 1024 * 1024;  // received, and after inflating; 1009
  std::uint32_t fragments_max = 128 * 1024;          // frames of one message received; 1008
  std::size_t queue_bytes_max = 1024 * 1024;         // waiting to be sent
  WhenFull when_full = WhenFull::wait;
  unsigned close_seconds = 5;       // for the peer to answer a Close frame, and then to close TCP
  unsigned keepalive_seconds = 20;  // nothing heard, and nothing sent taken, for so long: a ping; 0: no pings
  unsigned pong_seconds = 20;       // nor for so long after that: the connection is dead (1006)
  unsigned idle_seconds = 0;        // no message received or sent for so long: closed (1001); 0: never
};

struct Counters {
  std::uint64_t dropped = 0;     // messages, by WhenFull; and those of a hub (hub.h) for which there was no room
  std::size_t queued_bytes = 0;  // waiting to be sent
};

class SessionCore;

class Session {
 public:
  class Receiving;
  class Receive;
  class ReceiveSome;
  class Send;
  class SendSome;
  class Ping;

  Session() noexcept = default;
  explicit Session(SessionCore& core) noexcept : core_(&core) {}
  Session(Session&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Session& operator=(Session&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  // Closes as close(1001) does, without anybody waiting.
  ~Session();

  // The next message, whole: a view that holds until the next receive(). No message is an error:
  //   end        the closing handshake was completed; closed() says with which code
  //   reset      the connection ended without it (1006)
  //   protocol   the peer broke the protocol, or a limit; it was told so, and closed() has the code
  //   timed_out  it fell silent (keepalive_seconds + pong_seconds)
  // Each later receive() says the same. One receive() at a time: a second one is Errc::already.
  // Cancelling: nothing is lost; the next receive() goes on.
  Receive receive() noexcept;

  // The next part of a message, as it arrives, for messages that are too large to hold: message_bytes_max does not
  // apply. A view that holds until the next receive of either kind. A character of a text may be cut between two parts;
  // the whole is checked. Errors and cancelling: as for receive(). After part of a message, receive() gives the rest of
  // it, to which message_bytes_max applies.
  ReceiveSome receive_some() noexcept;

  // Sends one message. Done when the loop or the kernel has taken it, or queued it, which says nothing of the peer. The
  // bytes must live until then; they may be those of a received message. Any number of tasks may send at once: frames
  // never interleave, and messages leave in the order of the calls. Above queue_bytes_max: see WhenFull.
  // Errors: those of receive(), once the session is closing or closed.
  // Cancelling: it is the waiting that ends; the message still leaves.
  Send send(const Message& message) noexcept;
  // The same, with a say in whether it is compressed.
  SendSome send(const Message& message, Compress compress) noexcept;

  // Sends part of a message (RFC 6455, 5.4: a fragment). The kind, and whether it is compressed, are those of the first
  // part. Until the part that is `last`, what other tasks send() waits; only one task may send a message in parts at a
  // time. Parts are never dropped: above queue_bytes_max it waits until this one has left, whatever WhenFull says, or
  // closes (WhenFull::close). Else as send().
  SendSome send_some(const Message& part, bool last, Compress compress = Compress::automatic) noexcept;

  // Sends a ping, and waits for its pong: the time between them. One ping() at a time (Errc::already). Errors: those of
  // receive(). Cancelling: the pong will be passed over.
  Ping ping() noexcept;

  // Starts the closing handshake (RFC 6455, 7.1.2); does nothing if it has been started. receive() goes on to yield
  // what the peer had sent before, then ends. `code` must be one that may be sent: 1000 to 1003, 1007 to 1014, or 3000
  // to 4999 (Errc::invalid_argument otherwise). A reason of more than 123 bytes is cut, between characters.
  Result<void> close(std::uint16_t code = 1000, std::string_view reason = {}) noexcept;

  // What the client asked for, on a server; null once receive() has been called, and on a client.
  const Request* request() const noexcept;
  // What was agreed; empty: none. It lives as long as the server's options.
  std::string_view subprotocol() const noexcept;
  // Whether permessage-deflate was agreed: messages may be compressed, either way.
  bool compresses() const noexcept;

  // What receive() says once there is no more: end, reset, protocol or timed_out. Errc::none before.
  Error ended() const noexcept;
  // How it was closed, once receive() or send() has said that it is.
  Closed closed() const;

  Counters counters() const noexcept;
  Address local_address() const noexcept;
  Address peer_address() const noexcept;
  bool is_open() const noexcept { return core_ != nullptr; }
  explicit operator bool() const noexcept { return is_open(); }

 private:
  friend SessionCore;
  SessionCore* core_ = nullptr;
};

// What the two kinds of receive() have in common. One word, since each idle handler has one in its frame.
class [[nodiscard]] Session::Receiving {
 public:
  using operation = void;
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    return wait(*waiter.promise().context, waiter);
  }

 protected:
  explicit Receiving(const SessionCore* core) noexcept : word_(reinterpret_cast<std::uintptr_t>(core)) {}
  bool poll(bool parts) const noexcept;
  Error failure() const noexcept;
  SessionCore& core() const noexcept { return *reinterpret_cast<SessionCore*>(word_); }

 private:
  friend SessionCore;
  bool wait(detail::Context& context, std::coroutine_handle<> waiter) noexcept;

  // A SessionCore, or null; while it waits, the Context; if it failed, an Errc above a 1, which is no address.
  std::uintptr_t word_;
};

class [[nodiscard]] Session::Receive : public Receiving {
 public:
  explicit Receive(const SessionCore* core) noexcept : Receiving(core) {}
  bool await_ready() const noexcept { return poll(false); }
  Result<Message> await_resume() const noexcept;
};

class [[nodiscard]] Session::ReceiveSome : public Receiving {
 public:
  explicit ReceiveSome(const SessionCore* core) noexcept : Receiving(core) {}
  bool await_ready() const noexcept { return poll(true); }
  Result<Piece> await_resume() const noexcept;
};

class [[nodiscard]] Session::Ping {
 public:
  using operation = void;
  explicit Ping(SessionCore* core) noexcept : core_(core) {}
  bool await_ready() const noexcept { return core_ == nullptr; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return wait(waiter);
  }
  Result<std::chrono::nanoseconds> await_resume() const noexcept;

 private:
  bool wait(std::coroutine_handle<> waiter) noexcept;

  SessionCore* core_;
  detail::Context* context_ = nullptr;
  detail::Time sent_ = 0;
};

class [[nodiscard]] Session::Send {
 public:
  using operation = void;
  Send(SessionCore* core, const Message& message) noexcept : core_(core), message_(&message) {}
  bool await_ready() noexcept {
    if (core_) [[likely]]
      return false;
    context_ = nullptr;
    return true;
  }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    SessionCore* core = core_;
    context_ = waiter.promise().context;
    return send(*core, waiter);
  }
  // Not inline, for the reason that result_of() has: g++ would put it together anew.
  [[gnu::noinline]] Result<void> await_resume() const noexcept { return detail::Context::result_of(context_); }

 private:
  bool send(SessionCore& core, std::coroutine_handle<> waiter) noexcept;

  union {                       // one pointer less in every idle frame
    SessionCore* core_;         // until it is awaited; null: closed
    detail::Context* context_;  // from then on
  };
  const Message* message_;
};

class [[nodiscard]] Session::SendSome {
 public:
  using operation = void;
  enum class What : std::uint8_t { message, part, last_part };
  SendSome(SessionCore* core, const Message& part, What what, Compress compress) noexcept
      : core_(core), part_(&part), what_(what), compress_(compress) {}
  bool await_ready() const noexcept { return core_ == nullptr; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) noexcept {
    context_ = waiter.promise().context;
    return send(waiter);
  }
  Result<void> await_resume() const noexcept { return detail::Context::result_of(context_); }

 private:
  bool send(std::coroutine_handle<> waiter) noexcept;

  SessionCore* core_;
  detail::Context* context_ = nullptr;
  const Message* part_;
  What what_;
  Compress compress_;
};

inline Session::Receive Session::receive() noexcept { return Receive(core_); }
inline Session::ReceiveSome Session::receive_some() noexcept { return ReceiveSome(core_); }
inline Session::Ping Session::ping() noexcept { return Ping(core_); }
inline Session::Send Session::send(const Message& message) noexcept { return Send(core_, message); }
inline Session::SendSome Session::send(const Message& message, Compress compress) noexcept {
  return SendSome(core_, message, SendSome::What::message, compress);
}
inline Session::SendSome Session::send_some(const Message& part, bool last, Compress compress) noexcept {
  return SendSome(core_, part, last ? SendSome::What::last_part : SendSome::What::part, compress);
}

}  // namespace parley::ws
