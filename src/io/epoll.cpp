#include "io/epoll.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "io/kernel.h"

namespace parley::detail {
namespace {

constexpr std::size_t events_max = 1024;  // taken from the kernel at once
constexpr std::uint32_t failed_bits = EPOLLERR | EPOLLHUP;
constexpr unsigned accepts_more = 4;  // so many in a row, and one more is asked for at once

// What is due later than this is left to a timer that is set once, however often the kernel is asked meanwhile: a limit
// of time for each wait costs two looks at the clock, and a timer of the kernel's own for each wait that sleeps.
constexpr Time timer_after = 10'000'000;

std::uint32_t kernel_bits(std::uint8_t wanted) noexcept {
  // With nothing wanted the kernel would still report a hang-up again and again; edge-triggered it does so once.
  if (!wanted) return EPOLLET;
  return (wanted & Source::in_bit ? EPOLLIN : 0u) | (wanted & Source::out_bit ? EPOLLOUT : 0u);
}

class Epoll final : public KernelDriver {
 public:
  Epoll(int epoll, int wake_event, int timer) noexcept : KernelDriver(wake_event), epoll_(epoll), timer_(timer) {}
  ~Epoll() override {
    if (timer_ >= 0) ::close(timer_);
    ::close(epoll_);
  }

  std::string_view name() const noexcept override { return "epoll"; }

  // What ends its waits besides sources.
  Result<void> watch_itself() noexcept;

  Result<void> attach(Source& source) override;
  void release(Source& source) override;
  void close(Source& source, bool reset) override;
  void arm(Source& source) override;

  bool next(Completion& completion, Time until) override;

 private:
  bool fill(Time until) noexcept;
  bool set_timer(Time due) noexcept;
  int wait(Time time) noexcept;
  bool take(Completion& completion) noexcept;
  bool take_accepted(Source& source, Completion& completion) noexcept;
  void set(Source& source) noexcept;
  void forget(Source& source) noexcept;

  const int epoll_;
  const int timer_;         // a timerfd(2), or -1: it was refused
  Time timer_due_ = never;  // what it is set to; its address marks the timer's events
  int count_ = 0;
  int at_ = 0;
  bool wrote_ = false;      // the event at_ has been given out as writable; its other half follows
  bool woken_ = false;      // by wake(), or by the timer
  bool is_precise_ = true;  // epoll_pwait2() is there: Linux 5.11, and not every sandbox
  unsigned accepted_ = 0;   // in a row, without asking in vain
  unsigned at_once_ = 0;    // of the event at_
  std::array<epoll_event, events_max> events_;
};

// Nobody reads the timer: a new edge comes each time that it has run out.
Result<void> Epoll::watch_itself() noexcept {
  epoll_event wake{.events = EPOLLIN, .data = {.ptr = this}};
  epoll_event timer{.events = EPOLLIN | EPOLLET, .data = {.ptr = &timer_due_}};
  const bool watched = epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_event(), &wake) == 0 &&
                       (timer_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &timer) == 0);
  if (!watched) return std::unexpected(Error::from_errno(errno));
  return {};
}

Result<void> Epoll::attach(Source& source) {
  epoll_event event{.events = kernel_bits(source.wanted), .data = {.ptr = &source}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, source.descriptor, &event) != 0) {
    return std::unexpected(Error::from_errno(errno));
  }
  source.armed = source.wanted;
  return {};
}

// No event of this batch may be given out for it any more.
void Epoll::forget(Source& source) noexcept {
  for (int i = at_; i < count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &source) event.data.ptr = nullptr;
  }
  source.armed = source.wanted = 0;
}

void Epoll::release(Source& source) {
  forget(source);
  epoll_event unused{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, source.descriptor, &unused);
}

void Epoll::close(Source& source, bool reset) {
  release(source);  // close() alone does not end it while a process forked meanwhile has the descriptor too
  close_now(source, reset);
}

void Epoll::set(Source& source) noexcept {
  epoll_event event{.events = kernel_bits(source.wanted), .data = {.ptr = &source}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, source.descriptor, &event);
  source.armed = source.wanted;
}

void Epoll::arm(Source& source) { set(source); }

[[gnu::hot]] bool Epoll::next(Completion& completion, Time until) {
  for (;;) {
    while (at_ < count_ && !woken_) {
      if (take(completion)) return true;
    }
    if (woken_) {
      woken_ = false;
      return false;
    }
    if (!fill(until)) return false;
  }
}

