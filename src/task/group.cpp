#include <new>

#include <parley/task.h>

#include "base/check.h"
#include "task/ready.h"

namespace parley {

using detail::Context;

struct TaskGroup::Member : Context {
  Member(TaskGroup& group, Member* before) noexcept : Context(group), next(before) {
    if (next) next->previous = this;
  }

  static void* operator new(std::size_t bytes) { return detail::frame_allocate(bytes); }
  static void operator delete(void* member, std::size_t bytes) noexcept { detail::frame_free(member, bytes); }

  Member* next;
  Member* previous = nullptr;
};

TaskGroup::TaskGroup(Loop& loop) noexcept : Home(detail::core_of(loop)) {}

TaskGroup::~TaskGroup() {
  PARLEY_CHECK(size_ == 0, "a TaskGroup was destroyed before its tasks ended: co_await join() first");
}

void TaskGroup::spawn(Task<> task) {
  auto* member = new Member(*this, first_);  // owned: finished() deletes it
  first_ = member;
  size_ += 1;
  member->stop(stop_);
  auto frame = task.release();
  frame.promise().context = member;
  member->start(frame);
}

void TaskGroup::stop(Stop level) noexcept {
  if (level <= stop_) return;
  stop_ = level;
  for (Member* member = first_; member; member = member->next) member->stop(level);
}

void TaskGroup::finished(Context& context, std::coroutine_handle<> root) noexcept {
  auto* member = static_cast<Member*>(&context);
  const bool failed = context.thrown;
  if (failed) [[unlikely]]
    thrown(detail::take_exception());
  if (failed) [[unlikely]]
    detail::set_failing(core, true);
  root.destroy();
  if (failed) [[unlikely]]
    detail::set_failing(core, false);
  (member->previous ? member->previous->next : first_) = member->next;
  if (member->next) member->next->previous = member->previous;
  delete member;  // owned: by this group
  size_ -= 1;
  if (waiter_ && size_ <= wanted_) std::exchange(waiter_, nullptr)->ready();
}

void TaskGroup::thrown(std::exception_ptr exception) noexcept {
  if (!exception_) exception_ = std::move(exception);
  stop(Stop::all);
}

void TaskGroup::stop(Context& context, Stop level, Errc reason) noexcept {
  if (joining_) return stop(level);
  waiter_ = nullptr;
  context.ready(Error{reason, 0});
}

TaskGroup::Left TaskGroup::at_most(std::size_t count) noexcept { return Left(*this, count, false); }
TaskGroup::Left TaskGroup::join() noexcept { return Left(*this, 0, true); }

bool TaskGroup::Left::wait(std::coroutine_handle<> waiter) noexcept {
  TaskGroup& group = *group_;
  PARLEY_CHECK(!group.waiter_, "two tasks wait for one TaskGroup");
  if (is_join_) {  // a join always waits: its stop is passed on to the tasks
    group.stop(context_->stopped());
    context_->wait_always(group, waiter);
  } else if (!context_->wait(group, waiter, Stop::receiving)) {
    return false;
  }
  group.wanted_ = count_;
  group.joining_ = is_join_;
  group.waiter_ = context_;
  return true;
}

Result<void> TaskGroup::Left::await_resume() const {
  if (is_join_ && group_->exception_) std::rethrow_exception(std::exchange(group_->exception_, nullptr));
  if (context_ && context_->outcome().code != Errc::none) return std::unexpected(context_->outcome());
  return {};
}

}  // namespace parley
