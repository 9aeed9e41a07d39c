// What the public header calls: Session and its operations, and the word by which a receive() knows its session.
#include <chrono>
#include <utility>

#include "ws/session_core.h"

namespace parley::ws {
namespace {

// Of a Session::Receiving that failed.
std::uintptr_t word_of(Errc failure) noexcept { return std::uintptr_t{static_cast<std::uint8_t>(failure)} << 8 | 1; }

}  // namespace

[[gnu::hot]] bool SessionCore::wait(Session::Receiving& reader, Context& context,
                                    std::coroutine_handle<> waiter) noexcept {
  if (reader_) {
    reader.word_ = word_of(Errc::already);
    return false;
  }
  if (!context.wait(*this, waiter, Stop::receiving)) {
    reader.word_ = word_of(context.outcome().code);
    return false;
  }
  reader.word_ = reinterpret_cast<std::uintptr_t>(&context);
  reader_ = &reader;
  return true;
}

bool SessionCore::is_read_in(const Context& context) const noexcept {
  return reader_ && reader_->word_ == reinterpret_cast<std::uintptr_t>(&context);
}

// Its wait is over.
[[gnu::hot]] Context& SessionCore::forget_reader(Errc failure) noexcept {
  Session::Receiving& reader = *std::exchange(reader_, nullptr);
  auto& context = *reinterpret_cast<Context*>(reader.word_);
  reader.word_ = failure == Errc::none ? reinterpret_cast<std::uintptr_t>(this) : word_of(failure);
  return context;
}

[[gnu::hot]] bool Session::Receiving::poll(bool parts) const noexcept {
  return failure().code != Errc::none || core().poll(parts);
}
[[gnu::hot]] bool Session::Receiving::wait(Context& context, std::coroutine_handle<> waiter) noexcept {
  return core().wait(*this, context, waiter);
}

[[gnu::hot]] Error Session::Receiving::failure() const noexcept {
  if (word_ & 1) return Error{static_cast<Errc>(word_ >> 8), 0};
  return Error{word_ == 0 ? Errc::closed : Errc::none, 0};
}

[[gnu::hot]] Result<Message> Session::Receive::await_resume() const noexcept {
  if (Error error = failure(); error.code != Errc::none) [[unlikely]]
    return std::unexpected(error);
  return core().take();
}

Result<Piece> Session::ReceiveSome::await_resume() const noexcept {
  if (Error error = failure(); error.code != Errc::none) [[unlikely]]
    return std::unexpected(error);
  return core().take_some();
}

Session::~Session() {
  if (core_) core_->drop();
}

bool Session::SendSome::send(std::coroutine_handle<> waiter) noexcept {
  if (what_ == What::message) return core_->send(*context_, waiter, *part_, compress_);
  return core_->send_some(*context_, waiter, *part_, what_ == What::last_part, compress_);
}
bool Session::Ping::wait(std::coroutine_handle<> waiter) noexcept {
  sent_ = context_->core().driver->now();
  return core_->ping(*context_, waiter);
}
Result<std::chrono::nanoseconds> Session::Ping::await_resume() const noexcept {
  if (!core_) return parley::fail(Errc::closed);
  if (context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
  return std::chrono::nanoseconds(context_->core().driver->now() - sent_);
}
[[gnu::hot]] bool Session::Send::send(SessionCore& core, std::coroutine_handle<> waiter) noexcept {
  return core.send(*context_, waiter, *message_);
}

Result<void> Session::close(std::uint16_t code, std::string_view reason) noexcept {
  return core_ ? core_->close(code, reason) : Result<void>(parley::fail(Errc::closed));
}

Error Session::ended() const noexcept { return core_ ? core_->ended() : Error{Errc::closed, 0}; }
Closed Session::closed() const { return core_ ? core_->closed() : Closed{}; }
const Request* Session::request() const noexcept { return core_ ? core_->request() : nullptr; }
std::string_view Session::subprotocol() const noexcept { return core_ ? core_->subprotocol() : std::string_view(); }
bool Session::compresses() const noexcept { return core_ && core_->compresses(); }
Counters Session::counters() const noexcept { return core_ ? core_->counters() : Counters{}; }
Address Session::local_address() const noexcept {
  return core_ && core_->stream() ? core_->stream()->local_address() : Address{};
}
Address Session::peer_address() const noexcept {
  return core_ && core_->stream() ? core_->stream()->peer_address() : Address{};
}

}  // namespace parley::ws
