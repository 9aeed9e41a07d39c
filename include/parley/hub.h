// Hub: topics, and who is to hear of them. What is published on a topic goes to all who have subscribed to it, on every
// loop of the hub: a chat, prices, presence, the lines of a log.
//
//   parley::Task<> chat(parley::ws::Session me, parley::Hub& hub) {
//     parley::Subscriber here(hub, me);
//     (void)here.subscribe("lobby");
//     while (auto message = co_await me.receive()) {
//       (void)here.publish("lobby", *message);                          // to all others
//     }
//   }
//   parley::Hub hub(loop);
//   loop.run(parley::ws::serve(loop, "ws://127.0.0.1:9000", {chat, hub}));
//
// Publishing never waits, so that nobody who reads slowly holds up the others: a session whose queue is full
// (Limits::queue_bytes_max), or behind whose queue a send() waits, misses the message, as with WhenFull::drop_newest;
// with drop_oldest it misses older ones (but the newest within a message that it sends in parts), and with close it is
// closed. Session::counters() says how many it missed.
//
// A message is framed once for all of a loop. It is queued for all of them at once, and leaves when what has arrived at
// the loop is done, with what others published meanwhile: up to 64 KiB of small messages in one system call. 256
// sessions are sent to in one turn, so that others go on. To each session messages leave in the order of the calls,
// those of its own send() among them. What tasks of different loops publish, and what comes from outside of them, has
// no order.
//
// With permessage-deflate a message is compressed once for all sessions of a loop with the same window and level: it
// refers to nothing that was sent before, and neither will what a session sends next. So messages become larger than
// those of send(), which know their session's past; compressing those costs as often as there are sessions.
//
// A message costs as much as it has listeners: let peers publish only where, and as often as, you want them to.
//
// Lifetimes: a Hub outlives its Subscribers, and its loops outlive the Hub. Threads: Hub::publish() may be called from
// any thread; a Subscriber belongs to its session's.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <parley/error.h>
#include <parley/ws/session.h>

namespace parley {

class Loop;
class Threads;

namespace hub {
class Branch;
class Member;
}  // namespace hub

struct HubOptions {
  std::size_t topic_bytes_max = 256;       // of a name
  std::size_t subscriptions_max = 1024;    // of one Subscriber
  std::size_t inbox_bytes_max = 16 << 20;  // of each loop: published by other threads, and not taken yet
};

class Hub {
 public:
  explicit Hub(Loop& loop, const HubOptions& options = {});
  explicit Hub(Threads& threads, const HubOptions& options = {});
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // To all subscribers of `topic`; none is no error. The bytes need only live until it returns. From any thread: called
  // by a task of one of the hub's loops, those on that loop have it queued when it returns; all others get it soon, in
  // the order of this thread's calls.
  // Errors: invalid_argument (no topic: empty, or longer than topic_bytes_max); too_large (inbox_bytes_max wait for a
  // loop already, or would with this one: its subscribers do not get it, the others do; one message is always taken).
  Result<void> publish(std::string_view topic, const ws::Message& message);

 private:
  friend class Subscriber;
  Result<void> publish(std::string_view topic, const ws::Message& message, const hub::Member* but);

  const HubOptions options_;
  std::vector<std::shared_ptr<hub::Branch>> branches_;  // one for each loop
};

// One session's part in a hub. Destroy it before the session, which a handler does by declaring it after.
class Subscriber {
 public:
  // `session` is open, on one of the hub's loops, and has no other Subscriber.
  Subscriber(Hub& hub, ws::Session& session);
  Subscriber(Subscriber&& other) noexcept;
  Subscriber& operator=(Subscriber&& other) noexcept;
  ~Subscriber();  // unsubscribes from all; what was published before still leaves

  // Any bytes are a topic: there are no wildcards. Twice is as good as once.
  // Errors: invalid_argument (empty, or longer than topic_bytes_max); too_large (subscriptions_max).
  Result<void> subscribe(std::string_view topic);
  // Not subscribed: it does nothing.
  void unsubscribe(std::string_view topic) noexcept;

  // As Hub::publish(), to all but this one. It need not have subscribed itself.
  Result<void> publish(std::string_view topic, const ws::Message& message);

 private:
  hub::Member& member() const noexcept;

  Hub* hub_;
  std::unique_ptr<hub::Member> member_;
};

}  // namespace parley
