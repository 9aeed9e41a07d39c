// The simulated driver: what Loop(Simulation&) runs on.
#pragma once

#include <memory>

#include <parley/simulation.h>
#include "io/driver.h"

namespace parley::detail {

// The simulation must outlive the driver. One driver of a simulation at a time.
std::unique_ptr<Driver> make_sim_driver(Simulation& simulation);

}  // namespace parley::detail
