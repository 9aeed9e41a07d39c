// The two queues of a UdpSocket, each in a buffer that the loop lends while there is something in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <parley/udp.h>
#include "io/core.h"

namespace parley::detail {

// What one system call received, handed out one by one.
class ReceivedBatch {
 public:
  ReceivedBatch() = default;
  ReceivedBatch(const ReceivedBatch&) = delete;
  ReceivedBatch& operator=(const ReceivedBatch&) = delete;

  // More than 0: that many messages came; < 0: -errno. Only when is_over().
  std::ptrdiff_t receive(Core& core, Source& source) noexcept;
  bool is_over() const noexcept { return at_ == count_; }
  // The next one; its bytes stay until clear() or receive(). Only when not is_over().
  parley::Datagram next() noexcept;
  void clear(Core& core) noexcept;

 private:
  static constexpr std::uint32_t rooms_min = 2;

  Datagram* messages() noexcept;

  Buffer* buffer_ = nullptr;
  std::uint32_t rooms_ = rooms_min;  // that the next call is given
  std::uint32_t count_ = 0;
  std::uint32_t at_ = 0;
  std::uint32_t offset_ = 0;    // in the message at_, when it holds several datagrams
  std::byte* shown_ = nullptr;  // by the last next(): nobody may look at it after the following one
  std::size_t shown_bytes_ = 0;
};

// What send() took and the kernel has not.
class UnsentQueue {
 public:
  UnsentQueue() = default;
  UnsentQueue(const UnsentQueue&) = delete;
  UnsentQueue& operator=(const UnsentQueue&) = delete;

  // Copies it. False if there is no room: what has room is an empty queue, or one to whose end it still fits.
  bool push(Core& core, Bytes bytes, const Address& to) noexcept;
  bool empty() const noexcept { return buffer_ == nullptr; }
  std::span<const Datagram> all() noexcept { return {datagrams() + begin_, end_ - begin_}; }
  void pop(Core& core, std::size_t count) noexcept;
  void clear(Core& core) noexcept;

 private:
  Datagram* datagrams() noexcept;

  Buffer* buffer_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t bytes_ = 0;
};

}  // namespace parley::detail
