#include "cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "cli/lines.h"

namespace parley::cli {
namespace {

using Strings = std::vector<std::string>;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends[0]);
    end();
  }
  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::write(ends[1], text.data(), text.size());
      ASSERT_GT(size, 0);
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  void end() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2] = {-1, -1};
};

TEST(LineReader, HandsOnLinesWithoutTheirNewlines) {
  Pipe pipe;
  Lines lines;
  LineReader reader(pipe.ends[0], lines.on_line());
  pipe.write("one\n\ntwo, ");
  EXPECT_EQ(lines.wait_for(2), Strings({"one", ""}));
  pipe.write("three\r\nno newline");
  pipe.end();
  EXPECT_EQ(lines.wait_for_end(), Strings({"one", "", "two, three\r", "no newline"}));
}

TEST(LineReader, AnEmptyInputEndsAtOnce) {
  Pipe pipe;
  Lines lines;
  pipe.end();
  LineReader reader(pipe.ends[0], lines.on_line());
  EXPECT_EQ(lines.wait_for_end(), Strings());
}

TEST(LineReader, AnInputThatCanNotBeReadEnds) {
  Lines lines;
  LineReader reader(-1, lines.on_line());
  // poll() ignores a negative descriptor, so this one has nothing to say until it is told to end.
  Pipe pipe;
  LineReader other(pipe.ends[1], lines.on_line());
  ::close(pipe.ends[0]);
  pipe.ends[0] = -1;
  EXPECT_EQ(lines.wait_for_end(), Strings());
}

TEST(LineReader, CanBeEndedWhileNothingComes) {
  Pipe pipe;
  Lines lines;
  {
    LineReader reader(pipe.ends[0], lines.on_line());
  }
  EXPECT_EQ(lines.wait_for(0), Strings());
}

TEST(LineReader, ReadsNoFurtherAheadThanItMay) {
  constexpr std::size_t ahead = LineReader::lines_ahead_max;
  Pipe pipe;
  Lines lines;
  LineReader reader(pipe.ends[0], lines.on_line());
  for (std::size_t i = 0; i < ahead + 2; ++i) pipe.write("x\n");
  pipe.end();
  EXPECT_EQ(lines.wait_for(ahead).size(), ahead);
  reader.taken();
  EXPECT_EQ(lines.wait_for(ahead + 1).size(), ahead + 1);
  reader.taken();
  auto all = lines.wait_for_end();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), ahead + 2);
}

// It read 64 lines ahead, whatever their size: a gigabyte each.
TEST(LineReader, LinesAheadAreBoundedInBytes) {
  Pipe pipe;
  Lines lines;
  std::atomic<int> taken = 0;
  std::vector<int> taken_before;  // each line was handed on
  LineReader reader(pipe.ends[0], [&, on_line = lines.on_line()](std::optional<std::string> line) {
    if (line) taken_before.push_back(taken);
    on_line(std::move(line));
  });
  std::jthread writer([&] {
    pipe.write(std::string(LineReader::bytes_ahead_max, 'x') + "\nshort\nshort\n");
    pipe.end();
  });
  EXPECT_EQ(lines.wait_for(1).size(), 1u);
  taken += 1;
  reader.taken();
  const auto all = lines.wait_for_end();
  ASSERT_TRUE(all);
  EXPECT_EQ(taken_before, std::vector({0, 1, 1}));
}

TEST(LineReader, OneLineMayBeLargerThanWhatIsReadAhead) {
  Pipe pipe;
  Lines lines;
  LineReader reader(pipe.ends[0], lines.on_line());
  std::jthread writer([&] {
    pipe.write(std::string(LineReader::bytes_ahead_max + 1, 'x') + "\nshort\n");
    pipe.end();
  });
  EXPECT_EQ(lines.wait_for(1).size(), 1u);
  reader.taken();
  EXPECT_EQ(lines.wait_for_end()->back(), "short");
}

TEST(LineReader, CanBeEndedWhileALineWaits) {
  Pipe pipe;
  Lines lines;
  {
    LineReader reader(pipe.ends[0], lines.on_line());
    for (std::size_t i = 0; i <= LineReader::lines_ahead_max; ++i) pipe.write("x\n");
    EXPECT_EQ(lines.wait_for(LineReader::lines_ahead_max).size(), LineReader::lines_ahead_max);
  }
  EXPECT_EQ(lines.wait_for(0).size(), LineReader::lines_ahead_max);
}

TEST(LineReader, ALongLineIsHandedOnWhole) {
  Pipe pipe;
  Lines lines;
  const std::string text(10'000'000, 'x');
  LineReader reader(pipe.ends[0], lines.on_line());
  std::jthread writer([&] {
    pipe.write(text + "\nshort\n");
    pipe.end();
  });
  const auto all = lines.wait_for_end();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front() == text, true);
  EXPECT_EQ(all->back(), "short");
}

TEST(LineReader, ALineWithoutEndIsHandedOnInPieces) {
  Pipe pipe;
  Lines lines;
  constexpr std::size_t most_bytes = 1024 * 1024;
  const std::string text(3 * most_bytes + 5, 'x');
  LineReader reader(pipe.ends[0], lines.on_line(), most_bytes);
  std::jthread writer([&] {
    pipe.write(text);
    pipe.end();
  });
  auto all = lines.wait_for_end();
  ASSERT_TRUE(all);
  std::string joined;
  for (const std::string& piece : *all) {
    EXPECT_LT(piece.size(), most_bytes + 64 * 1024);
    joined += piece;
  }
  EXPECT_EQ(joined, text);
}

}  // namespace
}  // namespace parley::cli
