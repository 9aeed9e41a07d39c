#include "io/uring.h"

#include <cerrno>

#ifdef PARLEY_IO_URING
#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/kernel.h"
#include "io/uring_buffers.h"

namespace parley::detail {
namespace {

constexpr unsigned submissions_max = 512;  // before a system call is made for them
constexpr unsigned completions_max = 4096;
// After so many receives that would have fitted into one, a large reader is a small one again.
constexpr unsigned small_receives_max = 16;

enum class Request : std::uint8_t { none, poll, receive };

// What a completion of the kernel's belongs to: its user_data.
enum class Kin : std::uint64_t { in, out, wake, cancel };

constexpr int nothing = 1;  // no receive ends with it

// A descriptor. It outlives its source as long as the kernel has something of it.
struct Slot {
  Source* source = nullptr;
  Buffer* first = nullptr;  // received, and not yet given out
  Buffer* last = nullptr;
  int ended = nothing;           // how receiving ended after that: 0 or -errno
  std::uint32_t generation = 0;  // of the source: what was asked for an earlier one is not this one's
  Request in = Request::none;    // what the kernel was asked for
  bool out = false;              // likewise, a poll
  bool cancelled = false;        // `in` is on its way out
  bool readable = false;         // a poll said so
  bool writable = false;
  bool is_ready = false;      // listed in ready_
  bool is_unsettled = false;  // listed in unsettled_
  bool is_large = false;      // a buffer of the ring was too small: it receives into one of the usual size
  std::uint8_t small_receives = 0;

  bool has_received() const noexcept { return first || ended != nothing; }
};

class Uring final : public KernelDriver {
 public:
  explicit Uring(int wake_event) noexcept : KernelDriver(wake_event) {}
  ~Uring() override;
  Result<void> open() noexcept;

  std::string_view name() const noexcept override { return "io_uring"; }

  Result<void> attach(Source& source) override;
  void release(Source& source) override;
  void close(Source& source, bool reset) override;
  void arm(Source& source) override { unsettle(source.descriptor); }
  void close_descriptor(int descriptor) override;

  using KernelDriver::receive;
  std::ptrdiff_t receive(Source& source, std::span<std::byte> buffer) noexcept override;

  bool next(Completion& completion, Time until) override;

 private:
  bool fill(Time until) noexcept;
  void enable() noexcept;
  io_uring_sqe* room() noexcept;  // null: the kernel takes no more
  io_uring_sqe& submission() noexcept;
  void submit_now() noexcept;

  Slot& slot_of(const Source& source) noexcept { return slots_[static_cast<std::size_t>(source.descriptor)]; }
  void unsettle(int descriptor);
  void ready(int descriptor);
  void settle(int descriptor) noexcept;
  void ask_to_read(Slot& slot, int descriptor) noexcept;
  void withdraw(Slot& slot, int descriptor) noexcept;
  void drop_received(Slot& slot) noexcept;

  void harvest() noexcept;
  void completed(const io_uring_cqe& entry) noexcept;
  void completed_receive(Slot& slot, const io_uring_cqe& entry) noexcept;

  bool take(Completion& completion) noexcept;
  bool take_in(Slot& slot, Completion& completion) noexcept;
  bool take_accepted(Slot& slot, Completion& completion) noexcept;
  bool take_received(Slot& slot, Completion& completion) noexcept;
  std::size_t copy_received(Slot& slot, std::span<std::byte> room) noexcept;

