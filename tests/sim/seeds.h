// Whole systems by seed. A test runs its system once for each seed of a range; a failure prints the seed, and
// PARLEY_SEED=n runs that one alone; PARLEY_SEEDS=n runs the first n:
//
//   PARLEY_SEED=371 build/release/test_sim --gtest_filter=Echo.*
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <parley/parley.h>
#include "base/random.h"
#include "results.h"

namespace parley::sim {

inline constexpr std::uint64_t seeds_default = 300;

// Whatever is under way has arrived by then. Waiting costs nothing: the clock is moved.
inline constexpr auto long_enough = std::chrono::hours(1);

struct World {
  Loop& loop;
  Simulation& simulation;
  Random random;  // for what the system itself draws: sizes, counts, times
};

using Options = SimulationOptions (*)(std::uint64_t seed) noexcept;
using System = Task<> (*)(World& world);

// Each seed must leave no failure, no leak and no loss. Stops at the first that does.
void for_seeds(Options options, System system, std::uint64_t count = seeds_default);

// A server on a free port, or at a path, of a kind that the seed chooses.
class Server {
 public:
  Server(World& world, Handler handler, ServeOptions options = {});

  const Address& address() const noexcept { return address_; }
  // Asks it to stop at that level, and waits until it has.
  Task<> stop(Stop level = Stop::receiving);

 private:
  static Task<> run(Loop& loop, Listener listener, Handler handler, ServeOptions options, Result<void>& outcome);

  TaskGroup group_;
  Address address_;
  Result<void> outcome_;
};

Task<> echo(Stream peer);

// Connects, again and again while the simulation refuses. Fails the test when it never succeeds.
Task<Result<Stream>> connect_at_last(World& world, Address address);

// What client number `id` sends at `position`: to find lost, doubled and mixed up bytes.
std::byte pattern(std::uint64_t id, std::size_t position) noexcept;
std::string pattern(std::uint64_t id, std::size_t position, std::size_t size);
bool is_pattern(std::uint64_t id, std::size_t position, Bytes bytes) noexcept;

// A size from 1 to `most`, each power of two as likely as another.
std::size_t draw_size(Random& random, std::size_t most) noexcept;

}  // namespace parley::sim
