// A client that stays connected: it connects again when the connection is lost, and keeps what is to be sent meanwhile.
//
//   parley::Task<> talk(parley::ws::Session& peer) {          // runs once for each connection
//     while (auto message = co_await peer.receive()) show(message->text());
//   }
//   parley::ws::Outbox outbox;                                // outlives the call
//   group.spawn(type(outbox));                                // outbox.send("hello"), whether connected or not
//   co_await parley::ws::reconnect(loop, "ws://example.org/chat", talk, outbox);
//
// Threads: the loop's thread only.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include <parley/error.h>
#include <parley/event.h>
#include <parley/loop.h>
#include <parley/task.h>
#include <parley/ws/client.h>
#include <parley/ws/session.h>

namespace parley::ws {

struct OutboxOptions {
  std::size_t bytes_max = 1024 * 1024;  // of messages kept
  std::size_t messages_max = 10'000;    // kept
  // A message is kept until the peer has shown that it has received it, by the answer to a ping that was sent behind
  // it (RFC 6455, 5.5.3; one ping at a time, so at most one a round trip). Then no message is lost, but what was under
  // way when a connection broke may arrive twice: once over each. false: a message is kept until a session has taken
  // it; then none arrives twice, and what was under way is lost.
  bool confirm = true;
};

// Messages on their way: kept until there is a connection, and sent in their order.
// Lifetime: it outlives the reconnect() that it was given to, and serves one at a time (Errc::already). It must not be
// moved.
class Outbox {
 public:
  explicit Outbox(const OutboxOptions& options = {}) noexcept : options_(options) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Keeps a copy. Errc::too_large: the outbox would hold more than its options allow; nothing was kept.
  Result<void> send(const Message& message);
  // Waits until something that was kept has left. One task at a time (Errc::already). For backpressure:
  //   while (!outbox.send(message)) co_await outbox.room();
  Event::Wait room() noexcept { return room_.wait(); }

  std::size_t messages() const noexcept { return kept_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  // What reconnect() runs beside the handler: sends what is kept, until the session ends.
  Task<> empty_into(Session& peer);

 private:
  friend class OutboxUser;
  struct Kept {
    std::vector<std::byte> bytes;
    Kind kind;
  };
  void forget(std::size_t count) noexcept;

  OutboxOptions options_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
  Event more_;
  Event room_;
  bool used_ = false;
};

// What runs for each connection: a function, or a lambda without captures, of a Session&, and perhaps of a State& that
// outlives reconnect(). When it returns while the session is open, that session is closed (1000) and all is over.
class Talk {
 public:
  template <std::convertible_to<Task<> (*)(Session&)> F>
  Talk(F function) noexcept  // NOLINT: meant to convert
      : function_(reinterpret_cast<void (*)()>(static_cast<Task<> (*)(Session&)>(function))),
        call_([](const Talk& self, Session& peer) {
          return reinterpret_cast<Task<> (*)(Session&)>(self.function_)(peer);
        }) {}
  template <class State, std::convertible_to<Task<> (*)(Session&, State&)> F>
  Talk(F function, State& state) noexcept
      : function_(reinterpret_cast<void (*)()>(static_cast<Task<> (*)(Session&, State&)>(function))),
        state_(&state),
        call_([](const Talk& self, Session& peer) {
          return reinterpret_cast<Task<> (*)(Session&, State&)>(self.function_)(peer,
                                                                                *static_cast<State*>(self.state_));
        }) {}

  Task<> operator()(Session& peer) const { return call_(*this, peer); }

 private:
  void (*function_)();
  void* state_ = nullptr;
  Task<> (*call_)(const Talk&, Session&);
};

// How it goes: for a log, and for what a program shows its user.
struct Connection {
  enum class State : std::uint8_t {
    open,    // from now on
    failed,  // this attempt: `error`, and `refusal` if there was a response
    lost,    // `error` is what receive() said, and `closed` has the code
  };
  State state = State::open;
  Error error = {};
  Refusal refusal = {};
  Closed closed = {};
  bool again = false;                  // there will be another attempt,
  std::chrono::milliseconds delay{0};  // after this time
};

// Whether another connection may fare better. Yes: 1001 (going away), 1005 (no code), 1006 (no Close frame), 1011 to
// 1014 (the server's or a gateway's trouble, RFC 6455, 7.4.1 and IANA's registry). No: 1000, what this end would do
// again (1002, 1003, 1007 to 1010), and the codes of applications (3000 to 4999).
bool may_pass(const Closed& closed) noexcept;

struct ReconnectOptions {
  // The wait before attempt n is drawn evenly from 0 to min(delay_max, delay_first * 2^n), so that the clients of a
  // server that was restarted do not come all at once. n begins at 0 again when a connection has lasted delay_max.
  std::chrono::milliseconds delay_first{500};
  std::chrono::milliseconds delay_max{30'000};
  unsigned attempts_max = 0;  // in a row that fail; 0: for ever
  std::uint64_t seed = 0;     // of the waits, for tests; 0: drawn
  // After a connection that was lost.
  bool (*again)(const Closed& closed) noexcept = may_pass;
  // Runs on each connection before `talk` does and before anything that was kept is sent: to log in, to subscribe
  // again. It may receive the answers.
  const Talk* greet = nullptr;
  // Is told of each connection and each attempt.
  void (*told)(const Connection& connection, void* state) = nullptr;
  void* told_state = nullptr;
};

// Connects, runs `talk` beside the sending of what `outbox` keeps, and connects again while that may help.
// Ends without an error when `talk` has, or when the session was closed by this end; otherwise with why not again: end
// (closed with a code that `again` refuses), what receive() said, or the error of the last attempt, if there were
// attempts_max, or if trying again can't help: invalid_address, invalid_argument, permission_denied, and refused with a
// status from 300 to 499 other than 408, 425 and 429. invalid_argument also if Limits::when_full is not `wait`: what a
// session drops, no outbox can keep. What `talk` throws is thrown, and ends it.
// Lifetimes: `outbox`, and what `greet` points to, outlive it; texts of the options are copied by the call.
// Cancelling: the session is closed (1001), and what the outbox keeps stays there.
Task<Result<void>> reconnect(Loop& loop, std::string_view url, Talk talk, Outbox& outbox,
                             const ConnectOptions& options = {}, const ReconnectOptions& again = {});

}  // namespace parley::ws
