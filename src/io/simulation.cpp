#include <parley/simulation.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "base/random.h"
#include "io/sim/network.h"

namespace parley {
namespace {

// Absent half of the time; else anything up to `most`, small values more often.
double draw_chance(Random& chance, double most) noexcept {
  if (chance.chance(0.5)) return 0;
  const double even = static_cast<double>(chance.below(1001)) / 1000;
  return most * even * even;
}

constexpr std::uint64_t harmless_stream = 0x6861726d6c657373;  // so that options and events draw other numbers

}  // namespace

SimulationOptions SimulationOptions::harmless(std::uint64_t seed) noexcept {
  Random chance(seed ^ harmless_stream);
  SimulationOptions options;
  options.seed = seed;
  options.receive_partial_chance = draw_chance(chance, 1);
  options.send_partial_chance = draw_chance(chance, 1);
  options.send_blocked_chance = draw_chance(chance, 0.5);
  options.delay_chance = draw_chance(chance, 1);
  options.delay_max = std::chrono::microseconds(chance.between(1, 1000) * chance.between(1, 1000));
  options.socket_buffer_bytes = std::size_t{1} << chance.between(6, 18);
  return options;
}

SimulationOptions SimulationOptions::hostile(std::uint64_t seed) noexcept {
  SimulationOptions options = harmless(seed);
  Random chance(~seed);
  options.reset_chance = draw_chance(chance, 0.1);
  options.connect_refused_chance = draw_chance(chance, 0.3);
  options.accept_aborted_chance = draw_chance(chance, 0.3);
  options.datagram_lost_chance = draw_chance(chance, 0.5);
  options.datagram_duplicated_chance = draw_chance(chance, 0.5);
  options.datagram_reordered_chance = draw_chance(chance, 0.5);
  options.descriptors_exhausted_chance = draw_chance(chance, 0.3);
  return options;
}

std::string SimulationReport::to_string() const {
  std::string text = "seed " + std::to_string(seed) + ": ";
  if (clean()) return text + "nothing leaked, nothing lost";
  const char* separator = "";
  const auto add = [&](std::uint64_t count, const std::string& what) {
    if (count == 0) return;
    text += separator + std::to_string(count) + what;
    separator = ", ";
  };
  add(descriptors_leaked, " descriptors leaked (" + leaks + ")");
  add(buffer_bytes_leaked, " bytes of receive buffers leaked");
  add(bytes_lost, " sent bytes lost");
  return text;
}

Simulation::Simulation(const SimulationOptions& options) : network_(std::make_unique<detail::SimNetwork>(options)) {
  PARLEY_CHECK(options.socket_buffer_bytes > 0, "a simulated socket needs room for a byte");
}

Simulation::~Simulation() {
  if (finished_) return;
  const SimulationReport report = finish();
  PARLEY_CHECK(report.clean(), ("simulation, " + report.to_string()).c_str());
}

const SimulationOptions& Simulation::options() const noexcept { return network_->options; }

void Simulation::set_route(const Address& host, Route route, std::chrono::nanoseconds delay) {
  network_->set_route(host, {route, delay});
}

SimulationReport Simulation::finish() {
  finished_ = true;
  return network_->report();
}

}  // namespace parley
