#include "sim/sessions.h"

namespace parley::sim {

std::string url_of(const Address& address) {
  if (address.family() == Family::local) return "ws+unix:" + address.host();
  return "ws://" + address.to_string() + "/";
}

Task<Result<ws::Session>> open_at_last(World& world, Address address, ws::ConnectOptions options) {
  constexpr int attempts = 1000;
  Error last;
  for (int i = 0; i < attempts; ++i) {
    Task<Result<ws::Session>> connecting = ws::connect(world.loop, url_of(address), options);
    auto session = co_await connecting;
    if (session) co_return session;
    last = session.error();
    (void)co_await sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "no session in " << attempts << " attempts: " << last.message();
  co_return std::unexpected(last);
}

ws::DeflateOptions draw_deflate(Random& random) {
  return {.server_no_context_takeover = random.chance(0.3),
          .client_no_context_takeover = random.chance(0.3),
          .server_max_window_bits = static_cast<std::uint8_t>(random.between(8, 15)),
          .client_max_window_bits = static_cast<std::uint8_t>(random.between(8, 15)),
          .level = static_cast<std::uint8_t>(random.between(0, 9)),
          .message_bytes_min = random.below(100)};
}

}  // namespace parley::sim
