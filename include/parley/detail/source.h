// What a driver sees of a socket, and what a Stream sees of a transport. Not for users.
#pragma once

#include <cstddef>
#include <cstdint>

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/detail/context.h>
#include <parley/error.h>

namespace parley::detail {

// Received bytes, with their owner's header in front. Lent by the loop's pool to a source that has unread bytes; an
// idle source owns none.
struct Buffer {
  Buffer* next = nullptr;  // in the pool
  std::uint32_t size_class = 0;
  std::uint32_t capacity = 0;  // bytes after the header
  std::uint32_t begin = 0;     // [begin, end) is unread
  std::uint32_t end = 0;
  std::uint32_t mark = 0;     // the reader's own
  std::uint32_t counted = 0;  // bytes of memory, for the pool's limits

  alignas(8) std::byte owner[96];  // what the one who reads it needs while it holds it

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + header_bytes; }
  Bytes unread() noexcept { return {data() + begin, end - begin}; }

  static constexpr std::size_t header_bytes = 128;
};

enum class Done : std::uint8_t {
  received,  // result > 0: that many bytes were appended to source->in; 0: the peer finished; < 0: -errno
  readable,  // result 0: it can be read, or has failed
  writable,  // result 0: it can be written, or has failed
  accepted,  // result >= 0: a new descriptor; < 0: -errno
};

// Whose small sends the loop gathers in its cork.
class Corked : public Waitable {
 public:
  // Sends what the cork held for this one, as far as there is room: how much that was, or -errno. Nothing but tail
  // calls down to the system call: behind one, each return to a caller costs some 70 ns
  // (docs/decisions/after-a-system-call.md). Who corks nothing has neither.
  virtual std::ptrdiff_t send_corked(Bytes bytes) noexcept { return std::ssize(bytes); }
  // What is to be done when that was not all of them: `sent` as send_corked() returned it.
  virtual void sent_partly(Bytes, [[maybe_unused]] std::ptrdiff_t sent) noexcept {}

 protected:
  ~Corked() = default;
};

// Who has a whole stream to itself, and is told when there is something, instead of a task that waits. Called from the
// loop's own stack.
class Sink : public Corked {
 public:
  // Bytes were appended to the stream's `in` (which it lent if there was none), or its `ended` is set.
  virtual void arrived() noexcept = 0;
  // There is room to write again.
  virtual void writable() noexcept = 0;

 protected:
  ~Sink() = default;
};

class Source;

struct Completion {
  Source* source;
  std::int32_t result;
  Done what;
};

// How a driver serves a source that can be read.
enum class Reading : std::uint8_t {
  lent,    // receive into a buffer of the pool's: Done::received
  ready,   // only say that it can be read: Done::readable
  accept,  // accept a connection: Done::accepted
};

// One descriptor, as the driver sees it.
class Source : public Corked {
 public:
  static constexpr std::uint8_t in_bit = 1;   // wants to read
  static constexpr std::uint8_t out_bit = 2;  // wants to write

  // One operation is finished. Runs on the loop's stack, one at a time. It may destroy the source.
  virtual void completed(const Completion& completion) noexcept = 0;

  int descriptor = -1;
  std::uint8_t wanted = 0;  // what it waits for; a driver looks at it before it acts
  std::uint8_t armed = 0;   // the driver's own: what the kernel was told
  Reading reading = Reading::lent;
  std::uint8_t state = 0;  // its owner's own
  Buffer* in = nullptr;

 protected:
  ~Source() = default;
};

static_assert(sizeof(Buffer) == Buffer::header_bytes);

// A stream of bytes in both directions, whatever carries it.
class ByteStream : public Source {
 public:
  // Gives back what the last receive showed; then: is there something for the next one already?
  virtual bool poll() noexcept = 0;
  // Waits for bytes or the end. False: don't, the outcome stands in `context` or there is something now.
  virtual bool wait(Context& context, std::coroutine_handle<> waiter) noexcept = 0;
  // The same into `buffer`. When it is over, `buffer` is the part that was filled.
  virtual bool receive(Context& context, std::coroutine_handle<> waiter, std::span<std::byte>& buffer) noexcept = 0;
  // Sends all of `bytes`. False: no need to wait, the outcome stands in `context`.
  virtual bool send(Context& context, std::coroutine_handle<> waiter, Bytes bytes) noexcept = 0;
  // From now on the sink has the stream, and no task may receive or send.
  virtual void attach(Sink& sink) noexcept = 0;
  // Whether it reads for the sink. It must not while `in` is full.
  virtual void read(bool on) noexcept = 0;
  // For the sink: takes what has arrived already, without a word. False: nothing has. `in` must not be full.
  virtual bool take() noexcept = 0;
  // For the sink: takes what there is room for now, how much that was; < 0 is -errno, and the stream is broken.
  virtual std::ptrdiff_t write(std::span<const Bytes> parts) noexcept = 0;
  virtual std::ptrdiff_t write(Bytes bytes) noexcept = 0;
  // Whether the sink is to be told when there is room.
  virtual void tell_writable(bool on) noexcept = 0;

  virtual Result<void> shutdown() noexcept = 0;
  // The Stream is gone: send what is queued, close, and destroy this.
  virtual void drop(bool abort) noexcept = 0;
  virtual Address local_address() const noexcept = 0;
  virtual Address peer_address() const noexcept = 0;

  Result<Bytes> view() noexcept {
    if (in) return in->unread();
    return std::unexpected(ended);
  }

  Error ended;  // once set, no more bytes come

 protected:
  ~ByteStream() = default;
};

}  // namespace parley::detail
