// A terminal with a line editor: lines are typed while others are printed above them.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/input.h"

namespace parley::cli {

// Whether somebody sits at both.
bool is_terminal(int input, int output) noexcept;

// Edits lines (libedit) on a thread of its own, with a history that lasts as long as the object. It ends by itself
// after an empty line or the end of input (Ctrl-D), which `on_line` is told as the end.
class Terminal {
 public:
  // The descriptors stay the caller's.
  Terminal(int input, int output, OnLine on_line);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();  // ends the editing and gives the terminal back as it was

  // Shows a line above the one that is being typed. Any thread.
  void print(std::string_view line);

  void resized();  // SIGWINCH came
  void suspend();  // SIGTSTP came: stops the process until SIGCONT

 private:
  class Editor;

  void run();

  const int input_;
  const int output_;
  OnLine on_line_;
  Waker waker_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::string waiting_;  // lines to show
  bool ending_ = false;
  bool resized_ = false;
  bool suspend_ = false;
  bool ended_ = false;  // the editor has gone: lines are written directly

  std::thread thread_;
};

}  // namespace parley::cli
