// Branch: a hub's part on one loop. It knows who of that loop hears of which topic, gathers what is published, and has
// an inbox for what other threads publish.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <parley/hub.h>

#include "base/list.h"
#include "io/core.h"
#include "ws/broadcast.h"
#include "ws/session_core.h"

namespace parley::hub {

class Member;

// By order and not by hash: names are often chosen by peers, who could choose such as collide.
using Topics = std::map<std::string, std::vector<Member*>, std::less<>>;

// A Subscriber's inside. Listed while something published for it has not left.
class Member final : public Listed<Member> {
 public:
  Member(Branch& branch, ws::SessionCore& session);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  Result<void> subscribe(std::string_view topic, std::size_t subscriptions_max);
  void unsubscribe(std::string_view topic) noexcept;

  ws::SessionCore& session;

 private:
  struct Place {
    Topics::iterator topic;
    std::size_t index;  // among its members
  };

  std::vector<Place>::iterator find(std::string_view topic) noexcept;
  std::vector<Place>::iterator find(Topics::iterator topic) noexcept;
  void leave(Place place) noexcept;

  Branch& branch_;
  std::vector<Place> places_;
};

// A message on its way to another thread.
struct Incoming {
  std::string topic = {};
  ws::Kind kind = ws::Kind::binary;
  ws::SharedFrame frame = {};
};

class Branch final : public detail::Unflushed, public std::enable_shared_from_this<Branch> {
 public:
  Branch(detail::Core& core, std::size_t inbox_bytes_max) noexcept : core_(core), inbox_bytes_max_(inbox_bytes_max) {}
  ~Branch();
  Branch(const Branch&) = delete;
  Branch& operator=(const Branch&) = delete;

  detail::Core& core() const noexcept { return core_; }
  std::size_t topics() const noexcept { return topics_.size(); }

  // On the loop's thread.
  void publish(std::string_view topic, const ws::Message& message, const Member* but);
  void turn_ended() noexcept override;

  // From any thread.
  Result<void> post(const Incoming& incoming);
  bool has_members() const noexcept { return members_.load(std::memory_order_acquire) != 0; }

 private:
  friend Member;

  void deliver(const std::vector<Member*>& members, ws::Broadcast& broadcast, const Member* but) noexcept;
  void take_inbox();
  void take_later();

  detail::Core& core_;
  Topics topics_;  // with at least one member each
  ws::Gathered gathered_;
  Queue<Member> unflushed_;
  std::atomic<std::size_t> members_ = 0;

  const std::size_t inbox_bytes_max_;
  std::mutex inbox_mutex_;
  std::deque<Incoming> inbox_;
  std::size_t inbox_bytes_ = 0;
};

}  // namespace parley::hub
