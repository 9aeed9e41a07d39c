// The worked bytes in docs/wire are what the code reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <vector>

#include "codec/close.h"
#include "codec/frames.h"
#include "codec/handshake.h"
#include "codec/outputs.h"

namespace parley::codec {
namespace {

using Row = std::vector<std::string>;

// The rows of the table that begins with `heading`; cells without their blanks and back quotes.
std::vector<Row> rows(const std::string& page, const std::string& heading) {
  std::ifstream file(std::string(PARLEY_SOURCE_DIR) + "/docs/wire/" + page);
  EXPECT_TRUE(file.is_open()) << page;
  std::vector<Row> found;
  std::string line;
  while (std::getline(file, line) && line != heading) continue;
  std::getline(file, line);  // |---|
  while (std::getline(file, line) && line.starts_with("| ")) {
    Row row;
    std::istringstream cells(line.substr(2));
    for (std::string cell; std::getline(cells, cell, '|');) {
      std::erase(cell, '`');
      const std::size_t begin = cell.find_first_not_of(' ');
      row.push_back(begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
    }
    found.push_back(row);
  }
  return found;
}

std::string printed(std::string_view text) {
  std::ostringstream out;
  out << '"' << std::hex << std::setfill('0');
  for (const char c : text) {
    if (c >= ' ' && c <= '~')
      out << c;
    else
      out << "\\x" << std::setw(2) << static_cast<int>(static_cast<unsigned char>(c));
  }
  out << '"';
  return out.str();
}

TEST(WirePages, frames) {
  const std::vector<Row> table = rows("frames.md", "| bytes | reader | result |");
  EXPECT_EQ(table.size(), 16u);
  for (const Row& row : table) {
    const ReadFrames read = read_frames({unhex(row.at(0))}, row.at(1) == "server" ? Role::server : Role::client, false);
    std::string result;
    for (const Frame& frame : read.frames) {
      std::ostringstream bits;
      bits << std::hex << std::setw(2) << std::setfill('0') << int{frame.bits};
      result += (result.empty() ? "" : " ") + bits.str() + " " + printed(frame.payload);
    }
    if (read.violation != Violation::none) result += phrase(read.violation);
    EXPECT_EQ(result, row.at(2)) << row.at(0);
  }
}

TEST(WirePages, close) {
  const std::vector<Row> table = rows("close.md", "| bytes | result |");
  EXPECT_EQ(table.size(), 10u);
  for (const Row& row : table) {
    const std::string payload = unhex(row.at(0));
    CloseBody body;
    const Violation violation = read_close(as_bytes(payload), body);
    const std::string said = std::to_string(body.code) + " " + printed(body.reason);
    EXPECT_EQ(violation == Violation::none ? said : std::string(phrase(violation)), row.at(1)) << row.at(0);
  }
}

TEST(WirePages, deflate) {
  const std::vector<Row> table = rows("deflate.md", "| bytes | result |");
  EXPECT_EQ(table.size(), 10u);
  for (const Row& row : table) {
    Inflater inflater({}, test_engines());
    std::string result;
    std::string rest = row.at(0);
    for (bool more = true; more;) {
      const std::size_t end = rest.find('/');
      const std::string payload = unhex(rest.substr(0, end));
      more = end != std::string::npos;
      rest.erase(0, more ? end + 1 : end);
      TestOutput out;
      Bytes bytes = as_bytes(payload);
      const Violation violation = inflater.inflate(bytes, true, out, 1000);
      result += violation == Violation::none ? printed(out.text()) : std::string(phrase(violation));
      if (more) result += " / ";
    }
    EXPECT_EQ(result, row.at(1)) << row.at(0);
  }
}

// The indented lines behind `heading`, as a head.
std::string head(const std::string& page, const std::string& heading) {
  std::ifstream file(std::string(PARLEY_SOURCE_DIR) + "/docs/wire/" + page);
  std::string line;
  while (std::getline(file, line) && !line.starts_with(heading)) continue;
  std::getline(file, line);
  std::string found;
  while (std::getline(file, line) && line.starts_with("    ")) found += line.substr(4) + "\r\n";
  EXPECT_FALSE(found.empty()) << heading;
  return found + "\r\n";
}

const std::string request = head("handshake.md", "Request:");
const DeflateParameters no_wishes;

ServerAnswer answer_to(const std::string& text) {
  static const std::vector<std::string> known{"superchat"};
  RequestReader reader;
  Request asked;
  if (reader.next(as_bytes(text), asked) != HeadStep::head) {
    ServerAnswer refused;
    refused.status = http_status(reader.fault());
    return refused;
  }
  return answer(asked, {.subprotocols = known, .deflate = &no_wishes});
}

TEST(WirePages, handshake_request_and_response) {
  const std::vector<std::string> names{"chat", "superchat"};
  Nonce nonce;
  std::ranges::copy(as_bytes("the sample nonce"), nonce.begin());
  const ClientRequest wishes{.host = "server.example:9000",
                             .target = "/chat?room=1",
                             .origin = "http://server.example:9000",
                             .subprotocols = names,
                             .deflate = &no_wishes};
  EXPECT_EQ(*write_request(wishes, nonce), request);
  EXPECT_EQ(answer_to(request).response, head("handshake.md", "Response, of a server"));
}

TEST(WirePages, handshake_keys) {
  const std::vector<Row> table = rows("handshake.md", "| Sec-WebSocket-Key | SHA-1 | Sec-WebSocket-Accept |");
  EXPECT_EQ(table.size(), 3u);
  for (const Row& row : table) {
    EXPECT_TRUE(is_websocket_key(row.at(0)));
    EXPECT_EQ(base64(as_bytes(unhex(row.at(1)))), row.at(2));
    EXPECT_EQ(websocket_accept(row.at(0)), row.at(2));
  }
}

TEST(WirePages, handshake_compression) {
  const std::vector<Row> table = rows("handshake.md", "| offer | answer |");
  EXPECT_EQ(table.size(), 12u);
  for (const Row& row : table) {
    const std::string_view offer = row.at(0);
    const DeflateAgreement agreement = answer_deflate_offers({&offer, 1}, no_wishes);
    const bool malformed = agreement.outcome == DeflateAgreement::Outcome::malformed;
    EXPECT_EQ(malformed ? "400" : agreement.header.empty() ? "no" : agreement.header, row.at(1)) << offer;
  }
}

TEST(WirePages, handshake_refusals) {
  const std::vector<Row> table = rows("handshake.md", "| line | changed to | status |");
  EXPECT_EQ(table.size(), 9u);
  for (const Row& row : table) {
    std::string changed = request;
    const std::size_t at = changed.find(row.at(0) + ": ");
    const std::size_t end = changed.find("\r\n", at) + 2;
    changed.replace(at, end - at, row.at(1).empty() ? "" : row.at(0) + ": " + row.at(1) + "\r\n");
    EXPECT_EQ(std::to_string(answer_to(changed).status), row.at(2)) << changed;
  }
  std::string refused = head("handshake.md", "HTTP doesn't have, 505");
  refused.resize(refused.size() - 2);
  std::string other = request;
  other.replace(other.find(": 13"), 4, ": 8");
  EXPECT_TRUE(answer_to(other).response.starts_with(refused)) << answer_to(other).response;
}

}  // namespace
}  // namespace parley::codec
