#include "io/sim.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/sim/datagram.h"
#include "io/sim/network.h"
#include "io/sim/stream.h"

namespace parley::detail {
namespace {

constexpr Time turn_time = 1000;        // 1 µs
constexpr std::uint64_t batch_max = 8;  // what one look at a kernel might have brought

Error from_result(std::ptrdiff_t result) { return Error::from_errno(static_cast<int>(-result)); }

class SimDriver final : public Driver {
 public:
  explicit SimDriver(SimNetwork& network) : network_(network) {}
  ~SimDriver() override {
    if (buffers) network_.buffer_bytes_leaked += buffers->lent_bytes();
  }

  std::string_view name() const noexcept override { return "sim"; }
  Time now() noexcept override { return network_.now(); }

  Result<int> listen(const Address& address, int backlog, ReusePort reuse_port) override {
    return sim_listen(network_, address, backlog, reuse_port);
  }
  Result<int> connect(const Address& address, const Address& from) override {
    return sim_connect(network_, address, from);
  }
  Result<int> bind_datagram(const Address& address, ReusePort reuse_port) override {
    return sim_bind_datagram(network_, address, reuse_port);
  }
  Result<int> connect_datagram(const Address& address) override { return sim_connect_datagram(network_, address); }
  Result<Address> local_address(int descriptor) override { return network_.socket(descriptor).local; }
  Result<Address> peer_address(int descriptor) override;
  Result<void> outcome(int descriptor) override;
  Result<void> shutdown(int descriptor) override;
  void close_descriptor(int descriptor) override { network_.close(descriptor, false); }

  Result<void> attach(Source& source) override;
  void release(Source& source) override;
  void close(Source& source, bool reset) override;
  void arm(Source& source) override;

  std::ptrdiff_t send(Source& source, Bytes bytes) noexcept override { return send(source, std::span(&bytes, 1)); }
  std::ptrdiff_t send(Source& source, std::span<const Bytes> parts) noexcept override {
    return network_.socket(source.descriptor).send(parts);
  }
  std::ptrdiff_t receive(Source& source, std::span<std::byte> buffer) noexcept override {
    return network_.socket(source.descriptor).receive(buffer);
  }
  std::ptrdiff_t send(Source& source, std::span<const Datagram> datagrams) noexcept override;
  std::ptrdiff_t receive(Source& source, std::span<Datagram> datagrams) noexcept override;

  const Address& accepted_address() const noexcept override { return accepted_; }
  bool next(Completion& completion, Time until) override;
  void wake() noexcept override { woken_.store(true, std::memory_order_release); }

 private:
  struct Ready {
    Source* source;
    std::uint8_t bit;
  };

  bool take_one(Completion& completion);
  void find_ready();
  bool perform(const Ready& ready, Completion& completion);
  bool receive_lent(Source& source, Completion& completion);
  [[noreturn]] void hang(const char* why) const;

