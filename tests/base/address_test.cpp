#include <parley/address.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace parley {
namespace {

constexpr std::uint32_t path_offset = offsetof(sockaddr_un, sun_path);

std::string printed(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->to_string() : "refused: " + std::string(name(address.error().code));
}

bool is(const Result<Address>& result, const Address& address) { return result && *result == address; }

sockaddr_un local_kernel(std::string_view path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path);
  return un;
}

TEST(Address, holds_nothing_at_first) {
  const Address none;
  EXPECT_EQ(none.family(), Family::none);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.to_string(), "");
  EXPECT_FALSE(none.is_loopback());
  EXPECT_EQ(none.with_port(80), none);
  EXPECT_EQ(sizeof none, 112u);
}

TEST(Address, parses_ipv4) {
  const auto address = Address::parse("127.0.0.1:9000");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), Family::ipv4);
  EXPECT_EQ(address->port(), 9000);
  EXPECT_EQ(address->host(), "127.0.0.1");
  EXPECT_EQ(address->to_string(), "127.0.0.1:9000");
  EXPECT_EQ(printed("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(printed("255.255.255.255:65535"), "255.255.255.255:65535");
}

TEST(Address, is_what_the_kernel_takes) {
  const auto address = Address::parse("1.2.3.4:258");
  ASSERT_TRUE(address);
  ASSERT_EQ(address->size(), sizeof(sockaddr_in));
  sockaddr_in in{};
  std::memcpy(&in, address->data(), sizeof in);
  EXPECT_EQ(in.sin_family, AF_INET);
  EXPECT_EQ(ntohs(in.sin_port), 258);
  EXPECT_EQ(ntohl(in.sin_addr.s_addr), 0x01020304u);
}

TEST(Address, prints_ipv6_as_rfc_5952_says) {
  EXPECT_EQ(printed("[::1]:9000"), "[::1]:9000");
  EXPECT_EQ(printed("[::]:0"), "[::]:0");
  EXPECT_EQ(printed("[0:0:0:0:0:0:0:1]:1"), "[::1]:1");
  EXPECT_EQ(printed("[2001:DB8::A]:1"), "[2001:db8::a]:1");
  EXPECT_EQ(printed("[2001:0db8::0001]:1"), "[2001:db8::1]:1");
  EXPECT_EQ(printed("[2001:db8:0:1:1:1:1:1]:1"), "[2001:db8:0:1:1:1:1:1]:1");  // 4.2.2: a lone zero is not shortened
  EXPECT_EQ(printed("[2001:0:0:1:0:0:0:1]:1"), "[2001:0:0:1::1]:1");           // 4.2.3: the longest run
  EXPECT_EQ(printed("[2001:db8:0:0:1:0:0:1]:1"), "[2001:db8::1:0:0:1]:1");     // 4.2.3: the first of equals
  EXPECT_EQ(printed("[::ffff:1.2.3.4]:1"), "[::ffff:1.2.3.4]:1");
}

TEST(Address, zones_belong_to_link_local_and_multicast) {
  char loopback_name[IF_NAMESIZE];
  ASSERT_NE(if_indextoname(1, loopback_name), nullptr);
  const std::string zone = loopback_name;
  EXPECT_EQ(printed("[fe80::1%" + zone + "]:9000"), "[fe80::1%" + zone + "]:9000");
  EXPECT_EQ(printed("[fe80::1%1]:9000"), "[fe80::1%" + zone + "]:9000");
  EXPECT_EQ(printed("[ff02::1%1]:9000"), "[ff02::1%" + zone + "]:9000");
  EXPECT_EQ(printed("[fe80::1%4294967295]:9000"), "[fe80::1%4294967295]:9000");  // no such interface now
  EXPECT_NE(*Address::parse("[fe80::1%1]:1"), *Address::parse("[fe80::1%2]:1"));
  for (const std::string text :
       {"[fe80::1%]:1", "[fe80::1%0]:1", "[fe80::1%01]:1", "[fe80::1%4294967296]:1", "[fe80::1%no-such-interface]:1",
        "[::1%1]:1", "[2001:db8::1%1]:1", "127.0.0.1%1:1", "[fe80::1%1%1]:1", "[fe80::1% 1]:1"}) {
    EXPECT_EQ(printed(text), "refused: invalid_address") << text;
  }
}

TEST(Address, refuses_what_is_not_exactly_an_address) {
  const std::vector<std::string> texts = {
      "",
      ":",
      "9000",
      ":9000",
      "127.0.0.1",
      "127.0.0.1:",
      "localhost:9000",
      "127.0.0.1:+1",
      "127.0.0.1:-1",
      "127.0.0.1:01",
      "127.0.0.1:00",
      "127.0.0.1: 1",
      "127.0.0.1:1 ",
      " 127.0.0.1:1",
      "127.0.0.1 :1",
      "127.0.0.1:1x",
      "127.0.0.1:0x1",
      "127.0.0.1:65536",
      "127.0.0.1:99999999999999999999",
      "127.0.0.1:1:2",
      "127.0.0.1:9000/",
      "127.0.0.01:1",
      "127.0.1:1",
      "127.0.0.256:1",
      "127.0.0.1.1:1",
      "127..0.1:1",
      "0x7f.0.0.1:1",
      "2130706433:1",
      "*:9000",
      "::1:9000",
      "::1",
      "[::1]",
      "[::1]:",
      "[::1]9000",
      "[::1:9000",
      "::1]:9000",
      "[]:9000",
      "[127.0.0.1]:9000",
      "[[::1]]:9000",
      "[::1]]:9000",
      "[ ::1]:9000",
      "[::1 ]:9000",
      "[:::1]:9000",
      "[1:2:3:4:5:6:7]:9000",
      "[1:2:3:4:5:6:7:8:9]:9000",
      "[12345::]:9000",
      "tcp://127.0.0.1:9000",
      "unix:",
      "unix:@",
      "UNIX:/x",
      "127.0.0.1:1\n",
      std::string("127.0.0.1\0:1", 12),
      std::string("127.0.0.1:1\0", 12),
      std::string("[::1\0]:1", 8),
      std::string("unix:/x\0y", 9),
      std::string("unix:@x\0", 8),
  };
  for (const std::string& text : texts) EXPECT_EQ(printed(text), "refused: invalid_address") << text;
}

TEST(Address, ip_takes_the_literal_and_the_port_apart) {
  EXPECT_EQ(Address::ip("127.0.0.1", 80)->to_string(), "127.0.0.1:80");
  EXPECT_EQ(Address::ip("::1", 80)->to_string(), "[::1]:80");
  for (const char* text : {"", "[::1]", "127.0.0.1:80", "localhost", "::1 ", "%", "::g"}) {
    EXPECT_FALSE(Address::ip(text, 80)) << text;
  }
}

TEST(Address, unix_domain_paths) {
  const auto address = Address::parse("unix:/run/echo.sock");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), Family::local);
  EXPECT_EQ(address->host(), "/run/echo.sock");
  EXPECT_EQ(address->to_string(), "unix:/run/echo.sock");
  EXPECT_EQ(address->port(), 0);
  EXPECT_EQ(address->with_port(80), *address);
  EXPECT_TRUE(address->is_loopback());
  EXPECT_EQ(address->size(), path_offset + std::strlen("/run/echo.sock") + 1);
  EXPECT_EQ(printed("unix:relative path:80"), "unix:relative path:80");
}

