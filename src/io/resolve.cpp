#include <parley/resolve.h>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include <parley/endpoint.h>
#include <parley/event.h>
#include "io/core.h"
#include "io/thread.h"

namespace parley {

using detail::Core;
using detail::Resolver;
using Addresses = Result<std::vector<Address>>;

namespace detail {

// One question. The task that asks, and the thread that looks the answer up, share it; whoever is last destroys it.
struct Lookup {
  std::string host;
  std::uint16_t port = 0;

  // Only the loop's thread looks at these.
  Event answered;
  Addresses answer;

  std::mutex mutex;       // guards what follows
  Loop* asker = nullptr;  // null when nobody wants the answer any more: the loop may be gone
};

using SharedLookup = std::shared_ptr<Lookup>;

// The threads of one loop. They are detached: a lookup can't be interrupted, and neither the end of the loop nor of the
// program should wait for it. What a thread touches it owns a share of; a Loop only under the lock, and while it is
// asked for. A thread ends when there is nothing more to look up, so an idle loop has none.
class Resolver : public std::enable_shared_from_this<Resolver> {
 public:
  // False: no thread could be started, and none is running.
  bool add(SharedLookup lookup);

 private:
  void work();
  SharedLookup take();

  std::mutex mutex_;
  std::deque<SharedLookup> waiting_;
  unsigned threads_ = 0;
};

}  // namespace detail

namespace {

using detail::Lookup;
using detail::SharedLookup;

Error lookup_error(int code) noexcept {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA: return Error{Errc::not_found, 0};
    case EAI_MEMORY: return Error{Errc::memory_exhausted, 0};
    case EAI_SYSTEM: return Error::from_errno(errno);
    default: return Error{Errc::name_failed, 0};
  }
}

Addresses look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // so that each address comes once
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) {
    return std::unexpected(lookup_error(code));
  }
  std::vector<Address> addresses;
  for (const addrinfo* item = found; item; item = item->ai_next) {
    const Address address = Address::from_kernel(item->ai_addr, item->ai_addrlen).with_port(port);
    if (address.family() != Family::none && std::ranges::find(addresses, address) == addresses.end())
      addresses.push_back(address);
  }
  freeaddrinfo(found);
  if (addresses.empty()) return fail(Errc::not_found);
  return addresses;
}

}  // namespace

namespace detail {

bool Resolver::add(SharedLookup lookup) {
  std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(lookup));
  if (threads_ == resolve_threads_max) return true;
  if (auto thread = start_thread([self = shared_from_this()] { self->work(); })) {
    thread->detach();
    threads_ += 1;
  } else if (threads_ == 0) {
    waiting_.pop_back();
    return false;
  }
  return true;  // with fewer threads it waits for its turn
}

SharedLookup Resolver::take() {
  std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    threads_ -= 1;
    return nullptr;
  }
  SharedLookup lookup = std::move(waiting_.front());
  waiting_.pop_front();
  return lookup;
}

void Resolver::work() {
  while (SharedLookup lookup = take()) {
    {
      std::lock_guard lock(lookup->mutex);
      if (!lookup->asker) continue;
    }
    Addresses answer = look_up(lookup->host, lookup->port);
    std::lock_guard lock(lookup->mutex);
    if (!lookup->asker) continue;
    lookup->asker->post([lookup, found = std::move(answer)]() mutable {
      lookup->answer = std::move(found);
      lookup->answered.set();
    });
  }
}

}  // namespace detail

namespace {

bool is_localhost(std::string_view host) {
  constexpr std::string_view name = "localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::ranges::equal(host, name, [](char a, char b) { return (a | 0x20) == b; });
}

// What is known without asking anybody.
Addresses known(std::string_view host, std::uint16_t port) {
  if (host.empty() || host.size() > Endpoint::host_bytes_max || host.contains('\0')) return fail(Errc::invalid_address);
  if (const Result<Address> number = Address::ip(host, port)) return std::vector{*number};
  if (!is_localhost(host)) return fail(Errc::not_found);
  // RFC 6761, 6.3: "Name resolution APIs and libraries SHOULD recognize localhost names as special and SHOULD always
  // return the IP loopback address"
  return std::vector{Address::loopback(Family::ipv6, port), Address::loopback(Family::ipv4, port)};
}

// Whoever asks goes on, with or without an answer.
struct Asking {
  ~Asking() {
    std::lock_guard lock(lookup->mutex);
    lookup->asker = nullptr;
  }
  SharedLookup lookup = std::make_shared<Lookup>();
};

Task<Addresses> ask(Loop& loop, std::string host, std::uint16_t port) {
  Core& core = loop.core();
  if (!core.resolver) core.resolver = std::make_shared<Resolver>();
  Asking asking;
  Lookup& lookup = *asking.lookup;
  lookup.host = std::move(host);
  lookup.port = port;
  lookup.asker = &loop;
  if (!core.resolver->add(asking.lookup)) co_return fail(Errc::memory_exhausted);
  Result<void> answered = co_await lookup.answered.wait(Stop::all);
  if (!answered) co_return std::unexpected(answered.error());
  co_return std::move(lookup.answer);
}

Task<Addresses> at_once(Addresses answer) { co_return answer; }

}  // namespace

Task<Addresses> resolve(Loop& loop, std::string_view host, std::uint16_t port) {
  Addresses answer = known(host, port);
  const bool look = !answer && answer.error() == Errc::not_found && loop.driver() != "sim";
  if (look) return ask(loop, std::string(host), port);
  return at_once(std::move(answer));
}

}  // namespace parley
