// The inside of a Session: a state machine that the loop drives, so that an idle connection is this object, its stream
// and its handler's frame, and nothing else. What is being read lies in the stream's lent buffer, with its state in
// that buffer's header; what only some sessions need lies behind one pointer.
#pragma once

#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include <parley/ws/session.h>

#include "base/list.h"
#include "codec/close.h"
#include "codec/frame.h"
#include "codec/message.h"
#include "codec/utf8.h"
#include "ws/broadcast.h"
#include "ws/compression.h"
#include "ws/shared.h"

namespace parley::ws {

using codec::Role;
using codec::Violation;
using detail::Buffer;
using detail::ByteStream;
using detail::Context;

// Of FrameBits, on this side of the wire only: the payload is to be compressed when the frame is made, which is when it
// is certain what leaves before it.
inline constexpr std::uint8_t to_deflate_bit = 0x20;

// Bytes of whole frames that wait for room in the stream.
struct Queued {
  Bytes rest;
  std::unique_ptr<std::byte[]> copy = {};  // whose bytes they are; null: the sender's, or
  SharedBytes shared = {};                 //   many sessions'
  Context* sender = nullptr;               // who waits for them to go
  std::uint32_t messages = 0;              // whole ones, which may be dropped as long as nothing of them has left
  bool is_fresh = false;                   // published, and it was not tried yet whether there is room
  bool is_gathered = false;                // what it shares is that of many frames
};

// A message for which the queue has no room.
struct Waiting {
  codec::FrameBits bits;
  Bytes payload;
  std::unique_ptr<std::byte[]> copy = {};  // whose bytes they are; null: the sender's
  Context* sender = nullptr;
};

// Somebody else's bytes become our own.
void keep(Bytes& bytes, std::unique_ptr<std::byte[]>& copy);

// How a received message is put together; in the owner's part of the lent Buffer.
struct Inbox {
  Inbox(Role role, bool rsv1_allowed) noexcept : frames(role, rsv1_allowed) { frames.leave_masked(); }

  codec::FrameReader frames;
  codec::MessageReader messages;
  std::uint32_t begin = 0;  // of the message, in the buffer
  std::uint32_t bytes = 0;
  codec::Utf8 utf8;
  bool in_last_frame = false;
};

// A message to be looked at. Its parts are stored and loaded one by one: a Message is copied in one piece, and a
// processor can't load so soon in one piece what was stored in two.
struct Shown {
  const std::byte* data;
  std::size_t bytes;
  Kind kind;

  Message message() const noexcept { return Message(Bytes(data, bytes), kind); }
};

// The owner's part of the lent Buffer.
struct Held {
  union {
    Inbox inbox;  // while inbox_made_
  };
  Shown shown;
};
static_assert(sizeof(Held) <= sizeof(Buffer::owner));

class SessionCore final : public detail::Sink {
 public:
  // Takes the stream over. Of the bytes that its last receive() showed, the first `consumed` were the handshake, and
  // the rest belongs to the session.
  static Session make(Stream stream, Shared& shared, std::size_t consumed);
  // The same, with all that has been received behind the handshake, wherever that lies.
  static Session make(Stream stream, Shared& shared, Bytes rest);
  static SessionCore& of(Session& session) noexcept { return *session.core_; }

  // ---- What Session calls

  // Gives back what the last receive() showed; is there a message (or part of one, if `parts`), or the end, already?
  bool poll(bool parts) noexcept;
  bool wait(Session::Receiving& reader, Context& context, std::coroutine_handle<> waiter) noexcept;
  Result<Message> take() const noexcept;
  Result<Piece> take_some() const noexcept;
  bool send(Context& context, std::coroutine_handle<> waiter, const Message& message,
            Compress compress = Compress::automatic) noexcept;
  bool send_some(Context& context, std::coroutine_handle<> waiter, const Message& part, bool last,
                 Compress compress) noexcept;
  bool ping(Context& context, std::coroutine_handle<> waiter) noexcept;
  // What a hub calls: takes a message without waiting, as WhenFull says; it leaves with flush_published(). That is
  // sent_published(send_published()), too, which is quicker where there is nothing else.
  void publish(Broadcast& broadcast) noexcept;
  std::ptrdiff_t send_published() noexcept;
  void sent_published(std::ptrdiff_t sent) noexcept;
  void flush_published() noexcept;
  void subscribe(bool on) noexcept { subscribed_ = on; }
  bool is_subscribed() const noexcept { return subscribed_; }
  Result<void> close(std::uint16_t code, std::string_view reason) noexcept;
  void drop() noexcept;  // the Session is gone