// Asks the kernel. False if `until` has come, as far as the timer's own event does not tell that; the events wait for
// the following call.
bool Epoll::fill(Time until) noexcept {
  at_ = 0;
  if (until == 0) {
    count_ = std::max(epoll_wait(epoll_, events_.data(), events_max, 0), 0);
    return false;
  }
  if (until < timer_due_) {
    const Time left = until - now();
    if (left < timer_after || !set_timer(until)) {
      count_ = std::max(wait(std::max<Time>(left, 0)), 0);
      return now() < until;
    }
  }
  count_ = std::max(epoll_wait(epoll_, events_.data(), events_max, -1), 0);
  // There may be more, and the timer's event behind it.
  return count_ < static_cast<int>(events_max) || now() < until;
}

bool Epoll::set_timer(Time due) noexcept {
  const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = due / 1'000'000'000, .tv_nsec = due % 1'000'000'000}};
  if (timer_ < 0 || timerfd_settime(timer_, TFD_TIMER_ABSTIME, &once, nullptr) != 0) return false;
  timer_due_ = due;
  return true;
}

int Epoll::wait(Time time) noexcept {
  if (is_precise_) [[likely]] {
    const timespec limit{.tv_sec = time / 1'000'000'000, .tv_nsec = time % 1'000'000'000};
    const int count = epoll_pwait2(epoll_, events_.data(), events_max, &limit, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    is_precise_ = false;
  }
  constexpr Time unit = 1'000'000;
  const auto milliseconds = static_cast<int>(std::min<Time>((time + unit - 1) / unit, INT32_MAX));
  return epoll_wait(epoll_, events_.data(), events_max, milliseconds);
}

// Performs the event at_, or half of it; false if nothing came of it.
[[gnu::hot]] bool Epoll::take(Completion& completion) noexcept {
  const epoll_event& event = events_[static_cast<std::size_t>(at_)];
  if (event.data.ptr == this) [[unlikely]] {
    still();
    woken_ = true;
    ++at_;
    return false;
  }
  if (event.data.ptr == &timer_due_) [[unlikely]] {
    timer_due_ = never;
    woken_ = true;
    ++at_;
    return false;
  }
  auto* source = static_cast<Source*>(event.data.ptr);
  if (!source) {
    ++at_;
    wrote_ = false;
    return false;
  }
  const std::uint32_t bits = event.events;
  if (!wrote_ && (source->wanted & Source::out_bit) && (bits & (EPOLLOUT | failed_bits))) [[unlikely]] {
    wrote_ = true;
    completion = {source, 0, Done::writable};
    return true;
  }
  wrote_ = false;
  if ((source->wanted & Source::in_bit) && (bits & (EPOLLIN | failed_bits))) [[likely]] {
    if (source->reading == Reading::accept) return take_accepted(*source, completion);
    ++at_;
    if (source->reading == Reading::lent) [[likely]]
      return receive_lent(*source, completion);
    completion = {source, 0, Done::readable};
    return true;
  }
  ++at_;
  if (source->armed & ~source->wanted) set(*source);  // nobody waits for that any more
  return false;
}

// Stays at this event until the backlog is empty, nobody wants more, or it is others' turn. A connection that comes
// alone is to cost one system call and not a second one that finds nothing: the more came in a row, the more are asked
// for, and of what is left the kernel tells again.
bool Epoll::take_accepted(Source& source, Completion& completion) noexcept {
  const Accepting outcome = accept(source, completion);
  if (outcome == Accepting::again) return false;
  accepted_ = outcome == Accepting::one ? accepted_ + 1 : 0;
  if (++at_once_ >= std::min(accepted_ / accepts_more + 1, accepts_max) || outcome != Accepting::one) {
    at_once_ = 0;
    ++at_;
  }
  return outcome != Accepting::none;
}

}  // namespace

Result<std::unique_ptr<Driver>> make_epoll() {
  const Result<int> wake_event = make_wake_event();
  if (!wake_event) return std::unexpected(wake_event.error());
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    const int error = errno;
    ::close(*wake_event);
    return std::unexpected(Error::from_errno(error));
  }
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  auto driver = std::make_unique<Epoll>(epoll, *wake_event, timer);
  if (auto done = driver->watch_itself(); !done) return std::unexpected(done.error());
  return driver;
}

}  // namespace parley::detail
