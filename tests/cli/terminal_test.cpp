#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "cli/lines.h"

namespace parley::cli {
namespace {

using Strings = std::vector<std::string>;

// A terminal without a screen: the test is the one who types and looks.
class Pseudo {
 public:
  Pseudo() {
    setenv("TERM", "vt100", 1);
    const winsize size{24, 80, 0, 0};
    EXPECT_EQ(openpty(&mine_, &its_, nullptr, nullptr, &size), 0);
  }
  ~Pseudo() {
    ::close(mine_);
    ::close(its_);
  }

  int its() const { return its_; }
  void type(std::string_view keys) { EXPECT_EQ(::write(mine_, keys.data(), keys.size()), std::ssize(keys)); }

  // What is shown until `text` has been. Gives up after 10 s without anything.
  bool shows(std::string_view text) {
    for (;;) {
      if (const std::size_t at = shown_.find(text); at != std::string::npos) {
        shown_.erase(0, at + text.size());
        return true;
      }
      pollfd readable{mine_, POLLIN, 0};
      if (poll(&readable, 1, 10'000) <= 0) return false;
      char piece[4096];
      const ssize_t size = ::read(mine_, piece, sizeof piece);
      if (size <= 0) return false;
      shown_.append(piece, static_cast<std::size_t>(size));
    }
  }

  tcflag_t local_modes() const {
    termios modes{};
    tcgetattr(its_, &modes);
    return modes.c_lflag;
  }

 private:
  int mine_ = -1;
  int its_ = -1;
  std::string shown_;
};

TEST(Terminal, IsOneOnlyIfBothAre) {
  Pseudo pseudo;
  const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
  EXPECT_TRUE(is_terminal(pseudo.its(), pseudo.its()));
  EXPECT_FALSE(is_terminal(file, pseudo.its()));
  EXPECT_FALSE(is_terminal(pseudo.its(), file));
  ::close(file);
}

TEST(Terminal, LinesAreEditedAndRecalled) {
  Pseudo pseudo;
  Lines lines;
  Terminal terminal(pseudo.its(), pseudo.its(), lines.on_line());
  ASSERT_TRUE(pseudo.shows("> "));
  pseudo.type("hellp\x7fo\r");
  EXPECT_EQ(lines.wait_for(1), Strings({"hello"}));
  ASSERT_TRUE(pseudo.shows("> "));
  pseudo.type("\x1b[A!\r");
  EXPECT_EQ(lines.wait_for(2), Strings({"hello", "hello!"}));
  ASSERT_TRUE(pseudo.shows("> "));
  pseudo.type("é日\r");
  EXPECT_EQ(lines.wait_for(3), Strings({"hello", "hello!", "é日"}));
}

TEST(Terminal, WhatIsPrintedStandsAboveTheLineBeingTyped) {
  Pseudo pseudo;
  Lines lines;
  Terminal terminal(pseudo.its(), pseudo.its(), lines.on_line());
  ASSERT_TRUE(pseudo.shows("> "));
  pseudo.type("half");
  ASSERT_TRUE(pseudo.shows("half"));
  terminal.print("news");
  EXPECT_TRUE(pseudo.shows("\r\x1b[J"));
  EXPECT_TRUE(pseudo.shows("news\r\n"));
  EXPECT_TRUE(pseudo.shows("> half"));
  pseudo.type(" and half\r");
  EXPECT_EQ(lines.wait_for(1), Strings({"half and half"}));
}

TEST(Terminal, AnEmptyLineOrTheEndOfInputEnds) {
  for (const char* keys : {"\r", "\x04"}) {
    Pseudo pseudo;
    Lines lines;
    const tcflag_t before = pseudo.local_modes();
    Terminal terminal(pseudo.its(), pseudo.its(), lines.on_line());
    ASSERT_TRUE(pseudo.shows("> "));
    EXPECT_NE(pseudo.local_modes(), before);
    pseudo.type(keys);
    EXPECT_EQ(lines.wait_for_end(), Strings());
    EXPECT_EQ(pseudo.local_modes(), before);
    terminal.print("after the end");
    EXPECT_TRUE(pseudo.shows("after the end\r\n"));
  }
}

TEST(Terminal, IsGivenBackAsItWas) {
  Pseudo pseudo;
  Lines lines;
  const tcflag_t before = pseudo.local_modes();
  {
    Terminal terminal(pseudo.its(), pseudo.its(), lines.on_line());
    ASSERT_TRUE(pseudo.shows("> "));
    pseudo.type("never entered");
    ASSERT_TRUE(pseudo.shows("never entered"));
    terminal.print("last words");
  }
  EXPECT_TRUE(pseudo.shows("last words\r\n"));
  EXPECT_EQ(pseudo.local_modes(), before);
  EXPECT_EQ(lines.wait_for(0), Strings());
}

TEST(Terminal, ANewSizeIsLearnt) {
  Pseudo pseudo;
  Lines lines;
  Terminal terminal(pseudo.its(), pseudo.its(), lines.on_line());
  ASSERT_TRUE(pseudo.shows("> "));
  const winsize narrow{24, 10, 0, 0};
  ASSERT_EQ(ioctl(pseudo.its(), TIOCSWINSZ, &narrow), 0);
  terminal.resized();
  pseudo.type("0123456789");  // with the prompt, two rows of ten columns
  ASSERT_TRUE(pseudo.shows("9"));
  terminal.print("news");
  EXPECT_TRUE(pseudo.shows("\r\x1b[1A\x1b[J"));
  EXPECT_TRUE(pseudo.shows("news\r\n"));
  pseudo.type("\r");
  EXPECT_EQ(lines.wait_for(1), Strings({"0123456789"}));
}

}  // namespace
}  // namespace parley::cli
