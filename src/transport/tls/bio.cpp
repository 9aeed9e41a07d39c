#include "transport/tls/bio.h"

#include <openssl/bio.h>

#include <mutex>

#include "transport/tls/stream.h"

namespace parley::tls {
namespace {

TlsStream& stream_of(BIO* bio) noexcept { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

// Nothing is there: OpenSSL is to ask again, once there is. The end it never sees; the stream knows of it.
int read(BIO* bio, char* data, std::size_t size, std::size_t* count) noexcept {
  BIO_clear_retry_flags(bio);
  *count = stream_of(bio).take_ciphertext({reinterpret_cast<std::byte*>(data), size});
  if (*count != 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

// Takes everything: the stream gives the one below no more than it has room for.
int write(BIO* bio, const char* data, std::size_t size, std::size_t* count) noexcept {
  BIO_clear_retry_flags(bio);
  stream_of(bio).add_ciphertext({reinterpret_cast<const std::byte*>(data), size});
  *count = size;
  return 1;
}

long control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// One for all. Null: out of memory.
const BIO_METHOD* method() noexcept {
  static std::mutex mutex;
  static BIO_METHOD* made = nullptr;
  std::lock_guard lock(mutex);
  if (made) return made;
  BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley");
  if (!fresh) return nullptr;
  BIO_meth_set_read_ex(fresh, read);
  BIO_meth_set_write_ex(fresh, write);
  BIO_meth_set_ctrl(fresh, control);
  return made = fresh;
}

}  // namespace

bool make_bio(SSL& ssl) noexcept {
  const BIO_METHOD* const parley = method();
  BIO* bio = parley ? BIO_new(parley) : nullptr;
  if (!bio) return false;
  SSL_set_bio(&ssl, bio, bio);
  return true;
}

void connect_bio(SSL& ssl, TlsStream& stream) noexcept {
  BIO* bio = SSL_get_rbio(&ssl);
  BIO_set_data(bio, &stream);
  BIO_set_init(bio, 1);
}

}  // namespace parley::tls
