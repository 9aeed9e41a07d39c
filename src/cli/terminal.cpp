#include "cli/terminal.h"

#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <memory>
#include <utility>

namespace parley::cli {
namespace {

constexpr int history_lines_max = 1000;
constexpr wchar_t prompt[] = L"> ";
constexpr std::size_t prompt_columns = 2;

void write_all(int output, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(output, text.data(), text.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::size_t columns(int output) noexcept {
  winsize size{};
  return ioctl(output, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// libedit reads characters of the locale's encoding; without a locale that would be ASCII.
void set_locale() {
  if (!std::setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// libedit wants files; these are its own.
File open_file(int descriptor, const char* mode) { return File(fdopen(dup(descriptor), mode), &std::fclose); }

// In the locale's encoding, which is how it was typed.
std::string to_bytes(const std::wstring& line) {
  std::string bytes;
  std::mbstate_t state{};
  std::array<char, MB_LEN_MAX> character;
  for (wchar_t wide : line) {
    const std::size_t size = std::wcrtomb(character.data(), wide, &state);
    if (size != static_cast<std::size_t>(-1)) bytes.append(character.data(), size);
  }
  return bytes;
}

}  // namespace

bool is_terminal(int input, int output) noexcept { return isatty(input) && isatty(output); }

// libedit, on the terminal's own thread.
class Terminal::Editor {
 public:
  explicit Editor(Terminal& owner);
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;
  ~Editor();

  // The next line that is typed, without its newline; nothing at the end.
  std::optional<std::string> next();

 private:
  static wchar_t* show_prompt(EditLine*) { return const_cast<wchar_t*>(prompt); }
  static int get(EditLine* editor, wchar_t* character);

  bool attend();
  int read_character(wchar_t* character);
  void leave_line();
  void suspend();

  Terminal& terminal_;
  File in_, out_;
  EditLine* editor_;
  HistoryW* history_;
};

Terminal::Editor::Editor(Terminal& owner)
    : terminal_(owner),
      in_(open_file(owner.input_, "r")),
      out_(open_file(owner.output_, "w")),
      editor_(el_init("parley", in_.get(), out_.get(), out_.get())),
      history_(history_winit()) {
  HistEventW event;
  history_w(history_, &event, H_SETSIZE, history_lines_max);
  history_w(history_, &event, H_SETUNIQUE, 1);
  el_wset(editor_, EL_CLIENTDATA, this);
  el_wset(editor_, EL_EDITOR, L"emacs");
  el_wset(editor_, EL_PROMPT, &Editor::show_prompt);
  el_wset(editor_, EL_HIST, history_w, history_);
  el_wset(editor_, EL_GETCFN, &Editor::get);
  el_source(editor_, nullptr);  // the user's ~/.editrc
}

Terminal::Editor::~Editor() {
  el_end(editor_);
  history_wend(history_);
}

std::optional<std::string> Terminal::Editor::next() {
  int count = 0;
  el_wset(editor_, EL_PREP_TERM, 1);  // before the prompt, so that the kernel echoes nothing after it
  const wchar_t* typed = el_wgets(editor_, &count);
  if (!typed || count <= 0) {
    write_all(terminal_.output_, "\r\x1b[J");  // the prompt, and how Ctrl-D is echoed
    return std::nullopt;
  }
  std::wstring line(typed, static_cast<std::size_t>(count));
  if (line.ends_with(L'\n')) line.pop_back();
  if (line.empty()) return std::nullopt;
  HistEventW event;
  history_w(history_, &event, H_ENTER, line.c_str());
  return to_bytes(line);
}

int Terminal::Editor::get(EditLine* editor, wchar_t* character) {
  void* self = nullptr;
  el_wget(editor, EL_CLIENTDATA, &self);
  return static_cast<Editor*>(self)->read_character(character);
}

// Moves the cursor to where the prompt begins and clears from there on.
void Terminal::Editor::leave_line() {
  const LineInfoW* line = el_wline(editor_);
  std::size_t width = prompt_columns;
  for (const wchar_t* at = line->buffer; at < line->cursor; ++at)
    width += static_cast<std::size_t>(std::max(wcwidth(*at), 0));
  std::string moves = "\r";
  if (const std::size_t row = width / columns(terminal_.output_); row > 0) moves += "\x1b[" + std::to_string(row) + "A";
  write_all(terminal_.output_, moves + "\x1b[J");
}

// Looks at what the other threads want. False: to end.
bool Terminal::Editor::attend() {
  std::string lines;
  bool ending = false;
  bool resize = false;
  bool stop = false;
  {
    std::lock_guard lock(terminal_.mutex_);
    ending = terminal_.ending_;
    lines = std::exchange(terminal_.waiting_, {});
    resize = std::exchange(terminal_.resized_, false);
    stop = std::exchange(terminal_.suspend_, false);
  }
  if (ending) {
    leave_line();
    write_all(terminal_.output_, lines);
    return false;
  }
  if (resize) el_resize(editor_);
  if (stop) suspend();
  if (!lines.empty()) {
    leave_line();
    write_all(terminal_.output_, lines);
  }
  if (stop || !lines.empty()) el_wset(editor_, EL_REFRESH);
  return true;
}

void Terminal::Editor::suspend() {
  leave_line();
  el_wset(editor_, EL_PREP_TERM, 0);
  kill(getpid(), SIGSTOP);
  el_wset(editor_, EL_PREP_TERM, 1);
}

// libedit's getc: 1 with a character, 0 at the end.
int Terminal::Editor::read_character(wchar_t* character) {
  std::array<pollfd, 2> ready{{{terminal_.input_, POLLIN, 0}, {terminal_.waker_.descriptor(), POLLIN, 0}}};
  std::mbstate_t state{};
  for (;;) {
    if (poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return 0;
    }
    if (ready[1].revents != 0) {
      terminal_.waker_.clear();
      if (!attend()) return 0;
    }
    if (ready[0].revents == 0) continue;
    char byte = 0;
    const ssize_t size = ::read(terminal_.input_, &byte, 1);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return 0;
    const std::size_t used = std::mbrtowc(character, &byte, 1, &state);
    if (used == static_cast<std::size_t>(-2)) continue;  // the character goes on
    if (used == static_cast<std::size_t>(-1)) {          // it is none: dropped, as libedit does
      state = {};
      continue;
    }
    return 1;
  }
}

Terminal::Terminal(int input, int output, OnLine on_line)
    : input_(input), output_(output), on_line_(std::move(on_line)) {
  set_locale();
  thread_ = std::thread([this] { run(); });
}

Terminal::~Terminal() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  waker_.wake();
  thread_.join();
}

void Terminal::run() {
  bool ended_by_user = false;
  {
    Editor editor(*this);
    for (;;) {
      auto line = editor.next();
      ended_by_user = !line;
      if (!line) break;
      on_line_(std::move(line));
    }
  }
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    write_all(output_, std::exchange(waiting_, {}));
    ended_by_user = ended_by_user && !ending_;
  }
  if (ended_by_user) on_line_(std::nullopt);
}

void Terminal::print(std::string_view line) {
  std::lock_guard lock(mutex_);
  waiting_.append(line).push_back('\n');
  if (ended_) {
    write_all(output_, std::exchange(waiting_, {}));
  } else {
    waker_.wake();
  }
}

void Terminal::resized() {
  std::lock_guard lock(mutex_);
  resized_ = true;
  waker_.wake();
}

void Terminal::suspend() {
  std::lock_guard lock(mutex_);
  suspend_ = true;
  waker_.wake();
}

}  // namespace parley::cli
