#include "io/core.h"

#include <algorithm>
#include <utility>

#include "task/ready.h"

namespace parley::detail {

Core::Core(Result<std::unique_ptr<Driver>> made, const LoopOptions& loop_options)
    : options(loop_options),
      buffers({loop_options.receive_buffer_bytes, loop_options.lent_bytes_max, loop_options.kept_bytes_max}),
      helper(*this, loop_options.handshake_thread) {
  if (made) {
    driver = std::move(*made);
    driver->buffers = &buffers;
  } else {
    failure_ = made.error();
  }
}

Core::~Core() {
  helper.stop();
  cancel(*this, trimming_);
  std::exchange(posted_, {}).clear();  // it may own streams, which linger then
  while (Lingering* stream = lingering.first()) stream->give_up();
}

namespace {

thread_local Core* running_here = nullptr;

// One may be run inside another's task.
class Running {
 public:
  explicit Running(Core& core) noexcept : before_(std::exchange(running_here, &core)) {}
  ~Running() { running_here = before_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Core* const before_;
};

}  // namespace

Core* Core::running() noexcept { return running_here; }

[[gnu::hot]] Result<void> Core::run(const bool& done) {
  if (!driver) return std::unexpected(failure_);
  const Running running(*this);
  Completion completion{};
  // What closed streams still have to send leaves too; each of them has its own limit of time.
  while (!done || !lingering.empty()) {
    if (ready_first_) run_ready();
    if (done && lingering.empty()) break;
    if (unflushed.first()) end_turn();
    if (buffers.has_excess() && !trimming_.pending()) [[unlikely]]
      start(*this, trimming_, std::chrono::seconds(1));
    const bool more = ready_first_ || helper.wants_turn() || !slices.empty() || !gathering.empty() ||
                      has_posted_.load(std::memory_order_relaxed);
    if (driver->next(completion, more ? 0 : timers.next_due())) [[likely]] {
      completion.source->completed(completion);
      flush_cork();
    } else {
      run_timers();
      run_posted();
      helper.turn();
      slices.turn(*this);
      end_round();
    }
  }
  while (!gathering.empty()) end_round();
  end_turn();
  return {};
}

void Core::end_turn() noexcept {
  while (Unflushed* who = unflushed.first()) {
    who->unlist();
    who->turn_ended();
  }
}

void Core::end_round() noexcept {
  List<Unflushed> those;
  while (Unflushed* who = gathering.first()) {
    who->unlist();
    those.push_front(*who);
  }
  while (Unflushed* who = those.first()) {
    who->unlist();
    who->turn_ended();
  }
}

// What is ready now; what becomes ready meanwhile waits for the next turn, so that the kernel is asked in between.
[[gnu::hot]] void Core::run_ready() noexcept {
  Context* const last = ready_last_;
  for (;;) {
    Context* context = ready_first_;
    ready_first_ = context->next_;
    if (!ready_first_) ready_last_ = nullptr;
    context->queued_ = false;
    context->pending_ = nullptr;
    context->waiter_.resume();  // may destroy the context
    flush_cork();
    if (context == last) return;
  }
}

void Core::run_timers() noexcept {
  if (timers.next_due() == never) return;
  const Time now = driver->now();
  // Not without end: what fires may start others that are due at once, as the two ends of a pipe do for each other.
  for (unsigned fired = 0; fired < share_max; ++fired) {
    Timer* timer = timers.take_due(now);
    if (!timer) return;
    timer->fire(*timer);
    flush_cork();
  }
}

void Core::run_posted() noexcept {
  if (!has_posted_.load(std::memory_order_acquire)) return;
  std::vector<std::move_only_function<void()>> work;
  {
    std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (auto& function : work) {
    function();
    flush_cork();
  }
}

void Core::post(std::move_only_function<void()> work) {
  // Under the lock: once `work` runs, the loop may end and be destroyed.
  std::lock_guard lock(posted_mutex_);
  posted_.push_back(std::move(work));
  const bool first = !has_posted_.exchange(true, std::memory_order_release);
  if (first && driver) driver->wake();
}

void Core::enqueue(Context& context) noexcept {
  context.next_ = nullptr;
  context.queued_ = true;
  (ready_last_ ? ready_last_->next_ : ready_first_) = &context;
  ready_last_ = &context;
}

void Core::descriptor_freed() noexcept {
  while (Starved* who = starved.first()) {
    who->unlist();
    who->try_again();
  }
}

void enqueue(Core& core, Context& context) noexcept { core.enqueue(context); }

void set_failing(Core& core, bool failing) noexcept { core.failing = failing; }

void start(Core& core, Timer& timer, Duration after) noexcept {
  const Time now = core.driver->now();
  core.timers.add(timer, after.count() < never - now ? now + std::max<Time>(after.count(), 0) : never - 1);
}

void cancel(Core& core, Timer& timer) noexcept {
  if (timer.pending()) core.timers.remove(timer);
}

}  // namespace parley::detail
