// Service: what a server does with a message. A value; it does no I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace parley::cli {

// Splits a message into parameters and answers each of them with the same text.
struct Reply {
  std::string text = "Echo from server";
  std::string separator = ",";  // not empty
};

// Sends each message back as it came.
struct Echo {};

// What one sends, all others hear that asked for the same path. WebSocket only.
struct Chat {};

using Service = std::variant<Reply, Echo, Chat>;

// The parameters of one message: what stands between the separators. "a," is "a" and an empty one; an empty message
// has none. The views are into `message`.
class Parameters {
 public:
  Parameters(std::string_view message, std::string_view separator) noexcept
      : rest_(message), separator_(separator), more_(!message.empty()) {}

  std::optional<std::string_view> next() noexcept;

 private:
  std::string_view rest_;
  std::string_view separator_;
  bool more_;
};

std::size_t count_parameters(std::string_view message, std::string_view separator) noexcept;

}  // namespace parley::cli
