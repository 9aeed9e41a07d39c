"""Replays the terminals shown in README.md: what the page promises a newcomer is what the program does.

A fenced block marked `console` is one terminal, and the blocks are terminals beside each other: a server that one
block starts keeps running while the next blocks are replayed. In a block

    $ COMMAND       is run, in a folder where ./dev, ./build/release/parley and parley are the program under test
    > TEXT          is typed by the user (or ">" alone: an empty line)
    ^C              is typed by the user
    ...             in a line is any text; alone in a line any number of lines
    54321           and every port of 32768 and above is any number, the same one wherever it stands in the block

and everything else is the expected output. Only a command with the word `serve` goes on by itself; it is interrupted
at the end, when the page does not show that.
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from harness import PARLEY, ROOT, Case, own_network

EPHEMERAL = r"\b(3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b"
ISOLATED = False


def setUpModule():
    global ISOLATED
    ISOLATED = own_network()


def blocks(page):
    return re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(block):
    """[(command, its lines)] of a block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def pattern(lines):
    """The regular expression for a program's output, each line ending in a newline."""
    expression, known = "", set()
    for line in lines:
        if line == "...":
            expression += r"(?:.*\n)*?"
            continue
        for part in re.split(r"(\.\.\.|" + EPHEMERAL.replace("(", "(?:", 1) + ")", line):
            if part == "...":
                expression += ".*"
            elif re.fullmatch(EPHEMERAL, part):
                expression += f"(?P=port{part})" if part in known else rf"(?P<port{part}>\d+)"
                known.add(part)
            else:
                expression += re.escape(part)
        expression += r"\n"
    return expression


class Command:
    """A command that a terminal runs, and what the page shows of it."""

    def __init__(self, case, command, lines, folder):
        self.lines = lines
        self.serves = re.search(r"\bserve\b", command) is not None
        if not re.search(r"[|;&]", command):
            command = "exec " + command  # so that the process is the program, and ^C reaches it
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        self.program = case.start("sh", "-c", f"exec 2>&1; {command}", stdin=subprocess.PIPE, cwd=folder,
                                  env=environment)
        self.seen = []  # the lines of output expected so far

    def expect(self, lines):
        self.seen += lines
        expression = re.compile(pattern(self.seen))
        self.program.out.wait_until("\n  ".join(["", *self.seen]) + "\n",
                                    lambda so_far: expression.match("".join(line + "\n" for line in so_far)))

    def begin(self):
        """Waits for the first line, after which the next terminal has something to talk to."""
        if self.lines and self.lines[0] != "..." and not self.lines[0].startswith((">", "^C")):
            self.expect([self.lines.pop(0)])

    def finish(self):
        interrupted = False
        for line in self.lines:
            if line == "^C":
                self.program.send_signal(signal.SIGINT)
                interrupted = True
            elif line == ">" or line.startswith("> "):
                self.program.write(line[2:].encode() + b"\n")
            else:
                self.expect([line])
        self.program.end_input()
        if self.serves and not interrupted:
            self.program.send_signal(signal.SIGINT)
        code = self.program.wait()
        if not self.serves or interrupted:  # then the page shows all of it
            text = "".join(line + "\n" for line in self.program.out.all())
            if not re.fullmatch(pattern(self.seen), text):
                raise AssertionError(f"README.md shows\n{self.seen}\nbut the program printed\n{text}")
        if code != 0:
            raise AssertionError(f"exit code {code} of {self.program.command}")


class Transcript(Case):
    def replay(self, page):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("dev", "parley", "build/release/parley"):
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f'#!/bin/sh\nexec "{PARLEY}" "$@"\n')
                path.chmod(0o755)
            running = []
            for block in blocks(page):
                for command, lines in commands(block):
                    if command.startswith(("git clone", "cd ")):
                        continue
                    if running and running[-1].block == block:
                        running.pop().finish()
                    running.append(Command(self, command, lines, folder))
                    running[-1].block = block
                    running[-1].begin()
            while running:
                running.pop().finish()

    def test_the_readme(self):
        if not ISOLATED:
            self.skipTest("port 9000 may be taken on this machine")
        page = (ROOT / "README.md").read_text()
        self.assertTrue(blocks(page), "README.md shows no terminal")
        self.replay(page)

    def test_a_page_that_lies_is_caught(self):
        true = "```console\n$ parley --version\nparley ...\n```\n"
        self.replay(true)
        for lie in ("```console\n$ parley --version\nparley is great\n```\n",
                    "```console\n$ parley --version\n```\n", "```console\n$ false\n```\n",
                    "```console\n$ echo 40000 40001\n50000 50000\n```\n",
                    "```console\n$ parley --version\nparley ...\nand more\n```\n"):
            with self.subTest(page=lie), self.assertRaises(AssertionError):
                self.replay(lie)


if __name__ == "__main__":
    unittest.main()
