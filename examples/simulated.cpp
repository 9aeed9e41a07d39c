// Testing your own handler without a network: simulated [SEEDS] [FIRST_SEED]
//
// The handler below answers each line with the line turned round. Its test runs once for each seed, over a network that
// cuts what is sent into pieces and delays it, each time in another way. A failure names the seed; `simulated 1 371`
// runs seed 371 again, and the same happens again.
#include <parley/parley.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>
#include <string_view>

// What is tested. It may not rely on a line arriving in one piece.
parley::Task<> turn_lines_round(parley::Stream peer) {
  std::string line;
  while (auto bytes = co_await peer.receive()) {
    const std::string text(parley::as_text(*bytes));
    for (const char character : text) {
      if (character != '\n') {
        line += character;
        continue;
      }
      std::ranges::reverse(line);
      line += '\n';
      auto sent = co_await peer.send(line);
      if (!sent) co_return;
      line.clear();
    }
  }
}

// The test: a client that sends two lines and finishes. Its result is what came back.
parley::Task<std::string> talk(parley::Loop& loop, parley::Address server) {
  auto peer = co_await parley::connect(loop, server);
  if (!peer) co_return "no connection";
  (void)co_await peer->send("Hello, world\nParley\n");
  (void)peer->shutdown();
  std::string answer;
  while (auto bytes = co_await peer->receive()) answer += parley::as_text(*bytes);
  co_return answer;
}

parley::Task<> serve_lines(parley::Loop& loop, parley::Listener listener) {
  (void)co_await parley::serve(loop, std::move(listener), turn_lines_round);
}

parley::Task<std::string> test(parley::Loop& loop) {
  auto listener = parley::listen(loop, "tcp://127.0.0.1:9000");
  if (!listener) co_return "no listener";
  const parley::Address address = listener->local_address();
  parley::TaskGroup server(loop);
  server.spawn(serve_lines(loop, std::move(*listener)));
  std::string answer = co_await talk(loop, address);
  server.stop();
  co_await server.join();
  co_return answer;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? number(argv[1]) : 1000;
  const std::uint64_t first = argc > 2 ? number(argv[2]) : 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    parley::Simulation simulation(parley::SimulationOptions::harmless(seed));
    std::string answer;
    {
      parley::Loop loop(simulation);
      answer = loop.run(test(loop)).value_or("the loop failed");
    }
    const parley::SimulationReport report = simulation.finish();
    if (answer != "dlrow ,olleH\nyelraP\n" || !report.clean()) {
      std::cerr << "seed " << seed << ": answered \"" << answer << "\"; " << report.to_string() << '\n';
      return 1;
    }
  }
  std::cout << count << " seeds: every line came back, and nothing leaked\n";
}
