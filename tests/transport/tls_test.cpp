// TLS over a connection of the simulation or the kernel: the handshake, what it refuses, and how it ends. That it is a
// stream like any other is stream_test.cpp's matter.
#include <parley/tls.h>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include <parley/parley.h>

#include "authority.h"
#include "results.h"
#include "transport/tls/error.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

// The two ends of a handshake over a pipe.
struct Outcome {
  Secured ends;
  tls::Info client;
  tls::Info server;
};

Task<> shake_into(Loop& loop, const tls::Client& client, const tls::Server& server, Outcome& out) {
  auto [a, b] = pipe(loop);
  Task<Secured> securing = secure(loop, std::move(a), std::move(b), client, server, &out.client, &out.server);
  out.ends = co_await securing;
  if (!out.ends.client || !out.ends.server) co_return;
  // TLS 1.3: what a server thinks of the client's certificate, and its tickets, come after the handshake.
  (void)co_await out.ends.server->send("hello");
  auto hello = co_await out.ends.client->receive();
  EXPECT_TRUE(succeeded(hello));
  EXPECT_EQ(as_text(*hello), "hello");
}

class Tls : public testing::Test {
 protected:
  Outcome shake(const tls::Client& from, const tls::Server& to) {
    Outcome outcome;
    EXPECT_TRUE(succeeded(loop.run(shake_into(loop, from, to, outcome))));
    return outcome;
  }
  Errc refused_with(const tls::KeyPair& shown, tls::ClientOptions options = {}) {
    if (options.authorities.empty()) options.authorities = authority.pem();
    Outcome outcome = shake(*tls::Client::make(options), *tls::Server::make({.certificates = {shown}}));
    EXPECT_FALSE(outcome.ends.client);
    EXPECT_FALSE(outcome.ends.server);  // the client's alert has told it
    return outcome.ends.client ? Errc::none : outcome.ends.client.error().code;
  }

  Loop loop;
  Authority authority{"authority"};
  tls::Server server = *tls::Server::make({.certificates = {authority.sign()}});
  tls::Client client = *tls::Client::make({.authorities = authority.pem()});
};

TEST_F(Tls, says_what_was_agreed) {
  const Outcome outcome = shake(client, server);
  ASSERT_TRUE(outcome.ends.client);
  EXPECT_EQ(outcome.client.version, tls::Version::tls_1_3);
  EXPECT_TRUE(outcome.client.cipher.starts_with("TLS_")) << outcome.client.cipher;
  EXPECT_TRUE(outcome.client.verified);
  EXPECT_EQ(outcome.client.peer, server.fingerprint());
  EXPECT_EQ(server.fingerprint().size(), 32 * 3 - 1u);
  EXPECT_EQ(outcome.server.server_name, "localhost");
  EXPECT_FALSE(outcome.server.verified);
  EXPECT_EQ(outcome.server.peer, "");
  EXPECT_FALSE(outcome.client.resumed);
}

TEST_F(Tls, each_fault_of_a_certificate_has_its_own_error) {
  EXPECT_EQ(refused_with(authority.sign({.from_days = -3, .to_days = -1})), Errc::certificate_expired);
  EXPECT_EQ(refused_with(authority.sign({.from_days = 1, .to_days = 3})), Errc::certificate_not_yet_valid);
  EXPECT_EQ(refused_with(authority.sign({.names = "DNS:example.org"})), Errc::certificate_wrong_name);
  EXPECT_EQ(refused_with(authority.sign({.usage = "clientAuth"})), Errc::certificate_invalid);
  EXPECT_EQ(refused_with(Authority::sign_itself()), Errc::certificate_self_signed);
  const Authority intermediate("intermediate", &authority);
  EXPECT_EQ(refused_with(intermediate.sign()), Errc::certificate_chain_incomplete);
  const Authority stranger("stranger");
  tls::KeyPair strange = stranger.sign();
  strange.certificate += stranger.pem();
  EXPECT_EQ(refused_with(strange), Errc::certificate_unknown_authority);
}

