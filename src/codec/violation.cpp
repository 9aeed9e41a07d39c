#include "codec/violation.h"

#include <array>

namespace parley::codec {
namespace {

struct Row {
  Violation violation;
  std::uint16_t code;
  std::string_view phrase;
};

constexpr std::array rows{
    Row{Violation::none, 1000, "nothing wrong"},
    Row{Violation::reserved_bits, 1002, "reserved bits are set"},
    Row{Violation::reserved_opcode, 1002, "a reserved opcode"},
    Row{Violation::length_not_minimal, 1002, "a length in more bytes than it needs"},
    Row{Violation::length_high_bit, 1002, "a length of 2^63 or more"},
    Row{Violation::not_masked, 1002, "a client's frame that is not masked"},
    Row{Violation::masked, 1002, "a server's frame that is masked"},
    Row{Violation::control_fragmented, 1002, "a control frame that is fragmented"},
    Row{Violation::control_too_long, 1002, "a control frame of more than 125 bytes"},
    Row{Violation::nothing_to_continue, 1002, "a continuation frame outside of a message"},
    Row{Violation::message_interrupted, 1002, "a new message inside of another"},
    Row{Violation::not_utf8, 1007, "text that is not UTF-8"},
    Row{Violation::close_too_short, 1002, "a Close frame with half a status code"},
    Row{Violation::close_code, 1002, "a Close frame with a status code that must not be sent"},
    Row{Violation::close_reason, 1007, "a close reason that is not UTF-8"},
    Row{Violation::deflate_broken, 1007, "a compressed message that does not inflate"},
    Row{Violation::message_too_large, 1009, "a message larger than is allowed here"},
    Row{Violation::too_many_fragments, 1008, "a message in more fragments than are allowed here"},
    Row{Violation::no_memory, 1011, "no memory left for it here"},
};

consteval bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].violation != static_cast<Violation>(i)) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

std::uint16_t close_code(Violation violation) noexcept { return rows[static_cast<std::size_t>(violation)].code; }

std::string_view phrase(Violation violation) noexcept { return rows[static_cast<std::size_t>(violation)].phrase; }

}  // namespace parley::codec
