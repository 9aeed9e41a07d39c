#include "transport/tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace parley::tls {
namespace {

constexpr int failed = -1, unknown = 0, sound = 1, renew = 2;

bool begin_mac(EVP_MAC_CTX* mac, TicketKey& key) noexcept {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int encrypt(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  std::optional<TicketKey> key = keys.current(std::chrono::steady_clock::now());
  if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return failed;
  std::ranges::copy(key->name, name);
  const bool begun = EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher.data(), iv, nullptr) == 1;
  return begun && begin_mac(mac, *key) ? sound : failed;
}

int decrypt(TicketKeys& keys, const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac) {
  std::optional<TicketKeys::Found> found = keys.find(name, std::chrono::steady_clock::now());
  if (!found) return unknown;
  const bool begun = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), found->key.cipher.data(), iv, nullptr) == 1;
  if (!begun || !begin_mac(mac, found->key)) return failed;
  return found->is_current ? sound : renew;
}

// What OpenSSL asks for each ticket.
int choose(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypting) {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return encrypting ? encrypt(keys, name, iv, cipher, mac) : decrypt(keys, name, iv, cipher, mac);
}

}  // namespace

void TicketKeys::serve(SSL_CTX& context) noexcept {
  SSL_CTX_set_app_data(&context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, choose);
}

// False: a new key was needed, and could not be made.
bool TicketKeys::turn_over(Time now) noexcept {
  if (current_ && now - since_ < turn) return true;
  TicketKey made;
  if (RAND_bytes(made.name.data(), static_cast<int>(made.name.size())) != 1 ||
      RAND_priv_bytes(made.cipher.data(), static_cast<int>(made.cipher.size())) != 1 ||
      RAND_priv_bytes(made.mac.data(), static_cast<int>(made.mac.size())) != 1) {
    return false;
  }
  previous_ = current_ && now - since_ < 2 * turn ? current_ : std::nullopt;
  current_ = made;
  since_ = now;
  return true;
}

std::optional<TicketKey> TicketKeys::current(Time now) noexcept {
  std::lock_guard lock(mutex_);
  return turn_over(now) ? current_ : std::nullopt;
}

std::optional<TicketKeys::Found> TicketKeys::find(const unsigned char* name, Time now) noexcept {
  std::lock_guard lock(mutex_);
  if (!turn_over(now)) return std::nullopt;
  for (const std::optional<TicketKey>* each : {&current_, &previous_}) {
    if (*each && std::equal((*each)->name.begin(), (*each)->name.end(), name)) {
      return Found{**each, each == &current_};
    }
  }
  return std::nullopt;
}

}  // namespace parley::tls
