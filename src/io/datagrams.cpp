#include "io/datagrams.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace parley::detail {
namespace {

constexpr std::size_t batch_max = 32;

}  // namespace

std::ptrdiff_t send_datagrams(int descriptor, std::span<const Datagram> datagrams) noexcept {
  std::array<mmsghdr, batch_max> messages{};
  std::array<iovec, batch_max> vectors{};
  const std::size_t count = std::min(datagrams.size(), batch_max);
  for (std::size_t i = 0; i < count; ++i) {
    const Datagram& datagram = datagrams[i];
    vectors[i] = {datagram.data, datagram.size};
    msghdr& header = messages[i].msg_hdr;
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    if (datagram.peer.family() == Family::none) continue;
    header.msg_name = const_cast<void*>(datagram.peer.data());
    header.msg_namelen = datagram.peer.size();
  }
  for (;;) {
    const int sent = sendmmsg(descriptor, messages.data(), static_cast<unsigned>(count), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

std::ptrdiff_t receive_datagrams(int descriptor, std::span<Datagram> datagrams) noexcept {
  std::array<mmsghdr, batch_max> messages{};
  std::array<iovec, batch_max> vectors{};
  std::array<sockaddr_storage, batch_max> from;
  const std::size_t count = std::min(datagrams.size(), batch_max);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {datagrams[i].data, datagrams[i].size};
    msghdr& header = messages[i].msg_hdr;
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    header.msg_name = &from[i];
    header.msg_namelen = sizeof from[i];
  }
  int received = 0;
  do {
    received = recvmmsg(descriptor, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
    datagrams[i].size = messages[i].msg_len;
    datagrams[i].peer = Address::from_kernel(&from[i], messages[i].msg_hdr.msg_namelen);
  }
  return received;
}

}  // namespace parley::detail
