#include "codec/http1.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/heads.h"

namespace parley::codec {
namespace {

using ShownRequest = Shown<RequestReader, Request>;
using ShownResponse = Shown<ResponseReader, Response>;

std::string printed(const Headers& headers) {
  std::string text;
  for (const Header header : headers) text.append(header.name).append("=").append(header.value).append("|");
  return text;
}

std::string printed(const Request& request) {
  constexpr std::string_view forms = "o/a@*";
  std::string text(request.method);
  text.append(" ").append(request.path).append(" ").append(request.query).append(" ").append(request.authority);
  return text + " " + forms[static_cast<std::size_t>(request.form)] + (request.has_content ? " +" : "") + " " +
         printed(request.headers);
}

std::string printed(const Response& response) {
  return "1." + std::to_string(response.minor_version) + " " + std::to_string(response.status) + " " +
         std::string(response.reason) + " " + printed(response.headers);
}

template <class AnyShown>
std::string outcome(const AnyShown& shown) {
  if (shown.step == HeadStep::starved) return "starved";
  if (shown.step == HeadStep::head) return printed(shown.head);
  return std::to_string(http_status(shown.reader.fault())) + " " + std::string(phrase(shown.reader.fault()));
}

std::string request_outcome(std::string_view text, const HeadLimits& limits = {}) {
  return outcome(ShownRequest(text, {text.size()}, limits));
}

void expect_request(std::string_view text, std::string_view expected, const HeadLimits& limits = {}) {
  SCOPED_TRACE(testing::PrintToString(text));
  show_every_way<RequestReader, Request>(
      text, [&](const ShownRequest& shown) { EXPECT_EQ(outcome(shown), expected); }, limits);
}

void expect_response(std::string_view text, std::string_view expected) {
  SCOPED_TRACE(testing::PrintToString(text));
  show_every_way<ResponseReader, Response>(text,
                                           [&](const ShownResponse& shown) { EXPECT_EQ(outcome(shown), expected); });
}

constexpr std::string_view host_line = "Host: a\r\n";

TEST(Http1, requests) {
  expect_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  a o Host=a|");
  expect_request("GET /chat?x=1&y HTTP/1.1\r\nHost: a:9000\r\n\r\n", "GET /chat x=1&y a:9000 o Host=a:9000|");
  expect_request("GET /? HTTP/1.1\r\nHost:a\r\n\r\n", "GET /  a o Host=a|");
  expect_request("GET /?a?b HTTP/1.9\r\nHost:\t a \t\r\n\r\n", "GET / a?b a o Host=a|");
  expect_request("POST /%2f%C3%a4;a={b}|[c]\\^`~!$&'()*+,=:@ HTTP/1.1\r\nHost:\r\n\r\n",
                 "POST /%2f%C3%a4;a={b}|[c]\\^`~!$&'()*+,=:@   o Host=|");
  expect_request("GET / HTTP/1.1\r\nX:\r\nhOST: [::1]:1\r\nY: a\tb \xFF c:d\r\n\r\n",
                 "GET /  [::1]:1 o X=|hOST=[::1]:1|Y=a\tb \xFF c:d|");
}

TEST(Http1, forms_of_targets) {
  // "the origin server MUST ignore the received Host header field (if any)" (RFC 9112, 3.2.2)
  expect_request("GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /c d b:80 / Host=a|");
  expect_request("GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  b / Host=a|");
  expect_request("GET http://b?d HTTP/1.1\r\nHost: a\r\n\r\n", "GET / d b / Host=a|");
  expect_request("CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT   b:443 a Host=a|");
  expect_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS   a @ Host=a|");
}

TEST(Http1, one_empty_line_before_a_request) {
  expect_request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  a o Host=a|");
  expect_request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                 "400 a request line that is not method, target and version");
}

TEST(Http1, content) {
  expect_request("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "PUT /  a o Host=a|Content-Length=0|");
  expect_request("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n\r\n", "PUT /  a o Host=a|Content-Length=00|");
  expect_request("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", "PUT /  a o + Host=a|Content-Length=007|");
  expect_request("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
                 "PUT /  a o + Host=a|Content-Length=18446744073709551615|");
  expect_request("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , Chunked\r\n\r\n",
                 "PUT /  a o + Host=a|Transfer-Encoding=, Chunked|");
}

struct Bad {
  std::string text;
  HeadFault fault;
};

const std::string rest = "\r\n" + std::string(host_line) + "\r\n";

std::vector<Bad> bad_lines() {
  using enum HeadFault;
  std::vector<Bad> all{
      {"GET / HTTP/1.1\nHost: a\n\n", line_end},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", line_end},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", line_end},
      {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", line_end},
      {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", line_end},
      {"GET / HTTP/1.1\rHost: a\r\r", line_end},
      {"\n", line_end},
      {"\rG", line_end},
      {"\x16\x03\x01\x02", control},  // TLS
      {std::string("GET /\0 HTTP/1.1", 15), control},
      {"GET /\x7F HTTP/1.1", control},
      {"GET /\x0B HTTP/1.1", control},
      {"GET / HTTP/1.1\r\nX: \x01", control},
      {std::string("GET / HTTP/1.1\r\nX: a\0b", 22), control},
      {"GET / HTTP/1.1\r\nX\x08: a", control},
  };
  for (const char* line :
       {" ", "GET", "GET ", "GET /", "GET / ", "GET  HTTP/1.1", " GET / HTTP/1.1", " / HTTP/1.1", "\tGET / HTTP/1.1",
        "G\tET / HTTP/1.1", "(GET) / HTTP/1.1", "G\xC3\x84T / HTTP/1.1", "\"GET\" / HTTP/1.1", "GET: / HTTP/1.1"}) {
    const bool version = std::string_view(line) == "GET / ";
    all.push_back({line + rest, version ? version_syntax : request_line});
  }
  for (const char* version :
       {"HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTP/1.x", "HTTP/x.1", "http/1.1",
        "Http/1.1", "HTTP 1.1", "HTTP/1,1", "HTTP/1.1,", "HTTP/+1.1", "HTTPS/1.1", "ICY/1.1.", "HTTP/1.1\t"}) {
    all.push_back({"GET / " + std::string(version) + rest, version_syntax});
  }
  for (const char* number : {"0.9", "1.0", "2.0", "2.1", "3.0", "9.9"}) {
    all.push_back({"GET / HTTP/" + std::string(number) + rest, version});
  }
  all.push_back({"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", version});
  for (const char* name : {"get", "Get", "GETT", "G", "BREW", "M-SEARCH", "PROPFIND", "0", "!#$%&'*+-.^_`|~"}) {
    all.push_back({std::string(name) + " / HTTP/1.1" + rest, method});
  }
  return all;
}

std::vector<Bad> bad_targets() {
  using enum HeadFault;
  std::vector<Bad> all;
  for (const char* bad : {"chat",
                          "a/b",
                          "?x",
                          "*",
                          "example.org:80",
                          "//\"",
                          "/ /",
                          "/a b c",
                          "/#",
                          "/a#b",
                          "/?a#b",
                          "/<",
                          "/>",
                          "/\"",
                          "/%",
                          "/%2",
                          "/%/2",
                          "/%G2",
                          "/%2G",
                          "http",
                          "/%2g",
                          "/%g2",
                          "/?%",
                          "/\x80",
                          "/\xC3\xA4",
                          "/?\xFF",
                          "/\t",
                          "http:",
                          "http:/",
                          "http://",
                          "http:///a",
                          "http://?a",
                          "http://:80/",
                          "http://a b/",
                          "http://u@a/",
                          "http://u:p@a/",
                          "http://a:x/",
                          "http://a:65536/",
                          "http://[::1/",
                          "http://a/#b",
                          "http://a#b",
                          "http://a\\b/",
                          "http://a/%",
                          "ws://a/",
                          "wss://a/",
                          "ftp://a/",
                          "://a/",
                          "a://",
                          "http//a/",
                          "javascript:alert(1)"}) {
    all.push_back({"GET " + std::string(bad) + " HTTP/1.1" + rest, target});
  }
  for (const char* bad : {"/", "*", "a", "a:", ":80", "a:80/", "a:65536", "http://a:80", "a:b", "[::1]", "u@a:80"}) {
    all.push_back({"CONNECT " + std::string(bad) + " HTTP/1.1" + rest, target});
  }
  return all;
}

std::vector<Bad> bad_headers() {
  using enum HeadFault;
  const std::vector<Bad> lines{
      {" X: a", folded},
      {"\tX: a", folded},
      {"X: a\r\n b", folded},
      {"X: a\r\n\tb: c", folded},
      {" ", folded},
      {"X", header_name},
      {":", header_name},
      {": a", header_name},
      {"X;a", header_name},
      {"X\"Y: a", header_name},
      {"X(Y): a", header_name},
      {"X/Y: a", header_name},
      {"X@Y: a", header_name},
      {"{X}: a", header_name},
      {"\xC3\xA4: a", header_name},
      {"GET / HTTP/1.1", space_before_colon},
      {"X : a", space_before_colon},
      {"X\t: a", space_before_colon},
      {"X Y: a", space_before_colon},
      {"Host : a", space_before_colon},
      {"Host: a", host_repeated},
      {"Host: b", host_repeated},
      {"HOST:", host_repeated},
      {"Content-Length:", length},
      {"Content-Length: -1", length},
      {"Content-Length: +1", length},
      {"Content-Length: 1.0", length},
      {"Content-Length: 0x1", length},
      {"Content-Length: 1 2", length},
      {"Content-Length: 1, 1", length},
      {"Content-Length: 18446744073709551616", length},
      {"Content-Length: 1\r\nContent-Length: 1", length},
      {"Content-Length: 1\r\nContent-Length: 2", length},
      {"Content-Length: 1\r\nTransfer-Encoding: chunked", coding},
      {"Transfer-Encoding: chunked\r\nContent-Length: 0", coding},
      {"Transfer-Encoding:", coding},
      {"Transfer-Encoding: ,", coding},
      {"Transfer-Encoding: chunked, chunked", coding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", coding},
      {"Transfer-Encoding: gzip", coding_other},
      {"Transfer-Encoding: gzip, chunked", coding_other},
      {"Transfer-Encoding: chunked, identity", coding_other},
      {"Transfer-Encoding: chunked;x=1", coding_other},
      {"Transfer-Encoding: xchunked", coding_other},
  };
  std::vector<Bad> all;
  for (const Bad& line : lines) {
    all.push_back({"GET / HTTP/1.1\r\n" + std::string(host_line) + line.text + "\r\n\r\n", line.fault});
    if (line.fault == folded) all.push_back({"GET / HTTP/1.1\r\n" + line.text + "\r\n\r\n", folded});
  }
  all.push_back({"GET / HTTP/1.1\r\n\r\n", host_missing});
  all.push_back({"GET / HTTP/1.1\r\nHostname: a\r\nX-Host: b\r\nHos: c\r\n\r\n", host_missing});
  all.push_back({"GET http://a/ HTTP/1.1\r\n\r\n", host_missing});
  for (const char* bad :
       {"a b", "a, b", "a/b", "u@a", "a:b", "a:65536", "[::1", "::1", "http://a", "a\"", "\xC3\xA4"}) {
    all.push_back({"GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n", HeadFault::host});
    all.push_back({"GET http://a/ HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n", HeadFault::host});
  }
  return all;
}

std::string said(HeadFault fault) { return std::to_string(http_status(fault)) + " " + std::string(phrase(fault)); }

TEST(Http1, bad_request_lines) {
  for (const Bad& bad : bad_lines()) expect_request(bad.text, said(bad.fault));
}

TEST(Http1, bad_targets) {
  for (const Bad& bad : bad_targets()) expect_request(bad.text, said(bad.fault));
}

TEST(Http1, bad_headers) {
  for (const Bad& bad : bad_headers()) expect_request(bad.text, said(bad.fault));
}

TEST(Http1, the_status_that_answers) {
  using enum HeadFault;
  EXPECT_EQ(http_status(none), 200);
  EXPECT_EQ(phrase(none), "nothing wrong");
  EXPECT_EQ(http_status(version), 505);
  EXPECT_EQ(http_status(method), 501);
  EXPECT_EQ(http_status(coding_other), 501);
  EXPECT_EQ(http_status(target_too_long), 414);
  EXPECT_EQ(http_status(too_large), 431);
  EXPECT_EQ(http_status(too_many), 431);
  for (const HeadFault fault :
       {line_end, control, request_line, version_syntax, target, status_line, folded, header_name, space_before_colon,
        host_missing, host_repeated, HeadFault::host, length, coding}) {
    EXPECT_EQ(http_status(fault), 400) << phrase(fault);
  }
}

TEST(Http1, a_head_as_large_as_it_may_be) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::size_t max = HeadLimits{}.head_bytes_max;
  const std::string fits = start + std::string(max - start.size() - 4, 'x') + "\r\n\r\n";
  EXPECT_EQ(fits.size(), max);
  EXPECT_TRUE(request_outcome(fits).starts_with("GET"));
  EXPECT_TRUE(request_outcome(fits + "more").starts_with("GET"));
  const std::string large = start + std::string(max - start.size() - 3, 'x') + "\r\n\r\n";
  EXPECT_EQ(request_outcome(large), said(HeadFault::too_large));
  EXPECT_EQ(request_outcome(large.substr(0, max)), said(HeadFault::too_large));
  EXPECT_EQ(request_outcome(large.substr(0, max - 1)), "starved");
}

TEST(Http1, limits_at_every_split) {
  const HeadLimits limits{.head_bytes_max = 40, .headers_max = 2};
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: 123456789\r\n\r\n";
  EXPECT_EQ(head.size(), 41U);
  expect_request(head, said(HeadFault::too_large), limits);
  expect_request("GET / HTTP/1.1\r\nHost: a\r\nX: 12345678\r\n\r\n", "GET /  a o Host=a|X=12345678|", limits);
  expect_request("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:\r\n\r\n", said(HeadFault::too_many), limits);
  expect_request("GET /" + std::string(100, 'x'), said(HeadFault::target_too_long), limits);
  expect_request(std::string(100, 'x'), said(HeadFault::target_too_long), limits);
  // Its CR is the last byte that may be.
  expect_request("GET /" + std::string(25, 'x') + " HTTP/1.1\r\n", said(HeadFault::target_too_long), limits);
}

TEST(Http1, a_hundred_headers_and_one_more) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) head += "X: y\r\n";
  EXPECT_TRUE(request_outcome(head + "\r\n").starts_with("GET"));
  EXPECT_EQ(request_outcome(head + "X: y\r\n\r\n"), said(HeadFault::too_many));
}

TEST(Http1, what_follows_a_head_is_left) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const ShownRequest shown(head + "\x81\x85", {head.size() + 2}, {});
  EXPECT_EQ(shown.step, HeadStep::head);
  EXPECT_EQ(shown.reader.head_bytes(), head.size());
  const ShownRequest after_empty_line("\r\n" + head + "x", {head.size() + 3}, {});
  EXPECT_EQ(after_empty_line.reader.head_bytes(), head.size() + 2);
}