TEST_F(Tls, an_intermediate_that_is_sent_completes_the_chain) {
  const Authority intermediate("intermediate", &authority);
  tls::KeyPair pair = intermediate.sign();
  pair.certificate += intermediate.pem();
  EXPECT_TRUE(shake(client, *tls::Server::make({.certificates = {pair}})).client.verified);
}

TEST_F(Tls, an_unverified_server_is_accepted_only_if_asked_for) {
  const tls::Client careless = *tls::Client::make({.verify = false});
  EXPECT_FALSE(careless.verifies());
  EXPECT_TRUE(client.verifies());
  EXPECT_TRUE(tls::Client().verifies());
  const Outcome outcome = shake(careless, *tls::Server::make({.certificates = {Authority::sign_itself()}}));
  EXPECT_TRUE(succeeded(outcome.ends.client));
  EXPECT_FALSE(outcome.client.verified);
}

TEST_F(Tls, the_default_client_trusts_no_stranger) {
  const Outcome outcome = shake(tls::Client(), server);
  EXPECT_TRUE(failed_with(outcome.ends.client, Errc::certificate_chain_incomplete));
}

TEST_F(Tls, another_name_may_be_asked_for) {
  const tls::Server other = *tls::Server::make({.certificates = {authority.sign({.names = "DNS:*.example.org"})}});
  const auto as = [this](const char* name) {
    return *tls::Client::make({.authorities = authority.pem(), .server_name = name});
  };
  EXPECT_TRUE(shake(as("a.example.org"), other).client.verified);
  EXPECT_TRUE(failed_with(shake(as("a.b.example.org"), other).ends.client, Errc::certificate_wrong_name));
  EXPECT_TRUE(failed_with(shake(as("example.org"), other).ends.client, Errc::certificate_wrong_name));
}

TEST_F(Tls, the_name_chooses_the_certificate) {
  const tls::KeyPair a = authority.sign({.names = "DNS:a.example"});
  const tls::KeyPair b = authority.sign({.names = "DNS:b.example,DNS:*.b.example"});
  const tls::Server both = *tls::Server::make({.certificates = {a, b}});
  for (const char* name : {"a.example", "b.example", "x.b.example"}) {
    const auto asking = tls::Client::make({.authorities = authority.pem(), .server_name = name});
    EXPECT_TRUE(succeeded(shake(*asking, both).ends.client)) << name;
  }
  const auto lost = tls::Client::make({.authorities = authority.pem(), .server_name = "c.example"});
  EXPECT_TRUE(failed_with(shake(*lost, both).ends.client, Errc::certificate_wrong_name));
}

TEST_F(Tls, versions_must_meet) {
  const tls::Server old =
      *tls::Server::make({.certificates = {authority.sign()}, .version_max = tls::Version::tls_1_2});
  const tls::Server fresh =
      *tls::Server::make({.certificates = {authority.sign()}, .version_min = tls::Version::tls_1_3});
  const tls::Client old_client =
      *tls::Client::make({.authorities = authority.pem(), .version_max = tls::Version::tls_1_2});
  EXPECT_EQ(shake(client, old).client.version, tls::Version::tls_1_2);
  EXPECT_EQ(shake(old_client, server).server.version, tls::Version::tls_1_2);
  const Outcome never = shake(old_client, fresh);
  EXPECT_TRUE(failed_with(never.ends.client, Errc::tls_mismatch));
  EXPECT_TRUE(failed_with(never.ends.server, Errc::tls_mismatch));
}

TEST_F(Tls, protocols_are_agreed_in_the_servers_order_or_not_at_all) {
  const tls::Server web = *tls::Server::make({.certificates = {authority.sign()}, .alpn = "h2, http/1.1"});
  const auto offering = [this](const char* alpn) {
    return *tls::Client::make({.authorities = authority.pem(), .alpn = alpn});
  };
  EXPECT_EQ(shake(offering("http/1.1,h2"), web).client.alpn, "h2");
  EXPECT_EQ(shake(offering("http/1.1"), web).server.alpn, "http/1.1");
  EXPECT_EQ(shake(client, web).server.alpn, "");
  EXPECT_EQ(shake(offering("http/1.1"), server).client.alpn, "");
  EXPECT_TRUE(failed_with(shake(offering("irc"), web).ends.client, Errc::tls_mismatch));
}

