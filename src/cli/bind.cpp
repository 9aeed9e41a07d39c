#include "cli/bind.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>

#include <parley/resolve.h>
#include <parley/socket.h>

namespace parley::cli {
namespace {

std::unexpected<Complaint> complain(const Endpoint& endpoint, std::string_view reason) {
  return std::unexpected(Complaint{endpoint.to_string(), std::string(reason)});
}

std::unexpected<Complaint> complain(const Endpoint& endpoint, Error error) {
  const bool all_taken = endpoint.is_range() && error == Errc::address_in_use;
  return complain(endpoint, all_taken ? "no free port" : error.message());
}

// While it exists, no other server that asks for it looks at, removes or makes socket files in that folder.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder) noexcept
      : descriptor_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ >= 0) flock(descriptor_, LOCK_EX);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  int descriptor_;
};

// A server that was killed leaves its file behind: then nobody answers there, and the file may go.
void remove_stale(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  auto address = Address::local(path);
  auto probe = Socket::open(Kind::local_stream);
  if (!address || !probe || !probe->set_blocking(false)) return;
  auto answered = probe->connect(*address);
  if (!answered && answered.error() == Errc::refused) unlink(path.c_str());
}

std::expected<BoundPlace, Complaint> bind_local(Threads& threads, const Endpoint& endpoint,
                                                const ListenOptions& options) {
  BoundPlace place{endpoint, Speech::any, {}, {}, {}};
  const std::string& path = endpoint.host;
  const bool is_file = !path.starts_with('@');  // "@name" is in Linux's abstract namespace
  std::optional<FolderLock> lock;
  if (is_file) {
    const auto folder = std::filesystem::path(path).parent_path();
    lock.emplace(folder.empty() ? "." : folder);
    remove_stale(path);
  }
  auto listener = listen(threads.loop(0), endpoint, options);
  if (!listener) return complain(endpoint, listener.error());
  if (is_file) place.file = SocketFile(path);
  place.address = listener->local_address();
  std::vector<Listener> listeners;
  listeners.push_back(std::move(*listener));
  place.sockets = std::move(listeners);
  return place;
}

template <class Socket>
std::expected<BoundPlace, Complaint> place_of(const Endpoint& endpoint, Speech speech,
                                              Result<std::vector<Socket>> sockets) {
  if (!sockets) return complain(endpoint, sockets.error());
  BoundPlace place{endpoint, speech, sockets->front().local_address(), {}, {}};
  place.endpoint.port_first = place.endpoint.port_last = place.address.port();
  place.sockets = std::move(*sockets);
  return place;
}

Task<Result<std::vector<Address>>> look_up(Loop& loop, const Endpoint& endpoint) {
  return resolve(loop, endpoint.host, endpoint.port_first);
}

// A host name becomes the first IPv4 address it has, or else its first, since one can't listen at a name.
std::expected<Endpoint, Complaint> with_number(Threads& threads, Endpoint endpoint) {
  if (endpoint.scheme == Scheme::local || endpoint.host.empty() || endpoint.address()) return endpoint;
  auto found = threads.loop(0).run(look_up(threads.loop(0), endpoint));
  if (!found) return complain(endpoint, found.error());
  const auto ipv4 = std::ranges::find(*found, Family::ipv4, &Address::family);
  endpoint.host = (ipv4 != found->end() ? *ipv4 : found->front()).host();
  return endpoint;
}

std::expected<BoundPlace, Complaint> bind_one(Threads& threads, const Endpoint& endpoint, Speech speech,
                                              const ListenOptions& options) {
  switch (endpoint.scheme) {
    case Scheme::tls:
    case Scheme::tcp: return place_of(endpoint, speech, listen(threads, endpoint, options));
    case Scheme::udp: return place_of(endpoint, speech, bind_udp(threads, endpoint));
    case Scheme::local: break;
  }
  return bind_local(threads, endpoint, options);
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status{};
  if (lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void SocketFile::remove() noexcept {
  if (path_.empty()) return;
  struct stat status{};
  if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
  path_.clear();
}

std::expected<std::vector<BoundPlace>, Complaint> bind_all(Threads& threads, const std::vector<Place>& places,
                                                           const ListenOptions& options) {
  std::vector<BoundPlace> all;
  for (const Place& wanted : places) {
    auto endpoint = with_number(threads, wanted.endpoint);
    if (!endpoint) return std::unexpected(endpoint.error());
    if (wanted.with_udp) {
      auto both = bind_both(threads, *endpoint, wanted.speech, options);
      if (!both) return std::unexpected(both.error());
      std::ranges::move(*both, std::back_inserter(all));
    } else {
      auto place = bind_one(threads, *endpoint, wanted.speech, options);
      if (!place) return std::unexpected(place.error());
      place->secure = wanted.secure;
      all.push_back(std::move(*place));
    }
  }
  return all;
}

std::expected<std::vector<BoundPlace>, Complaint> bind_both(Threads& threads, const Endpoint& range, Speech speech,
                                                            const ListenOptions& options) {
  constexpr int tries_max = 64;  // of port 0: the system may choose one that UDP has taken
  int tries = 0;
  for (unsigned port = range.port_first; port <= range.port_last && tries < tries_max; port += port != 0, ++tries) {
    if (port != 0) tries = 0;
    const auto number = static_cast<std::uint16_t>(port);
    const Endpoint tcp{Scheme::tcp, range.host, number, number};
    auto listeners = listen(threads, tcp, options);
    if (!listeners && listeners.error() == Errc::address_in_use) continue;
    if (!listeners) return complain(tcp, listeners.error());
    const std::uint16_t taken = listeners->front().local_address().port();
    const Endpoint udp{Scheme::udp, range.host, taken, taken};
    auto sockets = bind_udp(threads, udp);
    if (!sockets && sockets.error() == Errc::address_in_use) continue;
    if (!sockets) return complain(udp, sockets.error());
    std::vector<BoundPlace> places;
    places.push_back(*place_of(tcp, speech, std::move(listeners)));
    places.push_back(*place_of(udp, Speech::raw, std::move(sockets)));
    return places;
  }
  return complain(range, "no free port");
}

}  // namespace parley::cli
