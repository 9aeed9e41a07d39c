// A pipe in memory: two ends on one loop. What one end sends lies in the other's queue until it is received.
#include <parley/loop.h>
#include <parley/stream.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "io/core.h"

namespace parley {
namespace {

using namespace detail;

class PipeEnd final : public ByteStream, private Timer {
 public:
  PipeEnd(Core& core, std::size_t bytes_max) noexcept : Timer(&PipeEnd::told), core_(core), bytes_max_(bytes_max) {}

  static void join(PipeEnd& a, PipeEnd& b) noexcept {
    a.peer_ = &b;
    b.peer_ = &a;
  }

  bool poll() noexcept override {
    if (in) core_.buffers.give_back(std::exchange(in, nullptr));
    if (queue_) {
      in = std::exchange(queue_, nullptr);
      if (peer_) peer_->push();
      return true;
    }
    return ended.code != Errc::none;
  }

  bool wait(Context& context, std::coroutine_handle<> waiter) noexcept override {
    if (reader_) {
      context.set(Error{Errc::already, 0});
      return false;
    }
    if (!context.wait(*this, waiter, Stop::receiving)) return false;
    reader_ = &context;
    return true;
  }

  bool receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept override {
    PARLEY_CHECK(!buffer.empty(), "receive() into an empty buffer");
    context.set({});
    if (in) core_.buffers.give_back(std::exchange(in, nullptr));
    if (queue_) {
      take(buffer);
      return false;
    }
    if (ended.code != Errc::none) {
      context.set(ended);
      return false;
    }
    if (!wait(context, waiter)) return false;
    into_ = &buffer;
    return true;
  }

  bool send(Context& context, std::coroutine_handle<> waiter, Bytes bytes) noexcept override {
    context.set({});
    if (shut_) {
      context.set(Error{Errc::not_connected, 0});
      return false;
    }
    if (!peer_) {
      context.set(Error{Errc::reset, 0});
      return false;
    }
    if (senders_.empty()) give(bytes);
    if (bytes.empty()) return false;
    const bool waits = context.wait(*this, waiter);
    senders_.push_back({&context, bytes, {}});
    if (!waits) senders_.back().forget_context();
    return waits;
  }

  void attach(Sink& sink) noexcept override {
    PARLEY_CHECK(!reader_ && senders_.empty(), "a Stream was given to a session while a task waits for it");
    sink_ = &sink;
  }
  void read(bool on) noexcept override {
    reading_ = on;
    if (on && (queue_ || ended.code != Errc::none)) tell();
  }
  bool take() noexcept override {
    const bool some = queue_ != nullptr;
    if (some) move_queue();
    return some;
  }
  std::ptrdiff_t write(std::span<const Bytes> parts) noexcept override {
    if (!peer_ || shut_) return -EPIPE;
    std::size_t taken = 0;
    for (const Bytes& part : parts) {
      const std::size_t now = peer_->accept(part, bytes_max_);
      taken += now;
      if (now < part.size()) break;
    }
    return static_cast<std::ptrdiff_t>(taken);
  }
  std::ptrdiff_t write(Bytes bytes) noexcept override { return write(std::span(&bytes, 1)); }
  void tell_writable(bool on) noexcept override {
    writing_ = on;
    if (on) push();
  }

  Result<void> shutdown() noexcept override {
    if (!std::exchange(shut_, true) && peer_ && senders_.empty()) peer_->end(Errc::end);
    return {};
  }

  void drop(bool abort) noexcept override {
    PARLEY_CHECK(!reader_ && std::ranges::none_of(senders_, &Sender::context),
                 "a Stream was closed while a receive() or send() of it waits");
    const bool unread = queue_ != nullptr;
    cancel(core_, *this);
    if (in) core_.buffers.give_back(in);
    if (queue_) core_.buffers.give_back(queue_);
    if (peer_) {
      for (const Sender& sender : senders_) {
        if (!abort && !unread) peer_->accept(sender.rest, SIZE_MAX);
      }
      peer_->peer_ = nullptr;
      peer_->fail_senders();
      peer_->end(abort || unread ? Errc::reset : Errc::end);
    }
    delete this;  // owned: by the Stream that is being closed
  }

  Address local_address() const noexcept override { return {}; }
  Address peer_address() const noexcept override { return {}; }

  void completed(const Completion&) noexcept override {}  // no driver knows it

  void stop(Context& context, Stop level, Errc reason) noexcept override {
    if (&context == reader_) {
      reader_ = nullptr;
      into_ = nullptr;
      return context.ready(Error{reason, 0});
    }
    if (level != Stop::all) return;
    std::ranges::find(senders_, &context, &Sender::context)->forget_context();
    context.ready(Error{reason, 0});
  }

 private:
  struct Sender {
    Context* context;  // null once it has been stopped: then `rest` is in `copy`
    Bytes rest;
    std::vector<std::byte> copy;

    void forget_context() {
      copy.assign(rest.begin(), rest.end());
      rest = copy;
      context = nullptr;
    }
  };

  ~PipeEnd() = default;

