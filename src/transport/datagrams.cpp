#include "transport/datagrams.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/sanitize.h"
#include "io/datagrams.h"

namespace parley::detail {
namespace {

// A buffer begins with an array of Datagram; the bytes follow.
constexpr std::size_t table_bytes(std::size_t count) { return (count * sizeof(Datagram) + 63) / 64 * 64; }

// Room for the largest datagram, or run of them. The odd line of cache keeps the beginnings of all the rooms from
// falling into the same few places of it.
constexpr std::size_t room_bytes = 64 * 1024 + 64;
constexpr std::size_t batch_max = 15;
constexpr std::size_t batch_bytes = table_bytes(batch_max) + batch_max * room_bytes;
static_assert(batch_bytes + Buffer::header_bytes <= 1024 * 1024 && batch_max <= received_at_once_max);

constexpr std::size_t queue_table_bytes = table_bytes(UdpSocket::queue_datagrams_max);
constexpr std::size_t queue_bytes = queue_table_bytes + UdpSocket::queue_bytes_max;

}  // namespace

Datagram* ReceivedBatch::messages() noexcept { return std::launder(reinterpret_cast<Datagram*>(buffer_->data())); }

std::ptrdiff_t ReceivedBatch::receive(Core& core, Source& source) noexcept {
  clear(core);
  buffer_ = core.buffers.lend(batch_bytes);
  std::byte* room = buffer_->data() + table_bytes(batch_max);
  for (std::size_t i = 0; i < rooms_; ++i, room += room_bytes) {
    new (buffer_->data() + i * sizeof(Datagram)) Datagram{.data = room, .size = room_bytes, .peer = {}};
  }
  const std::ptrdiff_t received = core.driver->receive(source, std::span(messages(), rooms_));
  if (received > 0) {
    count_ = static_cast<std::uint32_t>(received);
    // A room too many costs little, but not nothing; one too few splits a run that could have been answered as one.
    rooms_ = count_ == rooms_ ? batch_max : std::clamp<std::uint32_t>(2 * count_, rooms_min, batch_max);
  } else {
    clear(core);
  }
  return received;
}

parley::Datagram ReceivedBatch::next() noexcept {
  const Datagram& message = messages()[at_];
  const std::size_t left = message.size - offset_;
  const std::size_t size = message.segment_bytes ? std::min<std::size_t>(message.segment_bytes, left) : left;
  std::byte* const bytes = message.data + offset_;
  poison(std::exchange(shown_, bytes), shown_bytes_);
  shown_bytes_ = size;
  offset_ += static_cast<std::uint32_t>(size);
  if (size == left) {
    at_ += 1;
    offset_ = 0;
  }
  return {{bytes, size}, message.peer};
}

void ReceivedBatch::clear(Core& core) noexcept {
  count_ = at_ = offset_ = 0;
  shown_bytes_ = 0;
  if (buffer_) core.buffers.give_back(std::exchange(buffer_, nullptr));
}

Datagram* UnsentQueue::datagrams() noexcept {
  return buffer_ ? std::launder(reinterpret_cast<Datagram*>(buffer_->data())) : nullptr;
}

bool UnsentQueue::push(Core& core, Bytes bytes, const Address& to) noexcept {
  if (!buffer_) buffer_ = core.buffers.lend(queue_bytes);
  if (end_ == UdpSocket::queue_datagrams_max || bytes.size() > UdpSocket::queue_bytes_max - bytes_) return false;
  std::byte* place = buffer_->data() + queue_table_bytes + bytes_;
  if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
  new (buffer_->data() + end_ * sizeof(Datagram)) Datagram{.data = place, .size = bytes.size(), .peer = to};
  bytes_ += static_cast<std::uint32_t>(bytes.size());
  end_ += 1;
  return true;
}

void UnsentQueue::pop(Core& core, std::size_t count) noexcept {
  begin_ += static_cast<std::uint32_t>(count);
  if (begin_ == end_) clear(core);
}

void UnsentQueue::clear(Core& core) noexcept {
  begin_ = end_ = bytes_ = 0;
  if (buffer_) core.buffers.give_back(std::exchange(buffer_, nullptr));
}

}  // namespace parley::detail
