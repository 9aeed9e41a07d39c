"""`parley connect` on a terminal: editing, history, messages that arrive while a line is typed, Ctrl-C, Ctrl-D."""

import signal
import unittest

from harness import ANSWER, PARLEY, Case, receive_all
from terminal import Terminal

ANSWERED = "Received Echo from server from server"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
BACKSPACE, ENTER = "\x7f", "\r"


def control(letter):
    return chr(ord(letter) - ord("A") + 1)


class ConnectTerminal(Case):
    def setUp(self):
        server, port = self.listener()
        self.terminal = Terminal(PARLEY, "connect", f"tcp://127.0.0.1:{port}")
        self.addCleanup(self.terminal.close)
        self.peer = self.accept(server)
        self.terminal.wait_for(f"Connected to 127.0.0.1:{port}", ">", column=2)

    def enter(self, keys, sent, answered=True):
        """Types a line, which reaches the server as `sent`, and lets the server answer."""
        before = self.terminal.lines().count(ANSWERED)
        self.terminal.type(keys + ENTER)
        self.assertEqual(self.peer.recv(1000).decode(), sent)
        if answered:  # one more than before: the screen may still show an earlier answer and its prompt
            self.peer.sendall(ANSWER)
            self.terminal.wait("answer", lambda rows: rows.count(ANSWERED) > before)
            self.terminal.wait_for(ANSWERED, ">", column=2)

    def test_a_line_and_its_answer(self):
        self.enter("a,b", "a,b")
        self.assertEqual(self.terminal.lines()[1:], ["> a,b", ANSWERED, ">"])

    def test_editing(self):
        self.enter("help" + BACKSPACE + "lo", "hello")
        self.enter("ac" + LEFT + "b", "abc")
        self.enter("bc" + control("A") + "a" + control("E") + "d", "abcd")
        self.enter("ab" + LEFT + LEFT + RIGHT + "-", "a-b")
        self.enter("all of this goes" + control("U") + "x", "x")
        self.enter("é日" + BACKSPACE + "è", "éè")

    def test_history(self):
        self.enter("first", "first")
        self.enter("second", "second")
        self.terminal.type(UP + UP)
        self.terminal.wait_for("> first")
        self.enter("", "first")
        self.terminal.type(UP)
        self.terminal.wait_for("> first")
        self.terminal.type(UP)
        self.terminal.wait_for("> second")
        self.terminal.type(DOWN)
        self.terminal.wait_for("> first")
        self.enter(BACKSPACE + "!", "firs!")

    def test_lines_are_sent_as_they_are_typed(self):
        for word in ("one", "two", "three"):
            self.enter(word, word, answered=False)
        self.peer.sendall(b"1")
        self.terminal.wait_for("Received 1 from server", ">", column=2)

    def test_a_message_leaves_the_line_being_typed_alone(self):
        self.terminal.type("half a line")
        self.terminal.wait_for("> half a line", column=13)
        self.peer.sendall(b"news")
        self.terminal.wait_for("Received news from server", "> half a line", column=13)
        self.assertEqual(len(self.terminal.lines()), 3)
        self.peer.sendall(b"more")
        self.terminal.wait_for("Received news from server", "Received more from server", "> half a line", column=13)
        self.enter(", whole", "half a line, whole")

    def test_a_message_leaves_the_cursor_inside_the_line(self):
        self.terminal.type("ab" + LEFT)
        self.terminal.wait_for("> ab", column=3)
        self.peer.sendall(b"news")
        self.terminal.wait_for("Received news from server", "> ab", column=3)
        self.enter("-", "a-b")

    def test_a_message_while_the_line_fills_two_rows(self):
        line = "0123456789" * 12
        self.terminal.type(line)
        self.terminal.wait_for("> " + line[:78], line[78:], column=42)
        self.peer.sendall(b"news")
        self.terminal.wait_for("Received news from server", "> " + line[:78], line[78:], column=42)
        self.assertEqual(len(self.terminal.lines()), 4)
        self.enter("!", line + "!")

    def test_a_message_that_fills_several_rows(self):
        self.terminal.type("typed")
        self.terminal.wait_for("> typed", column=7)
        self.peer.sendall(b"x" * 200)
        shown = f"Received {'x' * 200} from server"
        self.terminal.wait_for(shown[:80], shown[80:160], shown[160:], "> typed", column=7)
        self.enter("", "typed")

    def test_a_message_after_history(self):
        self.enter("first", "first")
        self.terminal.type(UP)
        self.terminal.wait_for("> first", column=7)
        self.peer.sendall(b"news")
        self.terminal.wait_for("Received news from server", "> first", column=7)
        self.enter(BACKSPACE, "firs")

    def test_a_peer_can_not_drive_the_terminal(self):
        self.peer.sendall(b"\x1b[2J\x1b]0;owned\x07\r\xff")
        self.terminal.wait_for(r"Received \x1b[2J\x1b]0;owned\x07\x0d\xff from server", ">", column=2)

    def test_control_d_ends(self):
        self.enter("a", "a")
        self.terminal.type(control("D"))
        self.assertEqual(receive_all(self.peer), b"")
        self.peer.close()
        code, lines = self.terminal.end()
        self.assertEqual(code, 0, lines)
        self.assertNotIn("server disconnected", lines)

    def test_an_empty_line_ends(self):
        self.terminal.type(ENTER)
        self.assertEqual(receive_all(self.peer), b"")
        self.peer.close()
        self.assertEqual(self.terminal.end()[0], 0)

    def test_what_is_outstanding_is_printed_before_it_exits(self):
        self.enter("a", "a", answered=False)
        self.terminal.type(control("D"))
        self.assertEqual(receive_all(self.peer), b"")
        self.peer.sendall(ANSWER)
        self.peer.close()
        code, lines = self.terminal.end()
        self.assertEqual(code, 0)
        self.assertIn(ANSWERED, lines)

    def test_control_c_ends_at_once(self):
        self.terminal.type("never sent")
        self.terminal.wait_for("> never sent", column=12)
        self.terminal.type(control("C"))
        self.assertEqual(self.terminal.end()[0], 130)
        self.assertEqual(receive_all(self.peer), b"")

    def test_a_signal_restores_the_terminal(self):
        self.terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.terminal.end()[0], 143)

    def test_the_server_goes_while_a_line_is_being_typed(self):
        self.enter("a", "a")
        self.terminal.type("half")
        self.terminal.wait_for("> half", column=6)
        self.peer.close()
        code, lines = self.terminal.end()
        self.assertEqual((code, lines[-1]), (0, "server disconnected"))

    def test_the_server_goes_without_an_answer(self):
        self.enter("a", "a", answered=False)
        self.peer.close()
        code, lines = self.terminal.end()
        self.assertEqual((code, lines[-1]), (1, "server disconnected"))


if __name__ == "__main__":
    unittest.main()
