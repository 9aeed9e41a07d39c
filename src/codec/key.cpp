#include "codec/key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <atomic>

namespace parley::codec {

namespace {

// EVP_sha1() is looked up each time, under a lock of the process. What was not found is looked for again.
// again.
const EVP_MD* sha1() noexcept {
  static std::atomic<const EVP_MD*> known = nullptr;
  const EVP_MD* found = known.load(std::memory_order_acquire);
  if (!found) known.store(found = EVP_MD_fetch(nullptr, "SHA1", nullptr), std::memory_order_release);
  return found;
}

}  // namespace

std::string base64(Bytes bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  // The text is followed by a zero byte, for which a std::string has room.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

std::string websocket_key(const Nonce& nonce) { return base64(nonce); }

bool is_websocket_key(std::string_view key) noexcept {
  // 16 bytes are 22 characters and "==". The last character has four bits that stand for nothing; the RFC's own example
  // "AQIDBAUGBwgJCgsMDQ4PEC==" (4.1) sets some, and "It is not necessary for the server to base64-decode" it (4.2.2).
  const auto is_character = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), is_character);
}

std::string websocket_accept(std::string_view key) {
  // "concatenating /key/ [...] with the string "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this
  // concatenated value to obtain a 20-byte value and base64-encoding [...] this 20-byte hash" (4.2.2)
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::byte, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  auto* const out = reinterpret_cast<unsigned char*>(hash.data());
  if (EVP_Digest(text.data(), text.size(), out, &size, sha1(), nullptr) != 1) return {};  // of null, too
  return base64(Bytes(hash).first(size));
}

}  // namespace parley::codec