TEST(Address, unix_domain_paths_have_a_longest) {
  const std::string longest(Address::path_bytes_max, 'x');
  EXPECT_EQ(Address::local(longest)->host(), longest);
  EXPECT_EQ(Address::local(longest + 'x').error(), Errc::too_large);
  EXPECT_EQ(Address::local("").error(), Errc::invalid_address);
  const std::string abstract = '@' + std::string(Address::path_bytes_max - 1, 'x');
  EXPECT_EQ(Address::local(abstract)->host(), abstract);
  EXPECT_EQ(Address::local(abstract + 'x').error(), Errc::too_large);
}

TEST(Address, abstract_names_begin_with_a_zero_and_have_no_zero_at_the_end) {
  const auto address = Address::parse("unix:@name");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->host(), "@name");
  ASSERT_EQ(address->size(), path_offset + 5);
  sockaddr_un un{};
  std::memcpy(&un, address->data(), address->size());
  EXPECT_EQ(std::string_view(un.sun_path, 5), std::string_view("\0name", 5));
  EXPECT_NE(*address, *Address::local("./@name"));
}

TEST(Address, from_kernel_reads_unix_domain_addresses_of_every_size) {
  const auto path = local_kernel("/x");
  EXPECT_EQ(Address::from_kernel(&path, sizeof path), *Address::local("/x"));
  EXPECT_EQ(Address::from_kernel(&path, path_offset + 3), *Address::local("/x"));
  EXPECT_EQ(Address::from_kernel(&path, path_offset + 2), *Address::local("/x"));

  const Address unnamed = Address::from_kernel(&path, path_offset);
  EXPECT_EQ(unnamed.family(), Family::local);
  EXPECT_EQ(unnamed.to_string(), "unix:");
  EXPECT_TRUE(unnamed.is_loopback());

  const auto full = local_kernel(std::string(sizeof path.sun_path, 'x'));
  EXPECT_EQ(Address::from_kernel(&full, sizeof full).host(), std::string(sizeof path.sun_path, 'x'));

  const auto zero_inside = local_kernel(std::string_view("\0a\0b", 4));
  EXPECT_EQ(Address::from_kernel(&zero_inside, path_offset + 4).host(), std::string("@a\0b", 4));
}

