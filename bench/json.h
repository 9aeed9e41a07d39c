// Messages like those of real services: chat, prices, telemetry; no two the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/random.h"

namespace bench {

class JsonMessages {
 public:
  explicit JsonMessages(std::uint64_t seed) : random_(seed) {}

  // One of about `bytes`: an object, or for more a batch of one kind.
  std::string next(std::size_t bytes) {
    const unsigned kind = below(3);
    if (bytes < 256) return object(kind);
    std::string text = R"({"version":1,"batch":[)";
    do {
      text += object(kind) + ',';
    } while (text.size() + 128 < bytes);
    text.back() = ']';
    return text + '}';
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_.below(bound)); }
  std::string number(unsigned bound) { return std::to_string(below(bound)); }
  std::string decimal(unsigned bound) { return number(bound) + '.' + std::to_string(10 + below(90)); }
  template <std::size_t N>
  std::string one_of(const char* const (&words)[N]) {
    return words[below(N)];
  }

  std::string object(unsigned kind) {
    static constexpr const char* users[] = {"alice", "bob", "carol", "dmitri", "eun-ji", "farid", "greta", "hiroshi"};
    static constexpr const char* words[] = {"the",  "deploy", "looks", "good", "to",    "me",   "please", "check",
                                            "logs", "server", "went",  "down", "since", "this", "morning"};
    static constexpr const char* symbols[] = {"BTC-USD", "ETH-USD", "SOL-EUR", "AAPL", "MSFT", "NVDA", "EURUSD"};
    const std::string time = std::to_string(1'764'200'000'000 + below(100'000'000));
    if (kind == 0) {
      std::string text = one_of(words);
      for (unsigned i = 3 + below(8); i > 0; --i) text += ' ' + one_of(words);
      return R"({"type":"chat","room":)" + number(500) + R"(,"user":")" + one_of(users) + R"(","time":)" + time +
             R"(,"text":")" + text + "\"}";
    }
    if (kind == 1) {
      return R"({"type":"tick","symbol":")" + one_of(symbols) + R"(","bid":)" + decimal(10'000) + R"(,"ask":)" +
             decimal(10'000) + R"(,"bidSize":)" + number(5000) + R"(,"askSize":)" + number(5000) + R"(,"time":)" +
             time + '}';
    }
    return R"({"type":"telemetry","device":"sensor-)" + number(10'000) + R"(","temperature":)" + decimal(40) +
           R"(,"humidity":)" + decimal(100) + R"(,"battery":)" + number(101) + R"(,"ok":true,"time":)" + time + '}';
  }

  parley::Random random_;
};

}  // namespace bench