  // After the handshake: what was agreed in it.
  void agreed(std::string_view subprotocol, const std::optional<codec::DeflateParameters>& deflate);
  void keep_request(std::unique_ptr<Request> request) noexcept;
  bool compresses() const noexcept { return deflate_; }
  const Request* request() const noexcept { return rare_ ? rare_->request.get() : nullptr; }
  std::string_view subprotocol() const noexcept {
    return subprotocol_ ? std::string_view(shared_.subprotocols[subprotocol_ - 1u]) : std::string_view();
  }

  Error ended() const noexcept { return Error{how_, 0}; }
  // Whether close() was called before the peer's Close frame came.
  bool closed_first() const { return sent_close_ && how_ != Errc::protocol && !closed().by_peer; }
  Closed closed() const;
  Counters counters() const noexcept { return rare_ ? Counters{rare_->dropped, rare_->queue_bytes} : Counters{}; }
  ByteStream* stream() const noexcept { return stream_; }
  detail::Core& loop_core() const noexcept { return shared_.core; }
  bool is_small() const noexcept { return !rare_; }  // this object is all its state

  // ---- What the loop calls

  void arrived() noexcept override;
  void writable() noexcept override;
  std::ptrdiff_t send_corked(Bytes bytes) noexcept override;
  void sent_partly(Bytes bytes, std::ptrdiff_t sent) noexcept override;
  void stop(Context& context, Stop level, Errc reason) noexcept override;
  void tick(std::uint32_t now) noexcept;  // a second is over
  void go_on() noexcept;                  // the turn of what takes long

 private:
  struct Later final : detail::Sliced {
    explicit Later(SessionCore& owner) noexcept : session(owner) {}
    ~Later() { unlist(); }
    void go_on() noexcept override { session.go_on(); }

    SessionCore& session;
  };

  // What most sessions never need.
  struct Rare final : detail::Timer, detail::Lingering {
    explicit Rare(SessionCore& owner) noexcept : Timer(&Rare::over), session(owner) {}
    static void over(Timer& timer) noexcept { static_cast<Rare&>(timer).give_up(); }
    void give_up() noexcept override { session.give_up(); }

    SessionCore& session;
    Later later{session};
    std::list<Queued> queue;
    std::size_t queue_bytes = 0;
    std::size_t fresh = 0;  // of the queue's
    std::list<Waiting> waiting;
    std::size_t waiting_bytes = 0;
    Context* pinger = nullptr;  // who waits for the pong with this number
    std::uint64_t ping_number = 0;
    Closed closed;
    std::uint64_t dropped = 0;
    std::unique_ptr<Request> request;          // until the first receive()
    std::unique_ptr<Compression> compression;  // while deflate_
    Buffer* looked_at = nullptr;               // what is shown lies there, and the stream has gone
    std::unique_ptr<Inbox> inbox;              // while inbox_made_ and no bytes are held
  };

  SessionCore(ByteStream& stream, Shared& shared) noexcept;
  ~SessionCore();
  static void* operator new(std::size_t bytes, Sessions& sessions);
  static void operator delete(void* place, Sessions& sessions) noexcept;
  static void operator delete(SessionCore* core, std::destroying_delete_t) noexcept;
  bool is_open() const noexcept { return how_ == Errc::none && !sent_close_; }
  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>(*this);
    return *rare_;
  }
  bool needs_rare() const noexcept;

  // Receiving: receive.cpp
  bool advance() noexcept;
  bool read_frames(Buffer& buffer) noexcept;
  bool take_data(Buffer& buffer, Inbox& inbox, const codec::Piece& piece) noexcept;
  bool take_control(const codec::Piece& piece) noexcept;
  void show(Buffer& buffer, Bytes bytes, Kind kind) noexcept;
  void settle() noexcept;
  void move_in(std::size_t bytes, std::uint32_t begun) noexcept;
  void put_inbox_aside() noexcept;
  void release_and_read() noexcept;
  void look_ahead() noexcept;
  void release() noexcept;
  void put_aside(Buffer* buffer) noexcept;
  void unshow() noexcept;
  bool is_read_in(const Context& context) const noexcept;
  Context& forget_reader(Errc failure = Errc::none) noexcept;
  void wake() noexcept;
  Inbox& inbox(Buffer& buffer) noexcept;
  static constexpr std::uint32_t room_bytes_min = 4096;  // for what follows the part of a message that has arrived
  static constexpr std::uint32_t sparse_share = 8;  // a buffer so many times as large as needed is of use elsewhere
  static Held& held(Buffer& buffer) noexcept { return *reinterpret_cast<Held*>(buffer.owner); }

