#include "hub/branch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace parley::hub {

namespace {

// Of the inbox, in one turn of the loop.
constexpr std::size_t incoming_max = 128;
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
  session.subscribe(false);
  branch_.members_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<Member::Place>::iterator Member::find(std::string_view topic) noexcept {
  return std::ranges::find_if(places_, [&](const Place& place) { return place.topic->first == topic; });
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
  if (last != this) last->find(place.topic->first)->index = place.index;
  if (members.empty()) branch_.topics_.erase(place.topic);
}

// ---- Branch

Branch::~Branch() { unlist(); }

void Branch::publish(std::string_view topic, const ws::Message& message, const Member* but) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  make_room(message);
  ws::Broadcast broadcast(message, gathered_);
  deliver(found->second, broadcast, but);
}

void Branch::make_room(const ws::Message& message) noexcept {
  if (!gathered_.has_room(ws::Broadcast::gathered_bytes(message))) flush();
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
  flush(flushed_max);
  if (!unflushed_.empty() && !is_listed()) core_.gathering.push_front(*this);
}

void Branch::flush(std::size_t members_max) noexcept {
  for (std::size_t count = 0; Member* member = unflushed_.first(); ++count) {
    if (count == members_max) return;
    member->unlist();
    const std::ptrdiff_t sent = member->session.send_published();
    member->session.sent_published(sent);
  }
  gathered_.clear();
}

Result<void> Branch::post(const Incoming& incoming) {
  std::lock_guard lock(inbox_mutex_);
  const std::size_t bytes = bytes_of(incoming);
  if (bytes > inbox_bytes_max_ - inbox_bytes_) return fail(Errc::too_large);
  inbox_bytes_ += bytes;
  inbox_.push_back(incoming);
  if (inbox_.size() == 1) take_later();
  return {};
}

void Branch::take_inbox() {
  std::vector<Incoming> taken;
  {
    std::lock_guard lock(inbox_mutex_);
    while (!inbox_.empty() && taken.size() < incoming_max) {
      inbox_bytes_ -= bytes_of(inbox_.front());
      taken.push_back(std::move(inbox_.front()));
      inbox_.pop_front();
    }
    if (!inbox_.empty()) take_later();
  }
  for (const Incoming& incoming : taken) {
    const auto found = topics_.find(incoming.topic);
    if (found == topics_.end()) continue;
    const ws::Message message(incoming.frame.payload(), incoming.kind);
    make_room(message);
    ws::Broadcast broadcast(message, incoming.frame, gathered_);
    deliver(found->second, broadcast, nullptr);
  }
}

void Branch::take_later() {
  core_.post([branch = shared_from_this()] { branch->take_inbox(); });
}

}  // namespace parley::hub
