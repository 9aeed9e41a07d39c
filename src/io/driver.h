// Driver: the only thing that touches a kernel, real or simulated. It has completion semantics: next() takes the next
// ready event, performs the operation, and returns what came of it; no code of anybody else runs inside it.
//
// A Source says what it wants in Source::wanted. The driver looks at that before it acts, so in steady state a task
// that stops waiting and waits again costs no system call; arm() is needed only when a wanted bit is not armed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <parley/address.h>
#include <parley/detail/source.h>
#include <parley/error.h>
#include <parley/reuse_port.h>
#include <parley/socket.h>
#include "io/buffers.h"

namespace parley::detail {

struct Datagram {
  std::byte* data = nullptr;
  std::size_t size = 0;  // when receiving: the room, then what arrived
  Address peer;          // where from, or where to; Family::none on a connected socket
  // Received, and not 0: these are several datagrams of that size each (UDP_GRO); the last one may be shorter.
  std::uint16_t segment_bytes = 0;
};

class Driver {
 public:
  virtual ~Driver() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual Time now() noexcept = 0;

  // Sockets, by descriptors of this driver's own, all non-blocking.
  virtual Result<int> listen(const Address& address, int backlog, ReusePort reuse_port) = 0;
  // Begun: when writable, outcome() says how it ended. `from`: what this end is bound to before; Family::none: nothing.
  virtual Result<int> connect(const Address& address, const Address& from) = 0;
  virtual Result<int> bind_datagram(const Address& address, ReusePort reuse_port) = 0;
  virtual Result<int> connect_datagram(const Address& address) = 0;
  virtual Result<Address> local_address(int descriptor) = 0;
  virtual Result<Address> peer_address(int descriptor) = 0;
  virtual Result<void> outcome(int descriptor) = 0;  // SO_ERROR
  virtual Result<void> shutdown(int descriptor) = 0;
  virtual void close_descriptor(int descriptor) = 0;  // one that was never attached

  // A source is attached once, then armed as it wants. After release() or close() nothing more is returned for it.
  virtual Result<void> attach(Source& source) = 0;
  virtual void release(Source& source) = 0;  // the descriptor stays open and goes to somebody else
  virtual void close(Source& source, bool reset) = 0;
  virtual void arm(Source& source) = 0;  // source.wanted has a bit that source.armed lacks

  // Bytes taken or received at once; 0 sent means the kernel has no room; < 0 is -errno (-EAGAIN: nothing there).
  virtual std::ptrdiff_t send(Source& source, Bytes bytes) noexcept = 0;
  virtual std::ptrdiff_t send(Source& source, std::span<const Bytes> parts) noexcept = 0;
  virtual std::ptrdiff_t receive(Source& source, std::span<std::byte> buffer) noexcept = 0;
  // How many datagrams went or came; < 0 is -errno for the first.
  virtual std::ptrdiff_t send(Source& source, std::span<const Datagram> datagrams) noexcept = 0;
  virtual std::ptrdiff_t receive(Source& source, std::span<Datagram> datagrams) noexcept = 0;

  // The peer of the connection that next() accepted last, even if it is gone by now.
  virtual const Address& accepted_address() const noexcept = 0;

  // Waits for one completion. False: `until` has come, or an earlier one that was given before, or wake() was called;
  // look at the timers and queues. It is false once after each look at the kernel when `until` has come, whatever else
  // is ready, so that neither starves the other. An `until` of 0 does not wait.
  virtual bool next(Completion& completion, Time until) = 0;
  // The only function for any thread: next() returns false soon.
  virtual void wake() noexcept = 0;

  BufferPool* buffers = nullptr;  // of the loop: what it lends from
};

}  // namespace parley::detail