TEST_F(Tls, clients_show_a_certificate_when_one_is_required) {
  const tls::Server strict =
      *tls::Server::make({.certificates = {authority.sign()}, .client_authorities = authority.pem()});
  const auto showing = [this](const tls::KeyPair& pair) {
    return *tls::Client::make({.authorities = authority.pem(), .certificate = pair});
  };
  const Outcome known = shake(showing(authority.sign()), strict);
  EXPECT_TRUE(known.server.verified);
  EXPECT_NE(known.server.peer, "");

  const auto server_error = [&](const tls::Client& who) {
    Outcome outcome;
    const auto run = [](Loop& on, const tls::Client& c, const tls::Server& s, Outcome& out) -> Task<> {
      auto [a, b] = pipe(on);
      Task<Secured> securing = secure(on, std::move(a), std::move(b), c, s);
      out.ends = co_await securing;
      if (!out.ends.client) co_return;
      const auto told = co_await out.ends.client->receive();  // after the handshake, as TLS 1.3 has it
      EXPECT_FALSE(told);
      if (!told) out.ends.client = std::unexpected(told.error());
    };
    EXPECT_TRUE(succeeded(loop.run(run(loop, who, strict, outcome))));
    EXPECT_FALSE(outcome.ends.server);
    return std::pair(outcome.ends.server.error().code, outcome.ends.client.error().code);
  };
  EXPECT_EQ(server_error(client), std::pair(Errc::certificate_required, Errc::certificate_required));
  EXPECT_EQ(server_error(showing(Authority::sign_itself())),
            std::pair(Errc::certificate_self_signed, Errc::certificate_refused));
  EXPECT_EQ(server_error(showing(authority.sign({.from_days = -3, .to_days = -1}))),
            std::pair(Errc::certificate_expired, Errc::certificate_refused));
}

TEST_F(Tls, sessions_are_resumed_with_either_version_and_not_after_a_reload) {
  for (const tls::Version version : {tls::Version::tls_1_2, tls::Version::tls_1_3}) {
    tls::Client again = *tls::Client::make({.authorities = authority.pem(), .version_max = version});
    tls::Server ours = *tls::Server::make({.certificates = {authority.sign()}});
    EXPECT_FALSE(shake(again, ours).client.resumed);
    const Outcome second = shake(again, ours);
    EXPECT_TRUE(second.client.resumed);
    EXPECT_TRUE(second.server.resumed);
    EXPECT_TRUE(second.client.verified);
    EXPECT_TRUE(shake(again, ours).client.resumed);
    EXPECT_TRUE(succeeded(ours.reload()));
    EXPECT_FALSE(shake(again, ours).client.resumed);
  }
  const tls::Client never = *tls::Client::make({.authorities = authority.pem(), .sessions_max = 0});
  (void)shake(never, server);
  EXPECT_FALSE(shake(never, server).client.resumed);
}