  void go_on_later() noexcept;
  void not_later() noexcept;
  void discard() noexcept;
  void forget_request() noexcept;
  void watch(bool sent, codec::FrameBits bits, Bytes begin, std::uint64_t payload_bytes) noexcept;
  void read(bool on) noexcept;

  // Compressing: compression.cpp
  bool inflate(Bytes bytes, bool whole) noexcept;
  bool inflate_slice() noexcept;
  bool is_inflating() const noexcept { return unfinished_ && !shown_; }
  // The peer is gone, and not in order: nobody is owed a long work.
  bool is_broken() const noexcept { return stream_->ended.code != Errc::none && stream_->ended.code != Errc::end; }
  void give_back_inflated() noexcept;
  void give_back_window() noexcept;
  Queued deflated_frame(codec::FrameBits bits, Bytes payload);
  bool is_worth_it(const Message& message, bool last, Compress compress) const noexcept;

  // Sending: send.cpp
  std::byte* room(std::size_t bytes) noexcept;
  bool write_corked(codec::FrameBits bits, Bytes payload) noexcept;
  void write_made(Context& context, codec::FrameBits bits, Bytes payload) noexcept;
  bool write_through(Context& context, std::coroutine_handle<> waiter, codec::FrameBits bits, Bytes payload) noexcept;
  bool send_queued(Context& context, std::coroutine_handle<> waiter, codec::FrameBits bits, Bytes payload) noexcept;
  // Not when the queue is full, unless `always`: what somebody waits for.
  void send_control(codec::Opcode opcode, Bytes payload, bool always = false) noexcept;
  Queued frame(codec::FrameBits bits, Bytes payload);
  void enqueue(Queued queued);
  void append(Queued queued);
  void keep_waiting(codec::FrameBits bits, Bytes payload, Context* sender);
  // Publishing: publish.cpp
  bool has_room_for_published() noexcept;
  void append_fresh(Queued queued);
  void append_fresh(const SharedFrame& frame);
  bool is_full() noexcept;
  bool has_queue() const noexcept { return rare_ && !rare_->queue.empty(); }
  std::size_t taken(std::ptrdiff_t written, std::size_t all) noexcept;
  bool wait_for_room(Context& context, std::coroutine_handle<> waiter, codec::FrameBits bits, Bytes payload) noexcept;
  bool wait_for_queue(Context& context, std::coroutine_handle<> waiter) noexcept;
  void release_waiting(std::size_t queue_bytes_max) noexcept;
  void drop_oldest() noexcept;
  void got_pong(Bytes payload) noexcept;
  void pump() noexcept;
  void sent_of_queue(std::size_t bytes) noexcept;

  // Closing: closing.cpp
  void got_close(Bytes payload) noexcept;
  void send_close(const codec::CloseBody& body) noexcept;
  void fail(Violation violation) noexcept;
  void lost(Error error) noexcept;
  void end(Errc how) noexcept;
  void finish_stream() noexcept;
  void close_stream() noexcept;
  void give_up() noexcept;
  void start_close_timer() noexcept;

  ByteStream* stream_;
  Shared& shared_;
  Session::Receiving* reader_ = nullptr;  // who waits for a message
  std::unique_ptr<Rare> rare_;
  std::uint16_t heard_ = 0;   // the second when something was last received; it wraps
  std::uint16_t active_ = 0;  // the second when a message last came or went
  Errc how_ = Errc::none;     // it ended: nothing more is received or sent
  std::uint8_t subprotocol_ : 7 = 0;
  bool subscribed_ : 1 = false;  // to topics of a hub
  bool has_request_ : 1 = false;
  bool inbox_made_ : 1 = false;   // the buffer's header holds one, or Rare does
  bool shown_ : 1 = false;        // a message is ready, or being looked at
  bool inflated_ : 1 = false;     // a message, or part of it, lies in the Compression
  bool unfinished_ : 1 = false;   // there is more of it to be made
  bool later_ : 1 = false;        // there is more to be read, or inflated, in another turn
  bool deflate_ : 1 = false;      // permessage-deflate was agreed
  bool part_ : 1 = false;         // what is shown is part of a message, with more to come
  bool parts_ : 1 = false;        // receive_some() was called last
  bool fragmenting_ : 1 = false;  // send_some() has begun a message
  bool reading_ : 1 = false;
  bool pinged_ : 1 = false;
  bool sent_close_ : 1 = false;
  bool got_close_ : 1 = false;
  bool shut_ : 1 = false;     // nothing more is sent: input is discarded until the peer has closed, too
  bool dropped_ : 1 = false;  // the Session is gone
};

static_assert(sizeof(void*) != 8 || sizeof(SessionCore) == 48);

}  // namespace parley::ws