  io_uring ring_{};
  bool is_open_ = false;
  bool is_enabled_ = false;
  bool wake_asked_ = false;
  bool woken_ = false;
  unsigned accepts_ = 0;
  UringBuffers ring_buffers_;
  std::vector<Slot> slots_;     // by descriptor
  std::vector<int> ready_;      // descriptors of which something may be given out
  std::size_t at_ = 0;          // the first of them
  std::vector<int> unsettled_;  // of which the kernel may have to be asked something before the next wait
  std::vector<int> settling_;
};

std::uint64_t tag(Kin kin, std::uint32_t generation = 0, int descriptor = 0) noexcept {
  return std::uint64_t(kin) << 62 | std::uint64_t{generation & 0x3fff'ffff} << 32 |
         static_cast<std::uint32_t>(descriptor);
}

Uring::~Uring() {
  if (is_open_) io_uring_queue_exit(&ring_);
  for (Slot& slot : slots_) drop_received(slot);
  if (buffers) ring_buffers_.give_back(*buffers);
}

// DEFER_TASKRUN: completions come only when next() asks, so between two calls of it nothing is received behind its
// back, and a receive() by hand keeps the order. R_DISABLED: the ring is bound to the thread that enables it, not to
// this one.
Result<void> Uring::open() noexcept {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  parameters.cq_entries = completions_max;
  const int result = io_uring_queue_init_params(submissions_max, &ring_, &parameters);
  if (result < 0) return std::unexpected(Error::from_errno(-result));
  is_open_ = true;
  return {};
}

void Uring::enable() noexcept {
  is_enabled_ = true;
  // io_uring_enable_rings() is declared by liburing 2.3, but not exported.
  const auto result = syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  PARLEY_CHECK(result == 0, "io_uring refused to begin");
}

io_uring_sqe* Uring::room() noexcept {
  if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) [[likely]]
    return entry;
  io_uring_submit(&ring_);
  return io_uring_get_sqe(&ring_);
}

io_uring_sqe& Uring::submission() noexcept {
  io_uring_sqe* entry = room();
  PARLEY_CHECK(entry != nullptr, "io_uring takes no submissions");
  return *entry;
}

// ---- What is asked of the kernel

void Uring::unsettle(int descriptor) {
  Slot& slot = slots_[static_cast<std::size_t>(descriptor)];
  slot.source->armed = slot.source->wanted;
  if (!std::exchange(slot.is_unsettled, true)) unsettled_.push_back(descriptor);
}

void Uring::ready(int descriptor) {
  Slot& slot = slots_[static_cast<std::size_t>(descriptor)];
  if (!std::exchange(slot.is_ready, true)) ready_.push_back(descriptor);
}

Result<void> Uring::attach(Source& source) {
  const auto index = static_cast<std::size_t>(source.descriptor);
  if (slots_.size() <= index) slots_.resize(std::max(index + 1, slots_.size() * 2));
  slots_[index].source = &source;
  unsettle(source.descriptor);
  return {};
}

// Asks for what the source wants and the kernel has not been asked for.
void Uring::settle(int descriptor) noexcept {
  Slot& slot = slots_[static_cast<std::size_t>(descriptor)];
  slot.is_unsettled = false;
  Source* const source = slot.source;
  if (!source) return;
  source->armed = source->wanted;
  if ((source->wanted & Source::out_bit) && !slot.out) {
    slot.out = true;
    io_uring_sqe& entry = submission();
    io_uring_prep_poll_add(&entry, descriptor, POLLOUT);
    entry.user_data = tag(Kin::out, slot.generation, descriptor);
  }
  if (source->wanted & Source::in_bit) {
    if (slot.has_received()) return ready(descriptor);
    if (slot.in == Request::none) return ask_to_read(slot, descriptor);
  }
  const bool takes_buffers = source->reading == Reading::lent && !slot.is_large;
  const bool is_behind = !(source->wanted & Source::in_bit) && slot.has_received();
  if (slot.in == Request::receive && !slot.cancelled && (!takes_buffers || is_behind)) {
    slot.cancelled = true;
    io_uring_sqe& entry = submission();
    io_uring_prep_cancel64(&entry, tag(Kin::in, slot.generation, descriptor), 0);
    entry.user_data = tag(Kin::cancel);
  }
}

void Uring::ask_to_read(Slot& slot, int descriptor) noexcept {
  const bool takes_buffers = slot.source->reading == Reading::lent && !slot.is_large;
  io_uring_sqe& entry = submission();
  slot.cancelled = false;
  if (takes_buffers && ring_buffers_.open(ring_, *buffers)) {
    slot.in = Request::receive;
    io_uring_prep_recv_multishot(&entry, descriptor, nullptr, 0, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = UringBuffers::group;
  } else {
    slot.in = Request::poll;
    io_uring_prep_poll_add(&entry, descriptor, POLLIN);
  }
  entry.user_data = tag(Kin::in, slot.generation, descriptor);
}

void Uring::submit_now() noexcept {
  if (!is_enabled_) return;
  io_uring_submit_and_get_events(&ring_);
  harvest();
}

// Nothing is asked for the descriptor any more, and what comes of earlier requests is nobody's. A request holds its
// file: without this the peer would not be told of a close().
void Uring::withdraw(Slot& slot, int descriptor) noexcept {
  // There is no room when the loop has run in a thread that ended: then the ring's own end does it.
  if (io_uring_sqe* entry = slot.in != Request::none || slot.out ? room() : nullptr) {
    io_uring_prep_cancel_fd(entry, descriptor, IORING_ASYNC_CANCEL_ALL);
    entry->user_data = tag(Kin::cancel);
    submit_now();
  }
  ++slot.generation;
  slot.in = Request::none;
  slot.out = slot.cancelled = slot.readable = slot.writable = false;
  if (slot.source) slot.source->armed = slot.source->wanted = 0;
  slot.source = nullptr;
}

void Uring::drop_received(Slot& slot) noexcept {
  while (Buffer* buffer = slot.first) {
    slot.first = buffer->next;
    buffers->give_back(buffer);
  }
  slot.last = nullptr;
  slot.ended = nothing;
  slot.is_large = false;
}

// What has been received stays for the descriptor's next source.
void Uring::release(Source& source) { withdraw(slot_of(source), source.descriptor); }

void Uring::close(Source& source, bool reset) {
  Slot& slot = slot_of(source);
  withdraw(slot, source.descriptor);
  drop_received(slot);
  close_now(source, reset);
}

void Uring::close_descriptor(int descriptor) {
  const auto index = static_cast<std::size_t>(descriptor);
  if (index < slots_.size()) drop_received(slots_[index]);
  ::close(descriptor);
}

// ---- What comes of it

[[gnu::hot]] bool Uring::next(Completion& completion, Time until) {
  for (;;) {
    while (at_ < ready_.size()) {
      if (take(completion)) return true;
    }
    ready_.clear();
    at_ = 0;
    if (std::exchange(woken_, false)) return false;
    if (!fill(until)) return false;
  }
}

// Asks the kernel. False if `until` has come; what is ready waits for the following call.
bool Uring::fill(Time until) noexcept {
  if (!is_enabled_) enable();
  if (!std::exchange(wake_asked_, true)) {
    io_uring_sqe& entry = submission();
    io_uring_prep_poll_add(&entry, wake_event(), POLLIN);
    entry.user_data = tag(Kin::wake);
  }
  settling_.swap(unsettled_);
  for (const int descriptor : settling_) settle(descriptor);
  settling_.clear();
  const Time left = until == never ? never : until == 0 ? 0 : until - now();
  int result = 0;
  if (!ready_.empty() || left <= 0) {
    result = io_uring_submit_and_get_events(&ring_);
  } else if (until == never) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec time{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    io_uring_cqe* unused = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring_, &unused, 1, &time, nullptr);
  }
  PARLEY_CHECK(result != -EEXIST, "a Loop over io_uring was run by two threads");
  harvest();
  return until == never || (until != 0 && now() < until);
}

void Uring::harvest() noexcept {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    completed(*entry);
    ++count;
  }
  io_uring_cq_advance(&ring_, count);
}

[[gnu::hot]] void Uring::completed(const io_uring_cqe& entry) noexcept {
  const auto kin = static_cast<Kin>(entry.user_data >> 62);
  const auto descriptor = static_cast<int>(entry.user_data & 0xffff'ffff);
  if (kin == Kin::cancel) return;
  if (kin == Kin::wake) {
    still();
    wake_asked_ = false;
    woken_ = true;
    return;
  }
  Slot& slot = slots_[static_cast<std::size_t>(descriptor)];
  if (entry.user_data != tag(kin, slot.generation, descriptor)) {
    if (entry.flags & IORING_CQE_F_BUFFER) ring_buffers_.provide(entry.flags >> IORING_CQE_BUFFER_SHIFT);
    return;
  }
  ready(descriptor);
  if (kin == Kin::out) {
    slot.out = false;
    slot.writable = true;
  } else if (slot.in == Request::poll) {
    slot.in = Request::none;
    slot.readable = true;
  } else {
    completed_receive(slot, entry);
  }
}

[[gnu::hot]] void Uring::completed_receive(Slot& slot, const io_uring_cqe& entry) noexcept {
  if (entry.res > 0) {
    Buffer* buffer = ring_buffers_.take(entry.flags >> IORING_CQE_BUFFER_SHIFT, *buffers);
    buffer->end = static_cast<std::uint32_t>(entry.res);
    buffer->next = nullptr;
    (slot.first ? slot.last->next : slot.first) = buffer;
    slot.last = buffer;
    if (buffer->end == buffer->capacity) slot.is_large = true;
  }
  if (entry.flags & IORING_CQE_F_MORE) return;
  slot.in = Request::none;
  if (entry.res <= 0 && entry.res != -ECANCELED && entry.res != -ENOBUFS) slot.ended = entry.res;
}

// The first of what is ready; false if nothing came of it.
[[gnu::hot]] bool Uring::take(Completion& completion) noexcept {
  const int descriptor = ready_[at_];
  Slot& slot = slots_[static_cast<std::size_t>(descriptor)];
  if (Source* source = slot.source) {
    if (std::exchange(slot.writable, false) && (source->wanted & Source::out_bit)) {
      completion = {source, 0, Done::writable};
      return true;
    }
    if ((source->wanted & Source::in_bit) && take_in(slot, completion)) return true;
    slot.readable = false;
    unsettle(descriptor);
  }
  slot.is_ready = false;
  ++at_;
  return false;
}

[[gnu::hot]] bool Uring::take_in(Slot& slot, Completion& completion) noexcept {
  Source& source = *slot.source;
  if (!slot.readable && !slot.has_received()) return false;
  if (source.reading == Reading::accept) return take_accepted(slot, completion);
  if (source.reading == Reading::ready) {
    slot.readable = false;
    slot.is_ready = false;
    ++at_;
    unsettle(source.descriptor);
    completion = {&source, 0, Done::readable};
    return true;
  }
  if (slot.has_received()) return take_received(slot, completion);
  slot.readable = false;
  if (!receive_lent(source, completion)) return false;
  if (completion.result >= static_cast<std::int32_t>(UringBuffers::buffer_bytes)) {
    slot.small_receives = 0;
  } else if (++slot.small_receives == small_receives_max) {
    slot.small_receives = 0;
    slot.is_large = false;
  }
  return true;
}

// accept4() after a poll: a multishot accept does not say who it was, and one who is gone cannot be asked.
bool Uring::take_accepted(Slot& slot, Completion& completion) noexcept {
  for (;;) {
    const Accepting outcome = accept(*slot.source, completion);
    if (outcome == Accepting::again) continue;
    if (outcome != Accepting::one || ++accepts_ % accepts_max == 0) slot.readable = false;
    return outcome != Accepting::none;
  }
}

[[gnu::hot]] bool Uring::take_received(Slot& slot, Completion& completion) noexcept {
  Source& source = *slot.source;
  if (!slot.first) {
    completion = {&source, std::exchange(slot.ended, nothing), Done::received};
    return true;
  }
  std::size_t size = 0;
  if (source.in) {
    size = copy_received(slot, {source.in->data() + source.in->end, source.in->capacity - source.in->end});
    source.in->end += static_cast<std::uint32_t>(size);
  } else {
    source.in = slot.first;
    slot.first = source.in->next;
    size = source.in->unread().size();
  }
  completion = {&source, static_cast<std::int32_t>(size), Done::received};
  return true;
}

std::size_t Uring::copy_received(Slot& slot, std::span<std::byte> room) noexcept {
  std::size_t total = 0;
  while (slot.first && total < room.size()) {
    Buffer& buffer = *slot.first;
    const Bytes part = buffer.unread().first(std::min(buffer.unread().size(), room.size() - total));
    std::memcpy(room.data() + total, part.data(), part.size());
    total += part.size();
    buffer.begin += static_cast<std::uint32_t>(part.size());
    if (buffer.begin < buffer.end) break;
    slot.first = buffer.next;
    buffers->give_back(&buffer);
  }
  return total;
}

[[gnu::hot]] std::ptrdiff_t Uring::receive(Source& source, std::span<std::byte> buffer) noexcept {
  Slot& slot = slot_of(source);
  if (slot.first) return static_cast<std::ptrdiff_t>(copy_received(slot, buffer));
  if (slot.ended != nothing) return std::exchange(slot.ended, nothing);
  return KernelDriver::receive(source, buffer);
}

}  // namespace

Result<std::unique_ptr<Driver>> make_uring() {
  const Result<int> wake_event = make_wake_event();
  if (!wake_event) return std::unexpected(wake_event.error());
  auto driver = std::make_unique<Uring>(*wake_event);
  if (auto opened = driver->open(); !opened) return std::unexpected(opened.error());
  return driver;
}

}  // namespace parley::detail

#else

namespace parley::detail {

Result<std::unique_ptr<Driver>> make_uring() { return std::unexpected(Error::from_errno(ENOSYS)); }

}  // namespace parley::detail

#endif
