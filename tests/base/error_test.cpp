#include <parley/error.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace parley {
namespace {

constexpr int last = static_cast<int>(Errc::system);

std::vector<Errc> all() {
  std::vector<Errc> codes;
  for (int i = 0; i <= last; ++i) codes.push_back(static_cast<Errc>(i));
  return codes;
}

TEST(Error, is_four_trivial_bytes) {
  EXPECT_EQ(sizeof(Error), 4u);
  EXPECT_TRUE(std::is_trivially_copyable_v<Error>);
}

TEST(Error, every_entry_has_its_own_name_and_phrase) {
  std::set<std::string_view> names;
  std::set<std::string_view> phrases;
  for (const Errc code : all()) {
    names.insert(name(code));
    phrases.insert(Error{code}.message());
    EXPECT_FALSE(name(code).empty());
    EXPECT_EQ(name(code).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name(code);
    std::string phrase(Error{code}.message());
    if (const std::size_t tls = phrase.find("TLS"); tls != phrase.npos) phrase.erase(tls, 3);
    EXPECT_EQ(phrase.find_first_not_of("abcdefghijklmnopqrstuvwxyz "), phrase.npos) << phrase;
  }
  EXPECT_EQ(names.size(), all().size());
  EXPECT_EQ(phrases.size(), all().size());
  EXPECT_EQ(name(Errc::address_in_use), "address_in_use");
  EXPECT_EQ(Error{Errc::refused}.message(), "connection refused");
}

TEST(Error, a_value_outside_the_list_is_named_unknown) {
  const auto outside = static_cast<Errc>(last + 1);
  EXPECT_EQ(name(outside), "unknown");
  EXPECT_EQ(Error{outside}.message(), "unknown error");
  EXPECT_EQ(Error{outside}.fault(), Fault::machine);
}

TEST(Error, errno_becomes_an_entry_and_is_kept) {
  const std::vector<std::pair<int, Errc>> table = {
      {ECANCELED, Errc::cancelled},
      {ETIMEDOUT, Errc::timed_out},
      {ETIME, Errc::timed_out},
      {ECONNRESET, Errc::reset},
      {ECONNABORTED, Errc::reset},
      {EPIPE, Errc::reset},
      {ECONNREFUSED, Errc::refused},
      {ENOENT, Errc::refused},
      {ENOTDIR, Errc::refused},
      {EPROTOTYPE, Errc::refused},
      {EHOSTUNREACH, Errc::unreachable},
      {EHOSTDOWN, Errc::unreachable},
      {ENETUNREACH, Errc::unreachable},
      {ENETDOWN, Errc::unreachable},
      {EINVAL, Errc::invalid_argument},
      {EAFNOSUPPORT, Errc::invalid_argument},
      {ENOTSOCK, Errc::invalid_argument},
      {EDOM, Errc::invalid_argument},
      {EADDRINUSE, Errc::address_in_use},
      {EADDRNOTAVAIL, Errc::address_unavailable},
      {EACCES, Errc::permission_denied},
      {EPERM, Errc::permission_denied},
      {EMSGSIZE, Errc::too_large},
      {ENOTCONN, Errc::not_connected},
      {EDESTADDRREQ, Errc::not_connected},
      {EALREADY, Errc::already},
      {EISCONN, Errc::already},
      {EBADF, Errc::closed},
      {EAGAIN, Errc::would_block},
      {EWOULDBLOCK, Errc::would_block},
      {EINPROGRESS, Errc::would_block},
      {EINTR, Errc::interrupted},
      {EMFILE, Errc::descriptors_exhausted},
      {ENFILE, Errc::descriptors_exhausted},
      {ENOMEM, Errc::memory_exhausted},
      {ENOBUFS, Errc::memory_exhausted},
      {EOPNOTSUPP, Errc::unsupported},
      {EPROTONOSUPPORT, Errc::unsupported},
      {ESOCKTNOSUPPORT, Errc::unsupported},
      {ENOPROTOOPT, Errc::unsupported},
      {ENOSYS, Errc::unsupported},
      {ENOSPC, Errc::system},
      {0, Errc::system},
  };
  for (const auto& [value, code] : table) {
    EXPECT_EQ(name(Error::from_errno(value).code), name(code)) << "errno " << value;
    EXPECT_EQ(Error::from_errno(value).os, value);
  }
}

TEST(Error, a_system_error_says_which) {
  EXPECT_EQ(Error::from_errno(ENOSPC).message(), "No space left on device");
  EXPECT_EQ(Error{Errc::system}.message(), "system error");
  EXPECT_EQ((Error{Errc::system, 30'000}.message()), "system error");
}

TEST(Error, says_whose_fault_it_was) {
  EXPECT_EQ(Error{Errc::end}.fault(), Fault::nobody);
  EXPECT_EQ(Error{Errc::cancelled}.fault(), Fault::nobody);
  EXPECT_EQ(Error{Errc::timed_out}.fault(), Fault::nobody);
  EXPECT_EQ(Error{Errc::reset}.fault(), Fault::peer);
  EXPECT_EQ(Error{Errc::name_failed}.fault(), Fault::peer);
  EXPECT_EQ(Error{Errc::invalid_argument}.fault(), Fault::caller);
  EXPECT_EQ(Error{Errc::closed}.fault(), Fault::caller);
  EXPECT_EQ(Error{Errc::would_block}.fault(), Fault::machine);
  EXPECT_EQ(Error{Errc::system}.fault(), Fault::machine);
}

TEST(Error, faults_follow_the_order_of_the_list) {
  Fault before = Fault::nobody;
  for (const Errc code : all()) {
    EXPECT_GE(Error{code}.fault(), before) << name(code);
    before = Error{code}.fault();
  }
}

TEST(Error, compares_by_entry_alone) {
  EXPECT_EQ(Error::from_errno(EMFILE), Error::from_errno(ENFILE));
  EXPECT_EQ(Error::from_errno(EMFILE), Errc::descriptors_exhausted);
  EXPECT_NE(Error::from_errno(EMFILE), Errc::memory_exhausted);
}

TEST(Error, fail_makes_a_result) {
  const Result<int> result = fail(Errc::closed, EBADF);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), Errc::closed);
  EXPECT_EQ(result.error().os, EBADF);
}

}  // namespace
}  // namespace parley
