#include "transport/tls/sessions.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace parley::tls {
namespace {

// An index of OpenSSL's, one for all; where there was no memory for it, it is asked for again.
int index_once(std::atomic<int>& index, int (*make)()) noexcept {
  static std::mutex mutex;
  if (const int made = index.load(std::memory_order_acquire); made >= 0) return made;
  std::lock_guard lock(mutex);
  if (index.load(std::memory_order_relaxed) < 0) index.store(make(), std::memory_order_release);
  return index.load(std::memory_order_relaxed);
}

// What stands there lives and dies with the SSL_CTX or SSL that it is attached to, which may outlive the Client.
int sessions_index() noexcept {
  static std::atomic<int> index = -1;
  return index_once(index, [] {
    return SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr,
                                    [](void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) {
                                      delete static_cast<Sessions*>(sessions);  // owned: by its SSL_CTX
                                    });
  });
}

int name_index() noexcept {
  static std::atomic<int> index = -1;
  return index_once(index, [] {
    return SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* name, CRYPTO_EX_DATA*, int, long, void*) {
      delete static_cast<std::string*>(name);  // owned: by its SSL
    });
  });
}

// 1: the reference is ours now.
int got_session(SSL* ssl, SSL_SESSION* session) noexcept {
  Sessions* sessions = Sessions::of(*SSL_get_SSL_CTX(ssl));
  const auto* name = static_cast<const std::string*>(SSL_get_ex_data(ssl, name_index()));
  if (!sessions || !name) return 0;
  sessions->add(*name, SslSession(session));
  return 1;
}

}  // namespace

bool Sessions::keep_for(SSL_CTX& context, std::size_t sessions_max) {
  auto sessions = std::make_unique<Sessions>(sessions_max);
  if (SSL_CTX_set_ex_data(&context, sessions_index(), sessions.get()) != 1) return false;
  (void)sessions.release();
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(&context, got_session);
  return true;
}

Sessions* Sessions::of(const SSL_CTX& context) noexcept {
  return static_cast<Sessions*>(SSL_CTX_get_ex_data(&context, sessions_index()));
}

bool Sessions::set_name(SSL& ssl, std::string_view name) {
  auto copy = std::make_unique<std::string>(name);
  if (SSL_set_ex_data(&ssl, name_index(), copy.get()) != 1) return false;
  (void)copy.release();
  return true;
}

void Sessions::add(std::string_view name, SslSession session) {
  std::lock_guard lock(mutex_);
  if (entries_.size() >= sessions_max_) entries_.erase(entries_.begin());
  entries_.push_back({std::string(name), std::move(session)});
}

SslSession Sessions::take(std::string_view name) {
  std::lock_guard lock(mutex_);
  while (true) {
    const auto found = std::ranges::find(entries_.rbegin(), entries_.rend(), name, &Entry::name);  // the newest
    if (found == entries_.rend()) return nullptr;
    SslSession& session = found->session;
    if (SSL_SESSION_is_resumable(session.get()) != 1) {
      entries_.erase(std::next(found).base());
      continue;
    }
    if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(session.get());
      return SslSession(session.get());
    }
    SslSession taken = std::move(session);
    entries_.erase(std::next(found).base());
    return taken;
  }
}

}  // namespace parley::tls
