// The fixture of tests of streams, whatever carries them: each runs over TCP and Unix-domain sockets of the kernel's,
// over simulated ones, over a pipe in memory, and over TLS on these.
#pragma once

#include <parley/stream.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley::streams {
using namespace std::chrono_literals;

enum class Way {
  kernel_ipv4,
  kernel_ipv6,
  kernel_local,
  simulated_ipv4,
  simulated_local,
  pipe,
  tls,
  tls_simulated,
  tls_pipe
};

// Two ends of one connection.
struct Ends {
  Stream a;
  Stream b;
};

class StreamTest : public testing::TestWithParam<Way> {
 protected:
  using Body = Task<> (*)(Loop& loop, Ends& ends);

  void run(Body body) {
    const bool simulated = GetParam() == Way::simulated_ipv4 || GetParam() == Way::simulated_local;
    if (simulated || GetParam() == Way::tls_simulated) {
      Simulation simulation;
      {
        Loop loop(simulation);
        run_on(loop, body);
      }
      const SimulationReport report = simulation.finish();
      EXPECT_TRUE(report.clean()) << report.to_string();
    } else {
      Loop loop;
      run_on(loop, body);
    }
  }

 private:
  void run_on(Loop& loop, Body body) { EXPECT_TRUE(succeeded(loop.run(connect_and_run(loop, address(), body)))); }

  static std::optional<Address> address() {
    switch (GetParam()) {
      case Way::kernel_ipv4:
      case Way::tls:
      case Way::tls_simulated:
      case Way::simulated_ipv4: return Address::loopback(Family::ipv4, 0);
      case Way::kernel_ipv6: return Address::loopback(Family::ipv6, 0);
      case Way::kernel_local:
      case Way::simulated_local: return *Address::local("@parley-stream-test-" + std::to_string(getpid()));
      case Way::tls_pipe:
      case Way::pipe: break;
    }
    return {};
  }

  static Task<> connect_and_run(Loop& loop, std::optional<Address> address, Body body) {
    Ends ends;
    if (address) {
      auto listener = listen(loop, *address);
      EXPECT_TRUE(succeeded(listener));
      if (!listener) co_return;
      auto a = co_await connect(loop, listener->local_address());
      EXPECT_TRUE(succeeded(a));
      if (!a) co_return;
      auto b = co_await listener->accept();
      EXPECT_TRUE(succeeded(b));
      if (!b) co_return;
      ends = Ends{std::move(*a), std::move(*b)};
    } else {
      std::tie(ends.a, ends.b) = parley::pipe(loop);
    }
    if (GetParam() == Way::tls || GetParam() == Way::tls_simulated || GetParam() == Way::tls_pipe) {
      const TlsEnds& tls = TlsEnds::get();
      Task<Secured> securing = secure(loop, std::move(ends.a), std::move(ends.b), tls.client, tls.server);
      Secured both = co_await securing;
      EXPECT_TRUE(succeeded(both.client));
      EXPECT_TRUE(succeeded(both.server));
      if (!both.client || !both.server) co_return;
      ends = Ends{std::move(*both.client), std::move(*both.server)};
    }
    co_await body(loop, ends);
  }
};

// More than the kernel takes while nobody reads (net.ipv4.tcp_wmem and tcp_rmem: 4 and 6 MiB).
inline constexpr std::size_t more_than_fits_bytes = 12'000'000;

inline std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((from + i) * 31 % 251);
  return text;
}

// Exactly so many bytes, or what came before the end.
inline Task<std::string> receive_exactly(Stream& from, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const auto bytes = co_await from.receive();
    if (!bytes) break;
    text += as_text(*bytes);
  }
  co_return text;
}

inline Task<std::string> receive_all(Stream& from) { co_return co_await receive_exactly(from, SIZE_MAX); }

inline Task<> send_text(Stream& to, std::string text) {
  const auto sent = co_await to.send(text);
  EXPECT_TRUE(succeeded(sent));
}

inline Task<> send_and_finish(Stream& to, std::string text) {
  co_await send_text(to, std::move(text));
  EXPECT_TRUE(succeeded(to.shutdown()));
}

inline Task<> expect_error(Stream& from, Errc code) {
  const auto bytes = co_await from.receive();
  EXPECT_TRUE(failed_with(bytes, code));
}

inline std::string way_name(const testing::TestParamInfo<Way>& info) {
  constexpr const char* names[] = {"KernelIpv4", "KernelIpv6", "KernelLocal",  "SimulatedIpv4", "SimulatedLocal",
                                   "Pipe",       "Tls",        "TlsSimulated", "TlsPipe"};
  return names[static_cast<std::size_t>(info.param)];
}

inline const auto every_way =
    testing::Values(Way::kernel_ipv4, Way::kernel_ipv6, Way::kernel_local, Way::simulated_ipv4, Way::simulated_local,
                    Way::pipe, Way::tls, Way::tls_simulated, Way::tls_pipe);

}  // namespace parley::streams
