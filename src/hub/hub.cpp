// What the public header calls: Hub and Subscriber.
#include <parley/hub.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <parley/loop.h>
#include <parley/threads.h>

#include "base/check.h"
#include "hub/branch.h"

namespace parley {

using hub::Branch;
using hub::Member;

Hub::Hub(Loop& loop, const HubOptions& options)
    : options_(options), branches_{std::make_shared<Branch>(loop.core(), options.inbox_bytes_max)} {}

Hub::Hub(Threads& threads, const HubOptions& options) : options_(options) {
  for (unsigned i = 0; i < threads.size(); ++i) {
    branches_.push_back(std::make_shared<Branch>(threads.loop(i).core(), options.inbox_bytes_max));
  }
}

Hub::~Hub() {
  for (const auto& branch : branches_) {
    PARLEY_CHECK(!branch->has_members(), "a Hub was destroyed before its Subscribers");
  }
}

Result<void> Hub::publish(std::string_view topic, const ws::Message& message) {
  return publish(topic, message, nullptr);
}

Result<void> Hub::publish(std::string_view topic, const ws::Message& message, const Member* but) {
  if (topic.empty() || topic.size() > options_.topic_bytes_max) return fail(Errc::invalid_argument);
  const detail::Core* const here = but ? &but->session.loop_core() : detail::Core::running();
  Result<void> outcome;
  std::optional<hub::Incoming> incoming;
  for (const auto& branch : branches_) {
    if (&branch->core() == here) {
      branch->publish(topic, message, but);
    } else if (branch->has_members()) {
      if (!incoming) incoming = {std::string(topic), message.kind(), ws::Broadcast::frame_of(message)};
      if (auto posted = branch->post(*incoming); !posted) outcome = posted;
    }
  }
  return outcome;
}

Subscriber::Subscriber(Hub& hub, ws::Session& session) : hub_(&hub) {
  PARLEY_CHECK(session, "a Subscriber needs an open Session");
  auto& core = ws::SessionCore::of(session);
  const auto branch = std::ranges::find(hub.branches_, &core.loop_core(), [](const auto& b) { return &b->core(); });
  PARLEY_CHECK(branch != hub.branches_.end(), "a Subscriber's Session is on none of the Hub's loops");
  member_ = std::make_unique<Member>(**branch, core);
}

Subscriber::Subscriber(Subscriber&& other) noexcept = default;
Subscriber& Subscriber::operator=(Subscriber&& other) noexcept = default;
Subscriber::~Subscriber() = default;

Member& Subscriber::member() const noexcept {
  PARLEY_CHECK(member_, "a Subscriber was used that had been moved from");
  return *member_;
}

Result<void> Subscriber::subscribe(std::string_view topic) {
  if (topic.empty() || topic.size() > hub_->options_.topic_bytes_max) return fail(Errc::invalid_argument);
  return member().subscribe(topic, hub_->options_.subscriptions_max);
}

void Subscriber::unsubscribe(std::string_view topic) noexcept { member().unsubscribe(topic); }

Result<void> Subscriber::publish(std::string_view topic, const ws::Message& message) {
  return hub_->publish(topic, message, &member());
}

}  // namespace parley
