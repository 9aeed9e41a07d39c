#include "hub/branch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace parley::hub {

namespace {

// Of the inbox, in one turn of the loop: messages, and sessions that they go to.
constexpr std::size_t incoming_max = 128;
constexpr std::size_t incoming_sessions_max = 16 * 1024;
// Sessions that are sent to before others have their turn: a system call for each, of some 5 us.
constexpr std::size_t flushed_max = 256;

std::size_t bytes_of(const Incoming& incoming) noexcept {
  return sizeof(Incoming) + incoming.topic.size() + incoming.frame.bytes.size();
}

}  // namespace

// ---- Member

Member::Member(Branch& branch, ws::SessionCore& core) : session(core), branch_(branch) {
  PARLEY_CHECK(!core.is_subscribed(), "a Session has two Subscribers");
  core.subscribe(true);
  branch_.members_.fetch_add(1, std::memory_order_relaxed);
}

Member::~Member() {
  for (const Place& place : places_) leave(place);
  if (is_listed()) {
    unlist();
    session.flush_published();
  }
  if (branch_.unflushed_.empty()) branch_.unlist();  // without members nothing of it is the loop's
  session.subscribe(false);
  branch_.members_.fetch_sub(1, std::memory_order_release);  // another thread may destroy the hub now
}

std::vector<Member::Place>::iterator Member::find(std::string_view topic) noexcept {
  return std::ranges::find_if(places_, [&](const Place& place) { return place.topic->first == topic; });
}

std::vector<Member::Place>::iterator Member::find(Topics::iterator topic) noexcept {
  return std::ranges::find(places_, topic, &Place::topic);
}

Result<void> Member::subscribe(std::string_view topic, std::size_t subscriptions_max) {
  if (find(topic) != places_.end()) return {};
  if (places_.size() >= subscriptions_max) return fail(Errc::too_large);
  auto at = branch_.topics_.lower_bound(topic);
  if (at == branch_.topics_.end() || at->first != topic) {
    at = branch_.topics_.emplace_hint(at, std::string(topic), std::vector<Member*>());
  }
  places_.push_back({at, at->second.size()});
  at->second.push_back(this);
  return {};
}

void Member::unsubscribe(std::string_view topic) noexcept {
  const auto place = find(topic);
  if (place == places_.end()) return;
  leave(*place);
  *place = places_.back();
  places_.pop_back();
}

// The last member takes its place.
void Member::leave(Place place) noexcept {
  auto& members = place.topic->second;
  Member* const last = members.back();
  members[place.index] = last;
  members.pop_back();
  if (last != this) last->find(place.topic)->index = place.index;
  if (members.empty()) branch_.topics_.erase(place.topic);
}

// ---- Branch

Branch::~Branch() { unlist(); }

void Branch::publish(std::string_view topic, const ws::Message& message, const Member* but) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  ws::Broadcast broadcast(message, gathered_);
  deliver(found->second, broadcast, but);
}

void Branch::deliver(const std::vector<Member*>& members, ws::Broadcast& broadcast, const Member* but) noexcept {
  for (Member* member : members) {
    if (member == but) continue;
    member->session.publish(broadcast);
    if (!member->is_listed()) unflushed_.push_back(*member);
  }
  if (!is_listed() && !unflushed_.empty()) core_.gathering.push_front(*this);
}

void Branch::turn_ended() noexcept {
  for (std::size_t count = 0; Member* member = unflushed_.first(); ++count) {
    if (count == flushed_max) {
      if (!is_listed()) core_.gathering.push_front(*this);
      return;
    }
    member->unlist();
    const std::ptrdiff_t sent = member->session.send_published();
    member->session.sent_published(sent);
  }
  gathered_.reuse();
}

Result<void> Branch::post(const Incoming& incoming) {
  std::lock_guard lock(inbox_mutex_);
  const std::size_t bytes = bytes_of(incoming);
  if (!inbox_.empty() && inbox_bytes_ + bytes > inbox_bytes_max_) return fail(Errc::too_large);
  inbox_bytes_ += bytes;
  inbox_.push_back(incoming);
  if (inbox_.size() == 1) take_later();
  return {};
}

void Branch::take_inbox() {
  std::size_t sessions = 0;
  for (std::size_t count = 0; count < incoming_max && sessions < incoming_sessions_max; ++count) {
    Incoming incoming;
    bool is_last = false;
    {
      std::lock_guard lock(inbox_mutex_);
      incoming = std::move(inbox_.front());
      inbox_bytes_ -= bytes_of(incoming);
      inbox_.pop_front();
      is_last = inbox_.empty();  // then whoever puts in the next one calls again
    }
    if (const auto found = topics_.find(incoming.topic); found != topics_.end()) {
      const ws::Message message(incoming.frame.payload(), incoming.kind);
      ws::Broadcast broadcast(message, incoming.frame, gathered_);
      deliver(found->second, broadcast, nullptr);
      sessions += found->second.size();
    }
    if (is_last) return;
  }
  take_later();
}

void Branch::take_later() {
  core_.post([branch = shared_from_this()] { branch->take_inbox(); });
}

}  // namespace parley::hub
