#include "io/datagrams.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace parley::detail {
namespace {

constexpr std::size_t run_bytes_max = 65507;   // of one piece, as of one datagram
constexpr std::size_t run_datagrams_max = 64;  // UDP_MAX_SEGMENTS of older kernels

struct alignas(cmsghdr) Control {
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

bool carries_udp(int descriptor) noexcept {
  int domain = AF_UNIX;
  socklen_t size = sizeof domain;
  getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain != AF_UNIX;
}

// How many of the first datagrams can leave as one piece.
std::size_t run_length(std::span<const Datagram> datagrams) noexcept {
  const Datagram& first = datagrams.front();
  std::size_t count = 1;
  for (std::size_t bytes = first.size; count < std::min(datagrams.size(), run_datagrams_max); ++count) {
    const Datagram& next = datagrams[count];
    if (first.size == 0 || next.size == 0 || next.size > first.size || next.data != first.data + bytes) break;
    bytes += next.size;
    if (bytes > run_bytes_max || next.peer != first.peer) break;
    if (next.size < first.size) return count + 1;  // only the last one may be shorter
  }
  return count;
}

// The arguments of one sendmmsg().
class Outgoing {
 public:
  Outgoing(std::span<const Datagram> datagrams, bool in_runs) noexcept {
    for (std::size_t begin = 0; begin < datagrams.size(); ++size_) {
      const std::size_t length = in_runs ? run_length(datagrams.subspan(begin)) : 1;
      add(datagrams.subspan(begin, length));
      begin += length;
    }
  }

  mmsghdr* headers() noexcept { return headers_.data(); }
  unsigned size() const noexcept { return size_; }
  bool begins_with_run() const noexcept { return lengths_[0] > 1; }
  std::size_t datagrams(std::size_t headers) const noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < headers; ++i) total += lengths_[i];
    return total;
  }

 private:
  void add(std::span<const Datagram> run) noexcept {
    const Datagram& first = run.front();
    const Datagram& last = run.back();
    lengths_[size_] = run.size();
    pieces_[size_] = {first.data, static_cast<std::size_t>(last.data - first.data) + last.size};
    msghdr& header = headers_[size_].msg_hdr;
    header = {};
    header.msg_iov = &pieces_[size_];
    header.msg_iovlen = 1;
    if (first.peer.family() != Family::none) {
      header.msg_name = const_cast<void*>(first.peer.data());
      header.msg_namelen = first.peer.size();
    }
    if (run.size() > 1) set_segment(header, controls_[size_], static_cast<std::uint16_t>(first.size));
  }

  static void set_segment(msghdr& header, Control& control, std::uint16_t bytes) noexcept {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof bytes);
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = IPPROTO_UDP;
    item->cmsg_type = UDP_SEGMENT;
    item->cmsg_len = CMSG_LEN(sizeof bytes);
    std::memcpy(CMSG_DATA(item), &bytes, sizeof bytes);
  }

  unsigned size_ = 0;
  std::array<std::size_t, sent_at_once_max> lengths_;
  std::array<mmsghdr, sent_at_once_max> headers_;
  std::array<iovec, sent_at_once_max> pieces_;
  std::array<Control, sent_at_once_max> controls_;
};

std::ptrdiff_t send_once(int descriptor, Outgoing& outgoing) noexcept {
  int sent = 0;
  do {
    sent = sendmmsg(descriptor, outgoing.headers(), outgoing.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : static_cast<std::ptrdiff_t>(outgoing.datagrams(static_cast<std::size_t>(sent)));
}

std::uint16_t segment_of(msghdr& header) noexcept {
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != IPPROTO_UDP || item->cmsg_type != UDP_GRO) continue;
    int bytes = 0;
    std::memcpy(&bytes, CMSG_DATA(item), sizeof bytes);
    return static_cast<std::uint16_t>(bytes);
  }
  return 0;
}

}  // namespace

void allow_runs(int descriptor) noexcept {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
}

std::ptrdiff_t send_datagrams(int descriptor, std::span<const Datagram> datagrams) noexcept {
  datagrams = datagrams.first(std::min(datagrams.size(), sent_at_once_max));
  const Family family = datagrams.front().peer.family();
  const bool in_runs =
      datagrams.size() > 1 && (family == Family::none ? carries_udp(descriptor) : family != Family::local);

  Outgoing outgoing(datagrams, in_runs);
  const std::ptrdiff_t sent = send_once(descriptor, outgoing);
  // A run is refused where one datagram is not: larger than the path's MTU, or no checksums by the device.
  if (!outgoing.begins_with_run() || (sent != -EINVAL && sent != -EMSGSIZE && sent != -EIO)) return sent;
  Outgoing singly(datagrams, false);
  return send_once(descriptor, singly);
}

std::ptrdiff_t receive_datagrams(int descriptor, std::span<Datagram> datagrams) noexcept {
  std::array<mmsghdr, received_at_once_max> headers;
  std::array<iovec, received_at_once_max> rooms;
  std::array<sockaddr_storage, received_at_once_max> peers;
  std::array<Control, received_at_once_max> controls;
  const std::size_t count = std::min(datagrams.size(), received_at_once_max);
  for (std::size_t i = 0; i < count; ++i) {
    rooms[i] = {datagrams[i].data, datagrams[i].size};
    headers[i].msg_hdr = {};
    headers[i].msg_hdr.msg_name = &peers[i];
    headers[i].msg_hdr.msg_namelen = sizeof peers[i];
    headers[i].msg_hdr.msg_iov = &rooms[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = controls[i].bytes.data();
    headers[i].msg_hdr.msg_controllen = controls[i].bytes.size();
  }

  int received = 0;
  do {
    received = recvmmsg(descriptor, headers.data(), static_cast<unsigned>(count), 0, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;

  std::ptrdiff_t kept = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
    msghdr& header = headers[i].msg_hdr;
    if (header.msg_flags & MSG_TRUNC) continue;
    Datagram& datagram = datagrams[static_cast<std::size_t>(kept++)];
    datagram.data = static_cast<std::byte*>(rooms[i].iov_base);
    datagram.size = headers[i].msg_len;
    datagram.peer = Address::from_kernel(&peers[i], header.msg_namelen);
    datagram.segment_bytes = segment_of(header);
  }
  return kept > 0 ? kept : -EAGAIN;
}

}  // namespace parley::detail