// A folder of its own, removed at the end.
class Files {
 public:
  Files() : path_(testing::TempDir() + "parley-tls-XXXXXX") { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~Files() {
    for (const char* name : {"chain.pem", "key.pem"}) std::remove(path(name).c_str());
    std::remove(path_.c_str());
  }
  std::string path(const char* name) const { return path_ + "/" + name; }
  void write(const char* name, const std::string& text) const { std::ofstream(path(name)) << text; }

 private:
  std::string path_;
};

TEST_F(Tls, a_reload_counts_for_new_connections_and_a_bad_file_for_none) {
  const Files files;
  const tls::KeyPair first = authority.sign();
  files.write("chain.pem", first.certificate);
  files.write("key.pem", first.key);
  tls::Server ours = *tls::Server::make({.certificates = {{files.path("chain.pem"), files.path("key.pem")}}});
  Outcome old = shake(client, ours);
  const std::string before = ours.fingerprint();

  const tls::KeyPair second = authority.sign();
  files.write("chain.pem", second.certificate);
  std::string problem;
  EXPECT_TRUE(failed_with(ours.reload(&problem), Errc::invalid_argument));  // the key is the first's
  EXPECT_NE(problem.find("it is not the key of"), std::string::npos) << problem;
  EXPECT_EQ(ours.fingerprint(), before);
  files.write("key.pem", second.key);
  EXPECT_TRUE(succeeded(ours.reload(&problem)));
  EXPECT_NE(ours.fingerprint(), before);
  EXPECT_EQ(shake(client, ours).client.peer, ours.fingerprint());
  const auto go_on = [](Secured& ends) -> Task<> {
    (void)co_await ends.client->send("still here");
    auto bytes = co_await ends.server->receive();
    EXPECT_TRUE(succeeded(bytes));
  };
  EXPECT_TRUE(succeeded(loop.run(go_on(old.ends))));
}

TEST_F(Tls, what_is_wrong_with_a_file_is_said) {
  const Files files;
  const tls::KeyPair good = authority.sign();
  const auto problem_of = [](const std::string& certificate, const std::string& key) {
    std::string problem;
    EXPECT_FALSE(tls::Server::make({.certificates = {{certificate, key}}}, &problem));
    return problem;
  };
  const std::string missing = files.path("missing.pem");
  EXPECT_EQ(problem_of(missing, good.key), missing + ": No such file or directory");
  files.write("key.pem", "nothing");
  EXPECT_EQ(problem_of(good.certificate, files.path("key.pem")),
            files.path("key.pem") + ": there is no private key in it (PEM)");
  EXPECT_EQ(problem_of(files.path("key.pem"), good.key),
            files.path("key.pem") + ": there is no certificate in it (PEM)");
  std::string cut = good.certificate;
  cut.resize(cut.size() / 2);
  EXPECT_EQ(problem_of(cut, good.key), "the text: a certificate in it is damaged");
  EXPECT_EQ(problem_of(good.certificate, authority.sign().key), "the text: it is not the key of the text");
  EXPECT_EQ(problem_of(good.certificate, Authority::encrypted_key()),
            "the text: the key in it is encrypted: decrypt it first (openssl pkey)");
  std::string problem;
  EXPECT_FALSE(tls::Server::make({}, &problem));
  EXPECT_EQ(problem, "a TLS server needs a certificate");
  EXPECT_FALSE(tls::Server::make({.certificates = {good}, .alpn = "h2," + std::string(256, 'x')}, &problem));
  EXPECT_EQ(problem, "alpn: a protocol is too long");
  EXPECT_FALSE(tls::Client::make({.authorities = "-----BEGIN nothing"}, &problem));
  EXPECT_FALSE(tls::Client::make({.version_min = tls::Version::tls_1_3, .version_max = tls::Version::tls_1_2}));
  EXPECT_FALSE(tls::Server::self_signed("", {}, &problem));
  EXPECT_FALSE(tls::Server().reload());
}

TEST_F(Tls, a_certificate_of_its_own_is_for_the_names_it_was_made_for) {
  const tls::Server own = *tls::Server::self_signed("localhost,127.0.0.1");
  EXPECT_TRUE(failed_with(shake(client, own).ends.client, Errc::certificate_self_signed));
  const Outcome outcome = shake(*tls::Client::make({.verify = false}), own);
  EXPECT_EQ(outcome.client.peer, own.fingerprint());
}

// One end speaks TLS, the other is the test.
Task<> accept_raw(Loop& loop, const tls::Server& server, std::string said, Result<Stream>& outcome,
                  std::string& heard) {
  auto [a, b] = pipe(loop);
  TaskGroup group(loop);
  group.spawn(accept_into(loop, server, std::move(b), outcome));
  (void)co_await a.send(said);
  (void)a.shutdown();
  for (;;) {
    auto bytes = co_await a.receive();
    if (!bytes) break;
    heard += as_text(*bytes);
  }
  a.close();
  (void)co_await group.join();
}

TEST_F(Tls, what_is_no_tls_is_told_so_by_an_alert_and_ends_in_order) {
  for (const char* said :
       {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "hello, is anybody there?", "\x80\x2e\x01\x00\x02"}) {
    Result<Stream> outcome = fail(Errc::closed);
    std::string heard;
    EXPECT_TRUE(succeeded(loop.run(accept_raw(loop, server, said, outcome, heard))));
    EXPECT_TRUE(failed_with(outcome, Errc::not_tls)) << said;
  }
}

TEST_F(Tls, a_handshake_has_limits_in_bytes_and_time) {
  const tls::Server small = *tls::Server::make({.certificates = {authority.sign()}, .limits = {.bytes_max = 100}});
  const Outcome outcome = shake(client, small);
  EXPECT_TRUE(failed_with(outcome.ends.server, Errc::too_large));
  EXPECT_TRUE(failed_with(outcome.ends.client, Errc::end));

  Simulation simulation;
  Loop simulated(simulation);
  const auto silent = [](Loop& on, const tls::Server& to) -> Task<> {
    auto [a, b] = pipe(on);
    const auto begun = on.now();
    Task<Result<Stream>> accepting = to.accept(on, std::move(b));
    const auto accepted = co_await accepting;
    EXPECT_TRUE(failed_with(accepted, Errc::timed_out));
    EXPECT_EQ(on.now() - begun, 5s);
  };
  EXPECT_TRUE(succeeded(simulated.run(silent(simulated, server))));
}

TEST_F(Tls, a_connection_that_is_cut_off_is_truncated) {
  const auto cut = [](Loop& on, const tls::Client& from, const tls::Server& to) -> Task<> {
    auto [a, far_a] = pipe(on);
    auto [b, far_b] = pipe(on);
    // A middleman who passes everything on until he has seen "now".
    struct Middle {
      static Task<> pass(Stream& from, Stream& to) {
        for (;;) {
          auto bytes = co_await from.receive();
          if (!bytes) co_return;
          (void)co_await to.send(*bytes);
        }
      }
    };
    TaskGroup group(on);
    group.spawn(Middle::pass(far_a, far_b));
    group.spawn(Middle::pass(far_b, far_a));
    Task<Secured> securing = secure(on, std::move(a), std::move(b), from, to);
    Secured ends = co_await securing;
    EXPECT_TRUE(succeeded(ends.client));
    if (!ends.client || !ends.server) co_return;
    (void)co_await ends.client->send("half a sen");
    auto bytes = co_await ends.server->receive();
    EXPECT_TRUE(succeeded(bytes));
    (void)far_b.shutdown();
    (void)far_a.shutdown();
    bytes = co_await ends.server->receive();
    EXPECT_TRUE(failed_with(bytes, Errc::truncated));
    ends.client->abort();
    ends.server->abort();
    group.stop();
    (void)co_await group.join();
  };
  EXPECT_TRUE(succeeded(loop.run(cut(loop, client, server))));
}

Task<> echo_once(Stream peer) {
  auto bytes = co_await peer.receive();
  if (bytes) (void)co_await peer.send(*bytes);
}

Task<> serve_echo(Loop& on, Listener listener, tls::Server with) {
  auto served = co_await serve(on, std::move(listener), echo_once, {.tls = std::move(with)});
  EXPECT_TRUE(succeeded(served));
}

Task<> talk_by_url(Loop& on, const tls::Server& to, const tls::Client& from) {
  auto listener = listen(on, "tcp://127.0.0.1:0");
  EXPECT_TRUE(succeeded(listener));
  if (!listener) co_return;
  const std::string url = "tls://127.0.0.1:" + std::to_string(listener->local_address().port());
  TaskGroup group(on);
  group.spawn(serve_echo(on, std::move(*listener), to));
  Task<Result<Stream>> connecting = connect(on, url, {.tls = from});
  auto peer = co_await connecting;
  EXPECT_TRUE(succeeded(peer));
  if (peer) {
    (void)co_await peer->send("hello");
    auto bytes = co_await peer->receive();
    EXPECT_TRUE(succeeded(bytes));
    if (bytes) {
      EXPECT_EQ(as_text(*bytes), "hello");
    }
  }
  connecting = connect(on, url);
  auto stranger = co_await connecting;
  EXPECT_TRUE(failed_with(stranger, Errc::certificate_chain_incomplete));
  group.stop();
  (void)co_await group.join();
}

TEST_F(Tls, a_url_is_enough) { EXPECT_TRUE(succeeded(loop.run(talk_by_url(loop, server, client)))); }

TEST_F(Tls, a_server_is_secure_exactly_if_its_url_says_so) {
  EXPECT_TRUE(failed_with(loop.run(serve(loop, "tls://127.0.0.1:0", echo_once)), Errc::invalid_argument));
  EXPECT_TRUE(
      failed_with(loop.run(serve(loop, "tcp://127.0.0.1:0", echo_once, {.tls = server})), Errc::invalid_argument));
  EXPECT_TRUE(failed_with(listen(loop, "tls://127.0.0.1:0"), Errc::invalid_argument));
}

// Nobody counts it any more: a crowd of such could take all descriptors.
TEST_F(Tls, a_peer_that_was_refused_has_a_second_to_read_why) {
  Simulation simulation;
  Loop simulated(simulation);
  Stream stranger;
  auto main = [](Loop& on, const tls::Server& ours, Stream& kept) -> Task<> {
    auto [a, b] = pipe(on);
    kept = std::move(a);
    (void)co_await kept.send("GET / HTTP/1.1\r\n\r\n");
    Task<Result<Stream>> accepting = ours.accept(on, std::move(b));
    auto refused = co_await accepting;
    EXPECT_TRUE(failed_with(refused, Errc::not_tls));
  };
  EXPECT_TRUE(succeeded(simulated.run(main(simulated, server, stranger))));
  EXPECT_GE(simulated.now(), 1s);
  EXPECT_LT(simulated.now(), 1100ms);
}

TEST(TlsHello, is_told_by_its_first_six_bytes) {
  const auto begins = [](std::string_view text) { return tls::begins_hello(as_bytes(text)); };
  using namespace std::literals;
  EXPECT_EQ(begins(""), tls::Begins::more);
  EXPECT_EQ(begins("\x16\x03\x01\x02\x00"sv), tls::Begins::more);
  EXPECT_EQ(begins("\x16\x03\x01\x02\x00\x01\x00"sv), tls::Begins::yes);
  EXPECT_EQ(begins("\x16\x03\x01\x02\x00\x02"sv), tls::Begins::no);
  EXPECT_EQ(begins("\x17\x03"), tls::Begins::no);
  EXPECT_EQ(begins("GET /"), tls::Begins::no);
}

TEST(TlsError, alerts_and_verifications) {
  EXPECT_EQ(tls::of_alert(SSL_AD_UNKNOWN_CA), Errc::certificate_refused);
  EXPECT_EQ(tls::of_alert(SSL_AD_PROTOCOL_VERSION), Errc::tls_mismatch);
  EXPECT_EQ(tls::of_alert(116), Errc::certificate_required);
  EXPECT_EQ(tls::of_alert(SSL_AD_DECODE_ERROR), Errc::protocol);
  EXPECT_EQ(tls::of_verification(X509_V_ERR_IP_ADDRESS_MISMATCH, 1), Errc::certificate_wrong_name);
  EXPECT_EQ(tls::of_verification(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 2), Errc::certificate_unknown_authority);
  EXPECT_EQ(tls::of_verification(X509_V_ERR_CERT_REVOKED, 2), Errc::certificate_invalid);
}

}  // namespace
}  // namespace parley
