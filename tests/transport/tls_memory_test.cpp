// TLS when OpenSSL gets no memory: an error for that connection, and nothing else.
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <utility>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"

namespace parley {
namespace {

// Of what OpenSSL allocates in this thread, so many times all is well, and then once not. < 0: always.
thread_local long allocations_left = -1;

bool may_allocate() { return allocations_left < 0 || allocations_left-- != 0; }

void* allocate(std::size_t bytes, const char*, int) { return may_allocate() ? std::malloc(bytes) : nullptr; }
void* reallocate(void* memory, std::size_t bytes, const char*, int) {
  return may_allocate() ? std::realloc(memory, bytes) : nullptr;
}
void release(void* memory, const char*, int) { std::free(memory); }

// Before OpenSSL has allocated anything.
const bool is_counting = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;

// How a handshake ended at both ends.
struct Ended {
  Errc client = Errc::none;
  Errc server = Errc::none;
};

Task<> shake(Loop& loop, const tls::Client& client, const tls::Server& server, Ended& out) {
  auto [a, b] = pipe(loop);
  Task<Secured> securing = secure(loop, std::move(a), std::move(b), client, server);
  const Secured ends = co_await securing;
  if (!ends.client) out.client = ends.client.error().code;
  if (!ends.server) out.server = ends.server.error().code;
}

// Its own want of memory, the peer's alert, or the peer's end.
bool is_expected(Errc code) {
  return code == Errc::none || code == Errc::memory_exhausted || code == Errc::protocol ||
         code == Errc::certificate_refused || code == Errc::end || code == Errc::reset;
}

TEST(TlsMemory, a_handshake_without_memory_fails_alone) {
  ASSERT_TRUE(is_counting);
  const Authority authority("authority");
  const tls::Server server = *tls::Server::make({.certificates = {authority.sign()}});
  const tls::Client client = *tls::Client::make({.authorities = authority.pem()});
  Loop loop({.handshake_thread = false});
  int exhausted = 0;
  bool went_well = false;
  for (long count = 0; !went_well; count += 1 + count / 32) {
    Ended ended;
    allocations_left = count;
    EXPECT_TRUE(succeeded(loop.run(shake(loop, client, server, ended))));
    went_well = allocations_left >= 0;
    allocations_left = -1;
    EXPECT_TRUE(is_expected(ended.client)) << static_cast<int>(ended.client) << " after " << count;
    EXPECT_TRUE(is_expected(ended.server)) << static_cast<int>(ended.server) << " after " << count;
    if (ended.client == Errc::memory_exhausted || ended.server == Errc::memory_exhausted) ++exhausted;
  }
  EXPECT_GT(exhausted, 10);
  Ended ended;
  EXPECT_TRUE(succeeded(loop.run(shake(loop, client, server, ended))));
  EXPECT_EQ(ended.client, Errc::none);
  EXPECT_EQ(ended.server, Errc::none);
}

}  // namespace
}  // namespace parley
