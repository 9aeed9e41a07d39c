// Two endpoints made of the codec's parts alone, for tests of both roles against each other.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/close.h"
#include "codec/deflate.h"
#include "codec/handshake.h"
#include "codec/message.h"
#include "codec/outputs.h"
#include "codec/utf8.h"

namespace parley::codec {

// What client and server think of permessage-deflate after a whole opening handshake.
struct Agreed {
  bool accepted = false;
  std::optional<DeflateParameters> client;
  std::optional<DeflateParameters> server;
};

// Null: doesn't want it.
inline Agreed shake_hands(const DeflateParameters* client, const DeflateParameters* server) {
  const Nonce nonce{};
  const ClientRequest wishes{.host = "a", .deflate = client};
  const auto written = write_request(wishes, nonce);
  RequestReader requests;
  Request request;
  if (!written || requests.next(as_bytes(*written), request) != HeadStep::head) return {};
  const ServerAnswer given = answer(request, {.deflate = server});
  ResponseReader responses;
  Response response;
  if (responses.next(as_bytes(given.response), response) != HeadStep::head) return {};
  const ClientVerdict verdict = check_response(response, wishes, nonce);
  return {verdict.outcome == ClientVerdict::Outcome::accepted, verdict.deflate, given.deflate};
}

inline DeflateSettings settings_of(Role writer, const DeflateParameters& agreed) {
  const bool client = writer == Role::client;
  return {.window_bits = client ? agreed.client_max_window_bits : agreed.server_max_window_bits,
          .keeps_context = !(client ? agreed.client_no_context_takeover : agreed.server_no_context_takeover)};
}

struct Said {
  Opcode opcode = Opcode::text;
  std::string payload;
  friend bool operator==(const Said&, const Said&) = default;
};

class Speaker {
 public:
  Speaker(Role role, const std::optional<DeflateParameters>& agreed) : role_(role) {
    if (agreed) deflater_.emplace(settings_of(role, *agreed), test_engines());
  }

  // A message in frames that end where `cuts`, in order, say so, with `between` behind each but the last. Compressed,
  // the payload of a frame is what its part of the message becomes. False: no memory.
  bool say(const Said& message, bool compressed, std::span<const std::size_t> cuts, const std::optional<Said>& between,
           std::string& wire) {
    compressed = compressed && deflater_;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
      const bool last = i == cuts.size();
      const std::size_t end = last ? message.payload.size() : cuts[i];
      const std::string_view part = std::string_view(message.payload).substr(begin, end - begin);
      begin = end;
      TestOutput packed;
      const auto flush = last ? Deflater::Flush::message : Deflater::Flush::piece;
      const auto made = compressed ? deflater_->compress(as_bytes(part), flush, packed) : Deflater::Made::no_gain;
      if (made == Deflater::Made::no_memory) return false;
      compressed = made == Deflater::Made::bytes;
      const auto bits =
          static_cast<std::uint8_t>((i == 0 ? static_cast<int>(message.opcode) : 0) | (last ? FrameBits::fin_bit : 0) |
                                    (i == 0 && compressed ? FrameBits::rsv1_bit : 0));
      write({bits}, compressed ? packed.text() : part, wire);
      if (!last && between) say_control(*between, wire);
    }
    return true;
  }

  void say_control(const Said& said, std::string& wire) {
    write({static_cast<std::uint8_t>(FrameBits::fin_bit | static_cast<int>(said.opcode))}, said.payload, wire);
  }

 private:
  void write(FrameBits bits, std::string_view payload, std::string& wire) {
    const bool masked = role_ == Role::client;
    if (masked) key_ = key_ * 1664525 + 1013904223;
    std::array<std::byte, head_bytes_max> head{};
    wire += as_text(Bytes(head).first(write_head(head.data(), bits, payload.size(), masked, key_)));
    const std::size_t at = wire.size();
    wire += payload;
    mask(std::as_writable_bytes(std::span(wire)).subspan(at), key_);
  }

  Role role_;
  MaskKey key_ = 0;
  std::optional<Deflater> deflater_;
};

class Listener {
 public:
  Listener(Role role, const std::optional<DeflateParameters>& agreed, bool leave_masked = false)
      : frames_(role, agreed.has_value()) {
    if (leave_masked) frames_.leave_masked();
    if (agreed)
      inflater_.emplace(settings_of(role == Role::client ? Role::server : Role::client, *agreed), test_engines());
  }

  // What comes next on the wire. False: a violation, here or before.
  bool hear(std::string_view more) {
    if (violation != Violation::none) return false;
    unread_ += more;
    std::vector<std::byte> memory(unread_.size());  // of just this size, so that ASan sees what reads beyond
    std::ranges::copy(as_bytes(unread_), memory.begin());
    std::span<std::byte> bytes(memory);
    Piece piece;
    FrameReader::Step step = FrameReader::Step::starved;
    while (violation == Violation::none && (step = frames_.next(bytes, piece)) == FrameReader::Step::piece) take(piece);
    if (step == FrameReader::Step::violation) violation = frames_.violation();
    unread_ = as_text(bytes);
    return violation == Violation::none;
  }

  bool is_amid() const { return !unread_.empty() || frames_.in_frame() || messages_.is_open(); }

  std::vector<Said> heard;
  Violation violation = Violation::none;

 private:
  void take(const Piece& piece) {
    if (piece.bits.is_control()) {
      CloseBody body;
      if (piece.bits.opcode() == Opcode::close) violation = read_close(piece.bytes, body);
      if (violation == Violation::none) heard.push_back({piece.bits.opcode(), std::string(as_text(piece.bytes))});
      return;
    }
    violation = messages_.take(piece, {});
    if (violation != Violation::none) return;
    const bool whole = piece.last && piece.bits.fin();
    violation = messages_.is_compressed() ? inflate(piece, whole) : copy(piece);
    if (violation == Violation::none && whole && messages_.is_text() && !utf8_.is_whole())
      violation = Violation::not_utf8;
    if (violation != Violation::none || !whole) return;
    heard.push_back({messages_.is_text() ? Opcode::text : Opcode::binary, std::string(message_.text())});
    message_.clear();
    utf8_ = {};
  }

  Violation copy(const Piece& piece) {
    bool good = true;
    if (messages_.is_text()) {
      good = utf8_.feed_masked(piece.bytes, piece.key);
    } else {
      mask(piece.bytes, piece.key);
    }
    if (!good) return Violation::not_utf8;
    if (!message_.grow(std::max<std::size_t>(message_.size + piece.bytes.size(), 1))) return Violation::no_memory;
    std::ranges::copy(piece.bytes, message_.data + message_.size);
    message_.size += piece.bytes.size();
    return Violation::none;
  }

  Violation inflate(const Piece& piece, bool whole) {
    mask(piece.bytes, piece.key);
    const std::size_t before = message_.size;
    Bytes rest = piece.bytes;
    if (const Violation wrong = inflater_->inflate(rest, whole, message_, 16 << 20); wrong != Violation::none)
      return wrong;
    const Bytes fresh = Bytes(message_.data, message_.size).subspan(before);
    return messages_.is_text() && !utf8_.feed(fresh) ? Violation::not_utf8 : Violation::none;
  }

  FrameReader frames_;
  MessageReader messages_;
  std::optional<Inflater> inflater_;
  TestOutput message_;
  Utf8 utf8_;
  std::string unread_;
};

}  // namespace parley::codec