TEST(Address, a_file_called_like_an_abstract_name_prints_as_a_path) {
  const auto un = local_kernel("@name");
  const Address address = Address::from_kernel(&un, path_offset + 6);
  EXPECT_EQ(address.to_string(), "unix:./@name");
  EXPECT_NE(address, *Address::local("@name"));
}

TEST(Address, from_kernel_drops_what_is_not_the_address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(80);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memset(in.sin_zero, 0xff, sizeof in.sin_zero);
  EXPECT_EQ(Address::from_kernel(&in, sizeof in), Address::loopback(Family::ipv4, 80));

  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(80);
  in6.sin6_addr = in6addr_loopback;
  in6.sin6_flowinfo = 0x12345;
  EXPECT_EQ(Address::from_kernel(&in6, sizeof in6), Address::loopback(Family::ipv6, 80));
}

TEST(Address, from_kernel_refuses_other_families_and_sizes) {
  sockaddr_storage storage{};
  storage.ss_family = AF_NETLINK;
  EXPECT_EQ(Address::from_kernel(&storage, sizeof storage).family(), Family::none);
  storage.ss_family = AF_INET;
  EXPECT_EQ(Address::from_kernel(&storage, sizeof(sockaddr_in) - 1).family(), Family::none);
  EXPECT_EQ(Address::from_kernel(&storage, sizeof(sockaddr_in) + 1).family(), Family::none);
  storage.ss_family = AF_INET6;
  EXPECT_EQ(Address::from_kernel(&storage, sizeof(sockaddr_in)).family(), Family::none);
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(Address::from_kernel(&storage, sizeof(sockaddr_un) + 1).family(), Family::none);
  EXPECT_EQ(Address::from_kernel(&storage, 1).family(), Family::none);
  EXPECT_EQ(Address::from_kernel(nullptr, 0).family(), Family::none);
}

TEST(Address, loopback_and_any) {
  EXPECT_EQ(Address::loopback(Family::ipv4, 1).to_string(), "127.0.0.1:1");
  EXPECT_EQ(Address::loopback(Family::ipv6, 1).to_string(), "[::1]:1");
  EXPECT_EQ(Address::any(Family::ipv4, 1).to_string(), "0.0.0.0:1");
  EXPECT_EQ(Address::any(Family::ipv6, 1).to_string(), "[::]:1");
  for (const Family family : {Family::none, Family::local}) {
    EXPECT_EQ(Address::loopback(family, 1).family(), Family::none);
    EXPECT_EQ(Address::any(family, 1).family(), Family::none);
  }
}

