#include "sim/seeds.h"

#include <bit>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace parley::sim {
namespace {

// The number in an environment variable, if it is set.
std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (!text) return {};
  const std::string_view digits = text;
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  EXPECT_TRUE(parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) << variable << "=" << text;
  return number;
}

// A window of 64 bytes and answers after a second are slow: what closed streams still have to send gets the time. Every
// third seed is short of memory: small buffers, or none to spare from the first that is lent on.
LoopOptions draw_memory(std::uint64_t seed) {
  LoopOptions options{.linger_seconds = 100'000};
  Random random(seed ^ 0x6D656D6F7279);
  if (random.chance(2.0 / 3)) return options;
  options.receive_buffer_bytes = std::size_t{1} << random.between(10, 17);
  options.lent_bytes_max = random.chance(0.5) ? 0 : random.below(64 * 1024);
  options.kept_bytes_max = random.chance(0.5) ? 0 : 64 * 1024;
  return options;
}

void run_seed(const SimulationOptions& options, System run_system) {
  Simulation simulation(options);
  {
    Loop loop(simulation, draw_memory(options.seed));
    World world{loop, simulation, Random(options.seed)};
    EXPECT_TRUE(succeeded(loop.run(run_system(world))));
  }
  const SimulationReport report = simulation.finish();
  EXPECT_TRUE(report.clean()) << report.to_string();
}

}  // namespace

void for_seeds(Options options, System run_system, std::uint64_t count) {
  const auto only = number_from("PARLEY_SEED");
  const std::uint64_t first = only.value_or(0);
  const std::uint64_t last = only ? *only : number_from("PARLEY_SEEDS").value_or(count) - 1;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("to run this seed alone: PARLEY_SEED=" + std::to_string(seed));
    run_seed(options(seed), run_system);
  }
}

Server::Server(World& world, Handler handler, ServeOptions options) : group_(world.loop) {
  constexpr std::string_view urls[] = {"tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://:0", "unix:/run/server"};
  const std::string_view url = urls[world.random.below(std::size(urls))];
  constexpr int attempts = 100;  // the simulation may say that descriptors are exhausted
  auto listener = listen(world.loop, url, options.listen);
  for (int i = 1; i < attempts && !listener; ++i) listener = listen(world.loop, url, options.listen);
  if (!listener) {
    ADD_FAILURE() << "listen: " << listener.error().message();
    return;
  }
  address_ = listener->local_address();
  group_.spawn(run(world.loop, std::move(*listener), handler, options, outcome_));
}

Task<> Server::run(Loop& loop, Listener listener, Handler handler, ServeOptions options, Result<void>& outcome) {
  outcome = co_await serve(loop, std::move(listener), handler, options);
}

Task<> Server::stop(Stop level) {
  group_.stop(level);
  co_await group_.join();
  EXPECT_TRUE(succeeded(outcome_));
}

Task<> echo(Stream peer) {
  while (auto bytes = co_await peer.receive()) {
    const Bytes view = *bytes;
    const auto sent = co_await peer.send(view);
    if (!sent) co_return;
  }
}

Task<Result<Stream>> connect_at_last(World& world, Address address) {
  constexpr int attempts = 1000;
  for (int i = 0; i < attempts; ++i) {
    auto peer = co_await connect(world.loop, address);
    if (peer) co_return peer;
    (void)co_await sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "no connection in " << attempts << " attempts";
  co_return fail(Errc::refused);
}

std::byte pattern(std::uint64_t id, std::size_t position) noexcept {
  return static_cast<std::byte>((position * 31 + (position >> 8) * 7 + id * 113) % 251);
}

std::string pattern(std::uint64_t id, std::size_t position, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(pattern(id, position + i));
  return text;
}

bool is_pattern(std::uint64_t id, std::size_t position, Bytes bytes) noexcept {
  for (const std::byte byte : bytes) {
    if (byte != pattern(id, position++)) return false;
  }
  return true;
}

std::size_t draw_size(Random& random, std::size_t most) noexcept {
  const std::size_t limit = std::size_t{1} << random.below(std::bit_width(most));
  return random.between(1, std::min(limit, most));
}

}  // namespace parley::sim
