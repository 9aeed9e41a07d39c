#include "codec/extension.h"

#include <algorithm>
#include <charconv>

#include "codec/field.h"

namespace parley::codec {
namespace {

constexpr std::string_view deflate_name = "permessage-deflate";

// The four parameters of RFC 7692, 7.1, as they stand in one offer or one response.
struct Heard {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  bool has_server_bits = false;
  bool has_client_bits = false;
  std::uint8_t server_bits = 0;  // 0: without a value
  std::uint8_t client_bits = 0;
  bool good = true;  // every parameter is known, stands there once, and has a value that it may have
};

// "This parameter has a decimal integer value without leading zeroes between 8 to 15, inclusive" (RFC 7692, 7.1.2.1).
// 0: it is not that.
std::uint8_t window_bits(const ExtensionReader& parameter) noexcept {
  unsigned bits = 0;
  for (const char c : parameter.raw_value()) {
    if (parameter.is_quoted() && c == '\\') continue;
    if (c < '0' || c > '9' || (bits == 0 && c == '0') || bits > 9) return 0;
    bits = bits * 10 + static_cast<unsigned>(c - '0');
  }
  const bool allowed = bits >= DeflateParameters::window_bits_min && bits <= DeflateParameters::window_bits_max;
  return allowed ? static_cast<std::uint8_t>(bits) : 0;
}

// "A server MUST decline an extension negotiation offer for this extension if any of the following conditions are met:
// The negotiation offer contains an extension parameter not defined for use in an offer. The negotiation offer contains
// an extension parameter with an invalid value. The negotiation offer contains multiple extension parameters with the
// same name." (RFC 7692, 7). The same conditions make a client fail the connection.
void hear(const ExtensionReader& parameter, Heard& heard) noexcept {
  const auto flag = [&](bool& seen) {
    heard.good = heard.good && !seen && !parameter.has_value();
    seen = true;
  };
  const auto bits = [&](bool& seen, std::uint8_t& value) {
    value = parameter.has_value() ? window_bits(parameter) : 0;
    heard.good = heard.good && !seen && (!parameter.has_value() || value != 0);
    seen = true;
  };
  if (parameter.name() == "server_no_context_takeover") {
    flag(heard.server_no_context_takeover);
  } else if (parameter.name() == "client_no_context_takeover") {
    flag(heard.client_no_context_takeover);
  } else if (parameter.name() == "server_max_window_bits") {
    bits(heard.has_server_bits, heard.server_bits);
    heard.good = heard.good && heard.server_bits != 0;
  } else if (parameter.name() == "client_max_window_bits") {
    // In an offer: "This parameter has no value or a decimal integer value without leading zeroes between 8 to 15
    // inclusive" (7.1.2.2).
    bits(heard.has_client_bits, heard.client_bits);
  } else {
    heard.good = false;
  }
}

void append_bits(std::string& header, std::string_view name, std::uint8_t bits) {
  header.append("; ").append(name).append("=").append(std::to_string(bits));
}

// What a server makes of one good offer.
void answer(const Heard& offer, const DeflateParameters& wishes, DeflateAgreement& agreement) {
  DeflateParameters& agreed = agreement.parameters;
  agreement.outcome = DeflateAgreement::Outcome::agreed;
  agreement.header = deflate_name;

  // "A server accepts an extension negotiation offer that includes the "server_no_context_takeover" extension parameter
  // by including the "server_no_context_takeover" extension parameter in the corresponding extension negotiation
  // response" (7.1.1.1), and may do so without being asked.
  agreed.server_no_context_takeover = offer.server_no_context_takeover || wishes.server_no_context_takeover;
  if (agreed.server_no_context_takeover) agreement.header += "; server_no_context_takeover";

  // "the server may either ignore the parameter or use the parameter to avoid taking over the LZ77 sliding window
  // unnecessarily by including the "client_no_context_takeover" extension parameter" (7.1.1.2)
  agreed.client_no_context_takeover = offer.client_no_context_takeover || wishes.client_no_context_takeover;
  if (agreed.client_no_context_takeover) agreement.header += "; client_no_context_takeover";

  // "A server accepts an extension negotiation offer with this parameter by including the "server_max_window_bits"
  // extension parameter in the extension negotiation response [...] with the same or smaller value as the offer."
  // (7.1.2.1), and may do so without being asked.
  agreed.server_max_window_bits = offer.has_server_bits ? std::min(offer.server_bits, wishes.server_max_window_bits)
                                                        : wishes.server_max_window_bits;
  if (offer.has_server_bits || agreed.server_max_window_bits < DeflateParameters::window_bits_max) {
    append_bits(agreement.header, "server_max_window_bits", agreed.server_max_window_bits);
  }

  // "If a received extension negotiation offer doesn't have the "client_max_window_bits" extension parameter, the
  // corresponding extension negotiation response to the offer MUST NOT include the "client_max_window_bits" extension
  // parameter." (7.1.2.2)
  if (!offer.has_client_bits) return;
  const std::uint8_t hint = offer.client_bits == 0 ? DeflateParameters::window_bits_max : offer.client_bits;
  agreed.client_max_window_bits = std::min(hint, wishes.client_max_window_bits);
  if (agreed.client_max_window_bits < DeflateParameters::window_bits_max) {
    append_bits(agreement.header, "client_max_window_bits", agreed.client_max_window_bits);
  }
}

// What a client makes of a good response; false: it is not one to its offer.
bool accept(const Heard& response, const DeflateParameters& wishes, DeflateParameters& agreed) noexcept {
  if (wishes.server_no_context_takeover && !response.server_no_context_takeover) return false;
  agreed.server_no_context_takeover = response.server_no_context_takeover;
  agreed.client_no_context_takeover = response.client_no_context_takeover || wishes.client_no_context_takeover;

  agreed.server_max_window_bits = response.has_server_bits ? response.server_bits : DeflateParameters::window_bits_max;
  if (agreed.server_max_window_bits > wishes.server_max_window_bits) return false;

  // "Absence of this extension parameter in an extension negotiation response indicates that the server can receive
  // messages compressed using an LZ77 sliding window of up to 32,768 bytes." (7.1.2.2): a smaller one is in order.
  agreed.client_max_window_bits = wishes.client_max_window_bits;
  if (!response.has_client_bits) return true;
  // "the server may either ignore this value or use this value" (7.1.2.2): where it says a larger one the hint still
  // holds. Without a value there is nothing to hold to.
  agreed.client_max_window_bits = std::min(response.client_bits, wishes.client_max_window_bits);
  return response.client_bits != 0;
}

// Calls visit(name, heard) for each extension in the values, until it returns false. False: against the grammar.
template <class Visit>
bool for_each_extension(std::span<const std::string_view> values, Visit visit) {
  for (const std::string_view value : values) {
    ExtensionReader reader(value);
    std::string_view name;
    Heard heard;
    for (;;) {
      const ExtensionReader::Step step = reader.next();
      if (step == ExtensionReader::Step::malformed) return false;
      if (step == ExtensionReader::Step::parameter) {
        hear(reader, heard);
        continue;
      }
      if (!name.empty()) visit(name, heard);
      if (step == ExtensionReader::Step::end) break;
      name = reader.name();
      heard = {};
    }
  }
  return true;
}

// Takes `count` characters and the blanks behind them away.
void skip(std::string_view& text, std::size_t count) noexcept {
  text.remove_prefix(count);
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

std::string_view take_token(std::string_view& text) noexcept {
  const auto end = std::ranges::find_if_not(text, is_token_character);
  const std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  skip(text, token.size());
  return token;
}

}  // namespace

std::string write_deflate_offer(const DeflateParameters& wishes) {
  std::string offer(deflate_name);
  if (wishes.server_no_context_takeover) offer += "; server_no_context_takeover";
  if (wishes.client_no_context_takeover) offer += "; client_no_context_takeover";
  if (wishes.server_max_window_bits < DeflateParameters::window_bits_max) {
    append_bits(offer, "server_max_window_bits", wishes.server_max_window_bits);
  }
  // "By including this parameter in an offer, a client informs the peer server that the client supports the
  // "client_max_window_bits" extension parameter in an extension negotiation response and, optionally, a hint by
  // attaching a value to the parameter." (7.1.2.2)
  if (wishes.client_max_window_bits < DeflateParameters::window_bits_max) {
    append_bits(offer, "client_max_window_bits", wishes.client_max_window_bits);
  } else {
    offer += "; client_max_window_bits";
  }
  return offer;
}

DeflateAgreement answer_deflate_offers(std::span<const std::string_view> offers, const DeflateParameters& wishes) {
  DeflateAgreement agreement;
  // "The order of elements is important as it specifies the client's preference." (RFC 7692, 5). What is offered under
  // another name is passed over; "Extensions not listed by the client MUST NOT be listed." (RFC 6455, 4.2.2)
  const bool grammatical = for_each_extension(offers, [&](std::string_view name, const Heard& heard) {
    const bool open = agreement.outcome == DeflateAgreement::Outcome::none;
    if (open && name == deflate_name && heard.good) answer(heard, wishes, agreement);
  });
  if (!grammatical) return {.outcome = DeflateAgreement::Outcome::malformed, .parameters = {}, .header = {}};
  return agreement;
}

DeflateAgreement check_deflate_response(std::span<const std::string_view> response, const DeflateParameters* wishes) {
  DeflateAgreement agreement;
  const bool grammatical = for_each_extension(response, [&](std::string_view name, const Heard& heard) {
    // "the use of an extension that was not present in the client's handshake" (RFC 6455, 4.1), or of one twice.
    const bool expected = wishes && name == deflate_name && agreement.outcome == DeflateAgreement::Outcome::none;
    const bool accepted = expected && heard.good && accept(heard, *wishes, agreement.parameters);
    agreement.outcome = accepted ? DeflateAgreement::Outcome::agreed : DeflateAgreement::Outcome::refused;
  });
  if (!grammatical) agreement.outcome = DeflateAgreement::Outcome::malformed;
  return agreement;
}

ExtensionReader::Step ExtensionReader::next() noexcept {
  if (in_extension_) {
    if (rest_.starts_with(';')) return read_parameter();
    if (!rest_.empty() && rest_.front() != ',') return Step::malformed;
    in_extension_ = false;
  }
  // Empty elements of a list don't count (RFC 9110, 5.6.1.2).
  while (!rest_.empty() && (rest_.front() == ',' || rest_.front() == ' ' || rest_.front() == '\t')) skip(rest_, 1);
  if (rest_.empty()) return Step::end;
  name_ = take_token(rest_);
  if (name_.empty()) return Step::malformed;
  in_extension_ = true;
  return Step::extension;
}

// extension-param = token [ "=" (token | quoted-string) ]
ExtensionReader::Step ExtensionReader::read_parameter() noexcept {
  skip(rest_, 1);
  name_ = take_token(rest_);
  value_ = {};
  has_value_ = quoted_ = false;
  if (name_.empty()) return Step::malformed;
  if (!rest_.starts_with('=')) return Step::parameter;
  has_value_ = true;
  skip(rest_, 1);
  quoted_ = rest_.starts_with('"');
  if (!quoted_) {
    value_ = take_token(rest_);
    return value_.empty() ? Step::malformed : Step::parameter;
  }
  // "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST conform to the 'token'
  // ABNF." (RFC 6455, 9.1)
  std::size_t end = 1;
  while (end < rest_.size() && rest_[end] != '"') {
    end += rest_[end] == '\\';
    if (end == rest_.size() || !is_token_character(rest_[end])) return Step::malformed;
    ++end;
  }
  if (end == rest_.size() || end == 1) return Step::malformed;
  value_ = rest_.substr(1, end - 1);
  skip(rest_, end + 1);
  return Step::parameter;
}

}  // namespace parley::codec