  // Takes what its queue has room for; how much that was.
  std::size_t accept(Bytes bytes, std::size_t bytes_max) noexcept {
    const std::size_t queued = queue_ ? queue_->unread().size() : 0;
    const std::size_t taken = std::min(bytes.size(), bytes_max - std::min(bytes_max, queued));
    if (taken == 0) return 0;
    if (!queue_ || queue_->capacity - queue_->end < taken) {
      Buffer* larger = core_.buffers.lend(queued + taken);
      if (queue_) {
        std::memcpy(larger->data(), queue_->unread().data(), queued);
        larger->end = static_cast<std::uint32_t>(queued);
        core_.buffers.give_back(queue_);
      }
      queue_ = larger;
    }
    std::memcpy(queue_->data() + queue_->end, bytes.data(), taken);
    queue_->end += static_cast<std::uint32_t>(taken);
    wake();
    return taken;
  }

  void take(std::span<std::byte>& buffer) noexcept {
    const Bytes unread = queue_->unread();
    buffer = buffer.first(std::min(buffer.size(), unread.size()));
    std::memcpy(buffer.data(), unread.data(), buffer.size());
    queue_->begin += static_cast<std::uint32_t>(buffer.size());
    if (queue_->unread().empty()) core_.buffers.give_back(std::exchange(queue_, nullptr));
    if (peer_) peer_->push();
  }

  // Hands over the first of `bytes`, until the peer's queue is full; a reader who waits there empties it at once.
  void give(Bytes& bytes) noexcept {
    while (const std::size_t taken = peer_->accept(bytes, bytes_max_)) bytes = bytes.subspan(taken);
  }

  // The other end received: there is room for more.
  void push() noexcept {
    if (writing_ && (!peer_ || !peer_->queue_)) tell();
    while (!senders_.empty()) {
      Sender& sender = senders_.front();
      give(sender.rest);
      if (!sender.rest.empty()) return;
      if (sender.context) sender.context->ready();
      senders_.erase(senders_.begin());
    }
    if (shut_) peer_->end(Errc::end);
  }

  void wake() noexcept {
    if (sink_ && reading_) tell();
    Context* reader = std::exchange(reader_, nullptr);
    if (!reader) return;
    if (std::span<std::byte>* into = std::exchange(into_, nullptr)) {
      take(*into);
    } else {
      in = std::exchange(queue_, nullptr);
    }
    reader->ready();
  }

  // Nothing more comes.
  void end(Errc how) noexcept {
    if (ended.code != Errc::none) return;
    ended = Error{how, 0};
    if (sink_ && (reading_ || writing_)) tell();
    into_ = nullptr;
    if (Context* reader = std::exchange(reader_, nullptr)) reader->ready(ended);
  }

  // The sink is told from the loop's stack, in its next turn.
  void tell() noexcept {
    if (!pending()) start(core_, *this, Duration::zero());
  }
  static void told(Timer& timer) noexcept { static_cast<PipeEnd&>(timer).tell_sink(); }
  void tell_sink() noexcept {
    if (writing_ && (!peer_ || !peer_->queue_)) {
      writing_ = false;
      if (queue_ || ended.code != Errc::none) tell();
      return sink_->writable();
    }
    if (!reading_) return;
    move_queue();
    if (queue_) tell();
    sink_->arrived();
  }

  // As much of it as `in` has room for.
  void move_queue() noexcept {
    if (queue_ && in) {
      const std::size_t moved = std::min<std::size_t>(queue_->unread().size(), in->capacity - in->end);
      std::memcpy(in->data() + in->end, queue_->unread().data(), moved);
      in->end += static_cast<std::uint32_t>(moved);
      queue_->begin += static_cast<std::uint32_t>(moved);
      if (queue_->unread().empty()) core_.buffers.give_back(std::exchange(queue_, nullptr));
    } else if (queue_) {
      in = std::exchange(queue_, nullptr);
    }
    if (peer_) peer_->push();
  }

  void fail_senders() noexcept {
    for (Sender& sender : senders_) {
      if (sender.context) sender.context->ready(Error{Errc::reset, 0});
    }
    senders_.clear();
  }

  Core& core_;
  const std::size_t bytes_max_;
  PipeEnd* peer_ = nullptr;
  Buffer* queue_ = nullptr;  // arrived, not yet received
  Sink* sink_ = nullptr;
  bool reading_ = false;
  bool writing_ = false;  // the sink waits for room
  Context* reader_ = nullptr;
  std::span<std::byte>* into_ = nullptr;
  std::vector<Sender> senders_;
  bool shut_ = false;
};

}  // namespace

std::pair<Stream, Stream> pipe(Loop& loop, std::size_t bytes_max) {
  PARLEY_CHECK(bytes_max > 0, "pipe() of no bytes");
  auto* a = new PipeEnd(loop.core(), bytes_max);  // owned: by its Stream
  auto* b = new PipeEnd(loop.core(), bytes_max);  // owned: by its Stream
  PipeEnd::join(*a, *b);
  return {Stream(*a), Stream(*b)};
}

}  // namespace parley
