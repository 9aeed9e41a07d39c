// Core: the inside of a Loop. It takes one completion and runs it, then what became ready, then flushes the cork; the
// stack is always loop, then task.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <parley/loop.h>
#include "base/list.h"
#include "io/buffers.h"
#include "io/driver.h"
#include "io/helper.h"
#include "io/slices.h"
#include "io/timers.h"

namespace parley::codec {
class DeflateEngines;
}

namespace parley::ws {
class Sessions;
}

namespace parley::detail {

// A stream that was closed while it still had bytes to send; it lives on until they have left.
class Lingering : public Listed<Lingering> {
 public:
  virtual void give_up() noexcept = 0;  // closes at once, and destroys this

 protected:
  ~Lingering() = default;
};

// Who was refused a descriptor, and waits for one to be closed.
class Starved : public Listed<Starved> {
 public:
  virtual void try_again() noexcept = 0;

 protected:
  ~Starved() = default;
};

// Who has gathered something to send and wants to be told when this turn ends, or when a round of them does.
class Unflushed : public Listed<Unflushed> {
 public:
  virtual void turn_ended() noexcept = 0;  // it is not listed any more, and may list itself for the next

 protected:
  ~Unflushed() = default;
};

class Resolver;  // resolve.cpp

class Core {
 public:
  static constexpr std::size_t cork_bytes_max = 64 * 1024;
  static constexpr unsigned at_once_max = 32;  // operations on end that did not wait
  static constexpr unsigned share_max = 128;   // in a turn: timers; messages, or control frames, of one session
  static constexpr unsigned share_min = 16;    // of messages, when others have spent the turn

  Core(Result<std::unique_ptr<Driver>> driver, const LoopOptions& options);
  ~Core();

  // Runs until `done`; the error if there is no driver.
  Result<void> run(const bool& done);

  // The one that this thread is in run() of; null: none.
  static Core* running() noexcept;

  // Why there is no driver.
  Error failure() const noexcept { return failure_; }

  void enqueue(Context& context) noexcept;
  void post(std::move_only_function<void()> work);

  // The cork: small sends of one source are gathered and leave in one system call, at the end of this turn at the
  // latest. False if there is no room: send it directly, after flush_cork().
  bool cork(Corked& who, Bytes bytes) noexcept {
    if (bytes.empty()) return true;
    std::byte* room = cork(who, bytes.size());
    if (room) std::memcpy(room, bytes.data(), bytes.size());
    return room != nullptr;
  }
  // The same, for the caller to fill.
  std::byte* cork(Corked& who, std::size_t bytes) noexcept {
    if (corked != &who) flush_cork();
    if (bytes > cork_bytes_max - cork_size_) return nullptr;
    corked = &who;
    return cork_.data() + std::exchange(cork_size_, cork_size_ + bytes);
  }
  void uncork() noexcept {
    corked = nullptr;
    cork_size_ = 0;
  }
  // Inline, since a return behind a system call is dear.
  void flush_cork() noexcept {
    if (!corked) return;
    Corked& who = *corked;
    const Bytes bytes(cork_.data(), cork_size_);
    uncork();
    const std::ptrdiff_t sent = who.send_corked(bytes);
    if (sent != std::ssize(bytes)) [[unlikely]]
      who.sent_partly(bytes, sent);
  }

  // For an operation that ended without waiting: is it others' turn, however much more there is to do? Now and then.
  bool turn_is_over() noexcept { return ++at_once_ % at_once_max == 0; }

  // Has the handler that takes one message after the other had its share of this turn? It began with begin_share().
  bool share_is_over() noexcept { return ++taken_ > (slices.is_spent() ? share_min : share_max); }
  void begin_share() noexcept { taken_ = 0; }

  // One descriptor of this loop was closed.
  void descriptor_freed() noexcept;

  LoopOptions options;
  BufferPool buffers;
  std::unique_ptr<Driver> driver;
  Timers timers;
  Corked* corked = nullptr;
  bool failing = false;     // a task threw, and its frame is being destroyed
  Context* root = nullptr;  // of the task that run() runs
  List<Lingering> lingering;
  List<Starved> starved;
  List<Unflushed> unflushed;                       // told before the driver is asked for the next completion
  List<Unflushed> gathering;                       // told when all of those that the driver had are done
  Helper helper;                                   // has its turn each time the driver has been asked
  Slices slices;                                   // the same
  std::shared_ptr<Resolver> resolver;              // made at the first lookup; its threads share it
  std::shared_ptr<codec::DeflateEngines> deflate;  // made by the first session that compresses
  std::shared_ptr<ws::Sessions> sessions;          // made by the first session
  Source* accepted = nullptr;                      // the stream accepted last: driver->accepted_address() is its peer

 private:
  void run_ready() noexcept;
  void end_turn() noexcept;
  void end_round() noexcept;
  void run_timers() noexcept;
  void run_posted() noexcept;

  // Each second while the buffers have more free than they are to keep.
  struct Trimming final : Timer {
    explicit Trimming(BufferPool& buffers) noexcept
        : Timer([](Timer& timer) noexcept { static_cast<Trimming&>(timer).pool.trim(); }), pool(buffers) {}
    BufferPool& pool;
  };

  Error failure_;
  Trimming trimming_{buffers};
  Context* ready_first_ = nullptr;
  Context* ready_last_ = nullptr;
  std::atomic<bool> has_posted_ = false;
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
  std::size_t cork_size_ = 0;
  unsigned at_once_ = 0;
  unsigned taken_ = 0;
  alignas(64) std::array<std::byte, cork_bytes_max> cork_;
};

}  // namespace parley::detail
