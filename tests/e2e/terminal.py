"""A terminal for a program: a pty, and a screen that shows what the program's output would look like on it."""

import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
import unicodedata

from harness import DEADLINE_SECONDS


class Screen:
    """Understands what a line editor sends to an xterm: text, motion, erasing, inserting and deleting characters."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.inserting = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escape = None  # the escape sequence being received

    def lines(self):
        """The rows as text, without blanks at their ends, up to the last that is not empty."""
        text = ["".join(cells).rstrip() for cells in self.cells]
        while text and not text[-1]:
            text.pop()
        return text

    def feed(self, data):
        for character in self._decoder.decode(data):
            if self._escape is not None:
                self._escape += character
                self._continue_escape()
            elif character == "\x1b":
                self._escape = ""
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self._down()
            elif character == "\b":
                self.column = max(0, min(self.column, self.columns - 1) - 1)
            elif character == "\t":
                self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            elif character >= " ":
                self._put(character)

    def _down(self):
        self.row += 1
        if self.row == self.rows:
            self.row -= 1
            self.cells = self.cells[1:] + [[" "] * self.columns]

    def _put(self, character):
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.column + width > self.columns:  # the last column holds its character until the next one comes
            self.column = 0
            self._down()
        cells = self.cells[self.row]
        for text in [character, ""][:width]:  # the second half of a wide character is a cell without text
            if self.inserting:
                cells.insert(self.column, text)
                cells.pop()
            else:
                cells[self.column] = text
            self.column += 1

    def _continue_escape(self):
        sequence = self._escape
        if sequence[0] == "[":
            if len(sequence) > 1 and "@" <= sequence[-1] <= "~":
                self._escape = None
                self._control(sequence[1:-1], sequence[-1])
        elif sequence[0] not in "()" or len(sequence) == 2:  # a character set takes one more
            self._escape = None
            if sequence[0] == "M":
                self.row = max(0, self.row - 1)

    def _control(self, parameters, final):
        if final in "hl":
            if parameters == "4":
                self.inserting = final == "h"
            return
        numbers = [int(text or 0) for text in parameters.lstrip("?>").split(";")]
        count = max(1, numbers[0])
        self.column = min(self.column, self.columns - 1) if final in "ABCDPJK@X" else self.column
        cells = self.cells[self.row]
        if final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = min(self.columns, count) - 1
        elif final == "H":
            self.row, self.column = count - 1, max(1, (numbers + [1])[1]) - 1
        elif final == "K":
            self._erase(cells, numbers[0])
        elif final == "J":
            self._erase(cells, numbers[0])
            for other in {0: self.cells[self.row + 1:], 1: self.cells[:self.row]}.get(numbers[0], self.cells):
                other[:] = [" "] * self.columns
        elif final == "P":
            cells[self.column:] = cells[self.column + count:] + [" "] * min(count, self.columns - self.column)
        elif final == "@":
            cells[self.column:] = ([" "] * count + cells[self.column:])[:self.columns - self.column]
        elif final == "X":
            cells[self.column:self.column + count] = [" "] * min(count, self.columns - self.column)

    def _erase(self, cells, how):
        first, last = {0: (self.column, self.columns), 1: (0, self.column + 1)}.get(how, (0, self.columns))
        cells[first:last] = [" "] * (last - first)


class Terminal:
    """A program on a terminal of its own. type() is the keyboard, wait() looks at the screen."""

    def __init__(self, *command, rows=24, columns=80):
        self._master, self._terminal = pty.openpty()
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._settings = termios.tcgetattr(self._terminal)
        self.screen = Screen(rows, columns)
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=self._terminal, stdout=self._terminal, stderr=self._terminal,
            env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def type(self, keys):
        os.write(self._master, keys.encode())

    def lines(self):
        return self.screen.lines()

    def _read(self, deadline):
        """Takes in what the program has written. False when the deadline has passed."""
        if not select.select([self._master], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        self.screen.feed(os.read(self._master, 1 << 16))
        return True

    def wait(self, what, holds):
        """Until holds(lines) is true."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds(self.lines()):
            if not self._read(deadline):
                raise AssertionError(f"{what} did not happen. The screen:\n  " + "\n  ".join(self.lines()))

    def wait_for(self, *lines, column=None):
        """Until the last rows are these, and the cursor stands in the column of the last row."""
        def holds(rows):
            at_end = self.screen.row == len(rows) - 1 and self.screen.column == column
            return rows[-len(lines):] == list(lines) and (column is None or at_end)
        self.wait(f"{lines} (column {column})", holds)

    def end(self):
        """(exit code, the last rows), after the program ended by itself. Its settings of the terminal must be gone."""
        code = self.process.wait(DEADLINE_SECONDS)
        while select.select([self._master], [], [], 0)[0]:
            self.screen.feed(os.read(self._master, 1 << 16))
        left = termios.tcgetattr(self._terminal)
        if left != self._settings:
            raise AssertionError(f"the terminal was not restored: {self._settings} became {left}")
        return code, self.lines()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._terminal)