  SimNetwork& network_;
  std::vector<Source*> sources_;  // by descriptor
  std::vector<Ready> ready_;      // of one turn; a member to keep its memory
  std::uint64_t left_ = 0;        // to be taken before timers and queues have their turn again
  Address accepted_;
  std::atomic<bool> woken_ = false;
};

Result<Address> SimDriver::peer_address(int descriptor) {
  const Address peer = network_.socket(descriptor).peer();
  if (peer.family() == Family::none) return std::unexpected(Error::from_errno(ENOTCONN));
  return peer;
}

Result<void> SimDriver::outcome(int descriptor) {
  const int error = network_.socket(descriptor).take_error();
  if (error != 0) return std::unexpected(Error::from_errno(error));
  return {};
}

Result<void> SimDriver::shutdown(int descriptor) {
  const int result = network_.socket(descriptor).shutdown();
  if (result < 0) return std::unexpected(from_result(result));
  return {};
}

Result<void> SimDriver::attach(Source& source) {
  const auto place = static_cast<std::size_t>(source.descriptor);
  network_.socket(source.descriptor);  // it must be open
  if (sources_.size() <= place) sources_.resize(place + 1);
  PARLEY_CHECK(!sources_[place], "a descriptor is attached twice");
  sources_[place] = &source;
  source.armed = source.wanted;
  return {};
}

void SimDriver::release(Source& source) {
  const auto place = static_cast<std::size_t>(source.descriptor);
  PARLEY_CHECK(place < sources_.size() && sources_[place] == &source, "the source is not attached");
  sources_[place] = nullptr;
  source.armed = source.wanted = 0;
}

void SimDriver::close(Source& source, bool reset) {
  release(source);
  network_.close(std::exchange(source.descriptor, -1), reset);
}

void SimDriver::arm(Source& source) {
  const auto place = static_cast<std::size_t>(source.descriptor);
  PARLEY_CHECK(place < sources_.size() && sources_[place] == &source, "only an attached source can be armed");
  source.armed = source.wanted;
}

std::ptrdiff_t SimDriver::send(Source& source, std::span<const Datagram> datagrams) noexcept {
  SimSocket& socket = network_.socket(source.descriptor);
  std::ptrdiff_t sent = 0;
  for (const Datagram& datagram : datagrams) {
    const std::ptrdiff_t result = socket.send_datagram(datagram);
    if (result < 0) return sent > 0 ? sent : result;
    ++sent;
  }
  return sent;
}

std::ptrdiff_t SimDriver::receive(Source& source, std::span<Datagram> datagrams) noexcept {
  SimSocket& socket = network_.socket(source.descriptor);
  std::ptrdiff_t received = 0;
  for (Datagram& datagram : datagrams) {
    const std::ptrdiff_t result = socket.receive_datagram(datagram);
    if (result < 0) return received > 0 ? received : result;
    ++received;
  }
  return received;
}

bool SimDriver::next(Completion& completion, Time until) {
  if (++network_.turns >= network_.options.turns_max) hang("turns_max is reached; it seems to hang");
  network_.advance(network_.now() + turn_time);
  for (;;) {
    if (woken_.exchange(false, std::memory_order_acquire)) return false;
    if (until <= network_.now() && left_ == 0) {
      left_ = network_.chance.between(1, batch_max);
      return false;
    }
    if (left_ > 0) --left_;
    if (take_one(completion)) return true;
    left_ = 0;
    if (until <= network_.now()) return false;
    const Time event = std::min(network_.next_event(), until);
    if (event == never) hang("tasks wait, but nothing can ever happen any more");
    network_.advance(event);
  }
}

bool SimDriver::take_one(Completion& completion) {
  for (;;) {
    find_ready();
    if (ready_.empty()) return false;
    if (perform(ready_[network_.chance.below(ready_.size())], completion)) return true;
    // A connection was reset while it was accepted: that is nothing to tell, but its peer has become ready.
  }
}

// Readiness is level-triggered. What is ready but not wanted is disarmed, as a driver over epoll has to do lest it is
// told again and again; so arm() is called as often as there.
void SimDriver::find_ready() {
  ready_.clear();
  for (Source* source : sources_) {
    if (!source || source->armed == 0) continue;
    const auto ready = static_cast<std::uint8_t>(network_.socket(source->descriptor).ready() & source->armed);
    for (const std::uint8_t bit : {Source::in_bit, Source::out_bit}) {
      if ((ready & bit) == 0) continue;
      if (source->wanted & bit) {
        ready_.push_back({source, bit});
      } else {
        source->armed = static_cast<std::uint8_t>(source->armed & ~bit);
      }
    }
  }
}

bool SimDriver::perform(const Ready& ready, Completion& completion) {
  Source& source = *ready.source;
  if (ready.bit == Source::out_bit) {
    completion = {&source, 0, Done::writable};
    return true;
  }
  switch (source.reading) {
    case Reading::lent: return receive_lent(source, completion);
    case Reading::ready: completion = {&source, 0, Done::readable}; return true;
    case Reading::accept:
      completion = {&source, network_.socket(source.descriptor).accept(accepted_), Done::accepted};
      return completion.result != -EAGAIN && completion.result != -ECONNABORTED;
  }
  std::unreachable();
}

bool SimDriver::receive_lent(Source& source, Completion& completion) {
  Buffer* const had = source.in;
  if (!had) source.in = buffers->lend();
  Buffer& in = *source.in;
  const std::ptrdiff_t result =
      network_.socket(source.descriptor).receive({in.data() + in.end, in.capacity - std::size_t{in.end}});
  if (result > 0) in.end += static_cast<std::uint32_t>(result);
  if (result <= 0 && !had) buffers->give_back(std::exchange(source.in, nullptr));
  completion = {&source, static_cast<std::int32_t>(result), Done::received};
  return result != -EAGAIN;
}

void SimDriver::hang(const char* why) const {
  std::string text = "simulation, seed " + std::to_string(network_.options.seed) + ": " + why + ":";
  for (const Source* source : sources_) {
    if (!source) continue;
    text.append(" ").append(std::to_string(source->descriptor));
    text.append(" (").append(network_.socket(source->descriptor).describe()).append(")");
    if (source->wanted & Source::in_bit) text += " waits to receive";
    if (source->wanted & Source::out_bit) text += " waits to send";
    text += ";";
  }
  check_failed(__FILE__, __LINE__, text.c_str());
}

}  // namespace

std::unique_ptr<Driver> make_sim_driver(Simulation& simulation) {
  return std::make_unique<SimDriver>(simulation.network());
}

}  // namespace parley::detail