TEST(Http1, a_fault_stays) {
  RequestReader reader;
  Request request;
  EXPECT_EQ(reader.next(as_bytes("\n"), request), HeadStep::fault);
  EXPECT_EQ(reader.next(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), request), HeadStep::fault);
  ResponseReader responses;
  Response response;
  EXPECT_EQ(responses.next(as_bytes("\n"), response), HeadStep::fault);
  EXPECT_EQ(responses.next(as_bytes("HTTP/1.1 200 OK\r\n\r\n"), response), HeadStep::fault);
}

TEST(Http1, finding_headers) {
  const std::string head =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nX: 1\r\nx: 2\r\nConnection: close\r\n\r\n";
  const ShownRequest shown(head, {head.size()}, {});
  const Headers& headers = shown.head.headers;
  EXPECT_EQ(headers.find("HOST").lines, 1U);
  EXPECT_EQ(headers.find("HOST").value, "a");
  EXPECT_EQ(headers.find("X").lines, 2U);
  EXPECT_EQ(headers.find("X").value, "1");
  EXPECT_EQ(headers.find("Y").lines, 0U);
  EXPECT_EQ(headers.find("Y").value, "");
  EXPECT_EQ(headers.values("x"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_TRUE(headers.has_element("connection", "upgrade"));
  EXPECT_TRUE(headers.has_element("connection", "close"));
  EXPECT_FALSE(headers.has_element("connection", "keep"));
  EXPECT_FALSE(headers.has_element("Y", ""));
  EXPECT_EQ(std::ranges::distance(headers.begin(), headers.end()), 5);
  auto at = headers.begin();
  EXPECT_EQ((*at++).name, "Host");
  EXPECT_EQ((*at).name, "Connection");
  EXPECT_EQ(Headers().begin(), Headers().end());
}

TEST(Http1, responses) {
  expect_response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
                  "1.1 101 Switching Protocols Upgrade=websocket|");
  expect_response("HTTP/1.0 200 Connection established\r\n\r\n", "1.0 200 Connection established ");
  expect_response("HTTP/1.1 599 \r\n\r\n", "1.1 599  ");
  expect_response("HTTP/1.9 404 \tN\xC3\xB6!\r\nX:\r\n\r\n", "1.9 404 \tN\xC3\xB6! X=|");
}

TEST(Http1, bad_responses) {
  using enum HeadFault;
  for (const char* line :
       {"HTTP/1.1", "HTTP/1.1 200", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200OK",
        "HTTP/1.1 099 OK", "HTTP/1.1 000 OK", "HTTP/1.1 600 OK", "HTTP/1.1 999 OK", "HTTP/1.1 2x0 OK",
        "HTTP/1.1 -20 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1,200 OK please"}) {
    expect_response(line + std::string("\r\n\r\n"), said(status_line));
  }
  for (const char* line : {"", "HTTP/1.", "http/1.1 200 OK", "HTTP/x.1 200 OK", "HTTP/1.x 200 OK", "ICY 200 OK",
                           "HTTP/1-1 200 OK", "GET / HTTP/1.1", " HTTP/1.1 200 OK", "\xC3\xA4"}) {
    expect_response(line + std::string("\r\n\r\n"), said(version_syntax));
  }
  expect_response("HTTP/2.0 200 OK\r\n\r\n", said(version));
  expect_response("HTTP/0.9 200 OK\r\n\r\n", said(version));
  expect_response("HTTP/1.1 200 OK\n", said(line_end));
  expect_response("HTTP/1.1 200 OK\r\n X: a\r\n\r\n", said(folded));
  expect_response("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", said(space_before_colon));
  expect_response("HTTP/1.1 200 OK\r\nX\r\n\r\n", said(header_name));
}

// Whatever bytes there are: the same outcome however they are cut.
RC_GTEST_PROP(Http1, the_outcome_does_not_depend_on_the_cuts, ()) {
  const auto alphabet = rc::gen::elementOf(
      std::vector<std::string>{"GET", " ", "/", "HTTP/1.1", "\r\n", "\r", "\n", "Host", ":", "a", "\t", "\r\n\r\n",
                               "Content-Length", "1", "%20", "GET / HTTP/1.1\r\nHost: a\r\n", std::string(1, '\0')});
  const auto parts = *rc::gen::container<std::vector<std::string>>(alphabet);
  std::string text;
  for (const std::string& part : parts) text += part;
  auto ends = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, text.size() + 1));
  std::ranges::sort(ends);
  ends.push_back(text.size());
  const HeadLimits limits{.head_bytes_max = 60, .headers_max = 3};
  const std::string whole = request_outcome(text, limits);
  RC_ASSERT(outcome(ShownRequest(text, ends, limits)) == whole);
  RC_ASSERT(outcome(ShownRequest(text, byte_by_byte(text.size()), limits)) == whole);
}

