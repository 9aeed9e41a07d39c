// Answers of proxies. The first byte of the input chooses the kind, whether there are credentials, and how the rest is
// cut; the outcome must not depend on the cuts, and what follows an open tunnel is left as it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/proxy.h"

namespace parley::codec {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  TunnelStep step = TunnelStep::starved;
  Errc error = Errc::none;
  unsigned status = 0;
  std::string sent;
  std::string left;  // once it is open
};

template <class Tunnel>
Outcome talk(Tunnel tunnel, std::string_view answer, std::size_t step) {
  Outcome outcome;
  outcome.sent = tunnel.output();
  std::string unread;
  while (!answer.empty() && outcome.step == TunnelStep::starved) {
    unread += answer.substr(0, step);
    answer.remove_prefix(std::min(step, answer.size()));
    do {
      const std::vector<char> memory(unread.begin(), unread.end());  // of just this size, so that ASan sees more
      Bytes rest = std::as_bytes(std::span(memory));
      outcome.step = tunnel.next(rest);
      require(rest.size() <= unread.size());
      unread.erase(0, unread.size() - rest.size());
      if (outcome.step == TunnelStep::send) outcome.sent += tunnel.output();
    } while (outcome.step == TunnelStep::send);
  }
  outcome.error = tunnel.error().code;
  outcome.status = tunnel.status();
  require((outcome.step == TunnelStep::failed) == (outcome.error != Errc::none));
  if (outcome.step == TunnelStep::open) outcome.left = unread.append(answer);
  return outcome;
}

template <class Make>
void check(Make make, std::string_view answer, std::size_t step) {
  const Outcome whole = talk(make(), answer, answer.size());
  const Outcome cut = talk(make(), answer, step);
  require(whole.step == cut.step && whole.error == cut.error && whole.sent == cut.sent && whole.left == cut.left);
  require(whole.step == TunnelStep::starved || whole.status == cut.status);
}

}  // namespace
}  // namespace parley::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::codec;
  if (size < 2) return 0;
  const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Credentials credentials = data[0] & 2 ? Credentials{"me", "secret"} : Credentials();
  const TunnelTarget target{.host = "a.example", .port = 80};
  const std::size_t step = data[0] / 4 + 1u;
  if (data[0] & 1) {
    check([&] { return *SocksTunnel::to(target, credentials); }, answer, step);
  } else {
    check([&] { return *HttpTunnel::to(target, credentials, {.head_bytes_max = 200}); }, answer, step);
  }
  return 0;
}
