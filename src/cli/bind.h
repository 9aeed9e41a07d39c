// Where a server listens: every socket of every thread, taken before anything is served.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <parley/endpoint.h>
#include <parley/listener.h>
#include <parley/threads.h>
#include <parley/udp.h>

#include "cli/options.h"

namespace parley::cli {

// Why something could not be had: one line on standard error.
struct Complaint {
  std::string where;
  std::string reason;
};

// The file of a Unix-domain socket that was made here. It is removed at the end, if it is still the same one.
class SocketFile {
 public:
  SocketFile() noexcept = default;
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept { *this = std::move(other); }
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~SocketFile() { remove(); }

  void remove() noexcept;

 private:
  std::string path_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

// One URL: a socket for each thread (a Unix-domain path can't be shared, so it has one, of the first thread).
struct BoundPlace {
  Endpoint endpoint;  // with its real port
  Speech speech = Speech::raw;
  Address address;
  std::variant<std::vector<Listener>, std::vector<UdpSocket>> sockets;
  SocketFile file;
  bool secure = false;  // TLS, and nothing else
};

// All of `places`, in their order; one with_udp is two. Waits for the lookup of host names.
std::expected<std::vector<BoundPlace>, Complaint> bind_all(Threads& threads, const std::vector<Place>& places,
                                                           const ListenOptions& options);

// TCP and UDP, in this order, at the first port of `range` that is free for both.
std::expected<std::vector<BoundPlace>, Complaint> bind_both(Threads& threads, const Endpoint& range, Speech speech,
                                                            const ListenOptions& options);

}  // namespace parley::cli
