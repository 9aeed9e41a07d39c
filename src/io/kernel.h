// KernelDriver: what the drivers of the kernel have in common, sockets and the calls on them. They differ in how they
// wait.
#pragma once

#include <sys/socket.h>

#include <cerrno>

#include "io/driver.h"

namespace parley::detail {

class KernelDriver : public Driver {
 public:
  explicit KernelDriver(int wake_event) noexcept : wake_event_(wake_event) {}
  ~KernelDriver() override;

  Time now() noexcept override;
  void wake() noexcept final;

  Result<int> listen(const Address& address, int backlog, ReusePort reuse_port) override;
  Result<int> connect(const Address& address, const Address& from) override;
  Result<int> bind_datagram(const Address& address, ReusePort reuse_port) override;
  Result<int> connect_datagram(const Address& address) override;
  Result<Address> local_address(int descriptor) override;
  Result<Address> peer_address(int descriptor) override;
  Result<void> outcome(int descriptor) override;
  Result<void> shutdown(int descriptor) override;
  void close_descriptor(int descriptor) override;

  std::ptrdiff_t send(Source& source, Bytes bytes) noexcept override;
  std::ptrdiff_t send(Source& source, std::span<const Bytes> parts) noexcept override;
  std::ptrdiff_t receive(Source& source, std::span<std::byte> buffer) noexcept override {
    for (;;) {
      const std::ptrdiff_t received = result_of(recv(source.descriptor, buffer.data(), buffer.size(), 0));
      if (received != -EINTR) return received;
    }
  }
  std::ptrdiff_t send(Source& source, std::span<const Datagram> datagrams) noexcept override;
  std::ptrdiff_t receive(Source& source, std::span<Datagram> datagrams) noexcept override;

  const Address& accepted_address() const noexcept override { return accepted_address_; }

 protected:
  static constexpr unsigned accepts_max = 64;  // before others have their turn

  // none: nobody waits. again: who waited is gone, there may be more. The others leave a completion.
  enum class Accepting { one, none, again, failed };
  Accepting accept(Source& source, Completion& completion) noexcept;

  // Into the source's own buffer, or one that is lent to it. False: there is nothing. Inline, as receive() is, so that
  // the system call lies in the driver's next().
  bool receive_lent(Source& source, Completion& completion) noexcept {
    Buffer* buffer = source.in ? source.in : buffers->lend();
    const std::ptrdiff_t received =
        KernelDriver::receive(source, std::span(buffer->data() + buffer->end, buffer->capacity - buffer->end));
    if (received > 0) [[likely]] {
      buffer->end += static_cast<std::uint32_t>(received);
      source.in = buffer;
    } else {
      if (!source.in) buffers->give_back(buffer);
      if (received == -EAGAIN) return false;
    }
    completion = {&source, static_cast<std::int32_t>(received), Done::received};
    return true;
  }

  void close_now(Source& source, bool reset) noexcept;

  // What wake() writes to, an eventfd(2): wait for it to be readable, then still it.
  int wake_event() const noexcept { return wake_event_; }
  void still() noexcept;

  static std::ptrdiff_t result_of(std::ptrdiff_t returned) noexcept { return returned < 0 ? -errno : returned; }

 private:
  const int wake_event_;
  Address accepted_address_;
};

// A KernelDriver's wake event: it owns it.
Result<int> make_wake_event() noexcept;

}  // namespace parley::detail
