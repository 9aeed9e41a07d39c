// The worked bytes in docs/wire are what the code reads.
#include <gtest/gtest.h>

#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <vector>

#include "codec/close.h"
#include "codec/frames.h"
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
    Inflater inflater({});
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

}  // namespace
}  // namespace parley::codec