TEST(Http1, how_a_request_begins) {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\n", "GET /a?b HTTP/1.0\r\n", "HEAD /x HTTP/2.0\r\n", "OPTIONS * HTTP/1.1\r\n",
        "CONNECT host:80 HTTP/1.1\r\n", "GET http://a/ HTTP/1.1\r\n", "DELETE /y HTTP/1.1\r\nHost: a"}) {
    const std::size_t line = request.find('\n');
    for (std::size_t size = 0; size <= request.size(); ++size) {
      const Begins expected = size > line ? Begins::yes : Begins::more;
      EXPECT_EQ(begins_request(request.substr(0, size)), expected) << request.substr(0, size);
    }
  }
  for (const std::string_view other : {"a",
                                       "get / HTTP/1.1\r\n",
                                       "GETTING ",
                                       "GET hello",
                                       "GET  ",
                                       "GET / FTP",
                                       "GET / HTTP/1.1 ",
                                       "GET / HTTP/x",
                                       "GET / HTTP/1x",
                                       "GET /\r\n",
                                       "GET /\n",
                                       "GET \r\n",
                                       "GET / HTTP/1.1\n",
                                       "GET / HTTP/1.1\ra",
                                       "GET / HTTP/1\r\n",
                                       "GET * HTTP/1.1\r\n",
                                       "OPTIONS *a",
                                       "FROB / HTTP/1.1\r\n",
                                       "\r\n",
                                       " GET / HTTP/1.1\r\n"}) {
    EXPECT_EQ(begins_request(other), Begins::no) << other;
  }
  const std::string endless = "GET /" + std::string(HeadLimits().head_bytes_max, 'a');
  EXPECT_EQ(begins_request(endless), Begins::no);
}

}  // namespace
}  // namespace parley::codec