TEST(Address, knows_loopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.255.255:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"}) {
    EXPECT_TRUE(Address::parse(text)->is_loopback()) << text;
  }
  for (const char* text :
       {"126.0.0.1:1", "128.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::2]:1", "[::ffff:10.0.0.1]:1", "[::127.0.0.1]:1"}) {
    EXPECT_FALSE(Address::parse(text)->is_loopback()) << text;
  }
}

TEST(Address, with_port_changes_only_the_port) {
  EXPECT_EQ(Address::parse("1.2.3.4:5")->with_port(6).to_string(), "1.2.3.4:6");
  EXPECT_EQ(Address::parse("[2001:db8::1]:5")->with_port(6).to_string(), "[2001:db8::1]:6");
  EXPECT_EQ(Address::parse("[fe80::1%1]:5")->with_port(6), *Address::parse("[fe80::1%1]:6"));
}

TEST(Address, is_a_key) {
  const std::vector<std::string> texts = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1",
                                          "[::1]:2",     "unix:/a",     "unix:/b",     "unix:@a"};
  std::set<Address> ordered;
  std::unordered_set<Address> hashed;
  for (int round = 0; round < 2; ++round) {
    for (const std::string& text : texts) {
      ordered.insert(*Address::parse(text));
      hashed.insert(*Address::parse(text));
    }
  }
  EXPECT_EQ(ordered.size(), texts.size());
  EXPECT_EQ(hashed.size(), texts.size());
}

RC_GTEST_PROP(AddressProperty, every_ipv4_address_comes_back, (std::uint32_t host, std::uint16_t port)) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = host;
  const Address address = Address::from_kernel(&in, sizeof in);
  RC_ASSERT(is(Address::parse(address.to_string()), address));
  RC_ASSERT(is(Address::ip(address.host(), port), address));
  RC_ASSERT(address.port() == port);
}

const std::vector<std::uint8_t> bytes_with_many_zeros = {0, 0, 0, 0, 1, 0x0a, 0x10, 0x7f, 0xff};

RC_GTEST_PROP(AddressProperty, every_ipv6_address_comes_back, (std::uint16_t port, bool link_local)) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  for (auto& byte : in.sin6_addr.s6_addr) byte = *rc::gen::elementOf(bytes_with_many_zeros);
  if (link_local) {
    in.sin6_addr.s6_addr[0] = 0xfe;
    in.sin6_addr.s6_addr[1] = 0x80;
    in.sin6_scope_id = *rc::gen::arbitrary<std::uint32_t>();
  }
  const Address address = Address::from_kernel(&in, sizeof in);
  RC_ASSERT(is(Address::parse(address.to_string()), address));
  RC_ASSERT(is(Address::ip(address.host(), port), address));
}

RC_GTEST_PROP(AddressProperty, every_path_comes_back, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(1, Address::path_bytes_max + 1);
  const auto path = *rc::gen::container<std::string>(size, rc::gen::nonZero<char>());
  RC_PRE(path != "@");
  const auto address = Address::local(path);
  RC_ASSERT(address.has_value());
  RC_ASSERT(address->host() == path);
  RC_ASSERT(is(Address::parse(address->to_string()), *address));
  RC_ASSERT(Address::from_kernel(address->data(), address->size()) == *address);
}

const std::vector<std::string> pieces = {"127.0.0.1", "::1", "::", "fe80::5", "[",     "]",  ":",
                                         "80",        "0",   "%1", ".",       "unix:", "@x", "/x"};

RC_GTEST_PROP(AddressProperty, what_is_parsed_prints_as_something_parsed_the_same, ()) {
  std::string text;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces))) {
    text += piece;
  }
  if (const auto address = Address::parse(text)) RC_ASSERT(is(Address::parse(address->to_string()), *address));
}

RC_GTEST_PROP(AddressProperty, the_order_is_one, (std::uint16_t a, std::uint16_t b)) {
  const Address x = Address::loopback(Family::ipv4, a);
  const Address y = Address::loopback(Family::ipv4, b);
  RC_ASSERT((x == y) == (a == b));
  RC_ASSERT((x < y) + (y < x) + (x == y) == 1);
}

}  // namespace
}  // namespace parley
