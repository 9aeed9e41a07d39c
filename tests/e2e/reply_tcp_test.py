"""`parley serve` over TCP: every row of the server's table, as a plain socket program sees it."""

import socket
import unittest

from harness import ANSWER, Case, receive_all, receive_exactly, reset


class ReplyTcp(Case):
    def ask(self, server, message):
        """Sends one message on a connection of its own and ends it. (answers, the lines printed for it)."""
        peer, name = self.tcp(server.tcp_port)
        peer.sendall(message)
        peer.shutdown(socket.SHUT_WR)
        data = receive_all(peer)
        server.out.wait_for(f"{name} disconnected")
        return data, [line.replace(name, "X") for line in server.out.so_far() if name in line]

    def test_one_message_from_start_to_end(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        server.out.wait_for(f"Connected by {name}")
        peer.sendall(b"a")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        server.out.wait_for(f"Received a from {name}")
        peer.close()
        server.out.wait_for(f"{name} disconnected")
        self.assertEqual(self.stop(server), [
            f"Bound to tcp://127.0.0.1:{server.tcp_port}", f"Connected by {name}", f"Received a from {name}",
            f"{name} disconnected", "Stopping"])

    def test_parameters(self):
        server = self.serve()
        for message, parameters in [
                ("a", ["a"]), ("a,b", ["a", "b"]), ("a,", ["a", ""]), (",", ["", ""]), (",a", ["", "a"]),
                ("a,,b", ["a", "", "b"]), (" a , b ", [" a ", " b "]), ("é,日本,😀", ["é", "日本", "😀"]),
                (",".join("abcdefghij"), list("abcdefghij")), ("a b", ["a b"]), ("a;b", ["a;b"]),
                ("{},%s", ["{}", "%s"])]:
            with self.subTest(message=message):
                data, lines = self.ask(server, message.encode())
                self.assertEqual(data, ANSWER * len(parameters))
                self.assertEqual(lines, ["Connected by X", *(f"Received {p} from X" for p in parameters),
                                         "X disconnected"])
        self.stop(server)

    def test_an_empty_message_has_no_parameters(self):
        server = self.serve()
        self.assertEqual(self.ask(server, b""), (b"", ["Connected by X", "X disconnected"]))
        self.stop(server)

    def test_nothing_comes_before_or_between_the_answers(self):
        server = self.serve()
        peer, _ = self.tcp(server.tcp_port)
        for message, count in [(b"a", 1), (b"b,c", 2), (b",", 2), (b"d", 1)]:
            peer.sendall(message)
            self.assertEqual(receive_exactly(peer, count * len(ANSWER)), ANSWER * count)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), b"")
        self.stop(server)

    def test_a_split_character_is_put_together(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        peer.sendall(b"a\xc3")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)  # so the first half has been received alone
        peer.sendall(b"\xa9,b")
        self.assertEqual(receive_exactly(peer, 2 * len(ANSWER)), 2 * ANSWER)
        peer.close()
        server.out.wait_for(f"{name} disconnected")
        self.assertEqual(server.out.so_far()[2:-1],
                         [f"Received {text} from {name}" for text in ("a", "é", "b")])
        self.stop(server)

    def test_a_character_in_four_pieces(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        for byte in "😀".encode():
            peer.sendall(bytes([byte]))
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), b"")
        server.out.wait_for(f"Received 😀 from {name}")
        self.stop(server)

    def test_half_a_character_at_the_end_is_shown_and_answered(self):
        server = self.serve()
        data, lines = self.ask(server, b"\xe2\x82")
        self.assertEqual((data, lines[1:-1]), (ANSWER, [r"Received \xe2\x82 from X"]))
        self.stop(server)

    def test_bytes_that_are_not_utf8_are_escaped_and_answered(self):
        server = self.serve()
        for message, shown in [
                (b"\xff,b", [r"\xff", "b"]), (b"a\xfeb", [r"a\xfeb"]), (b"\xc3,b", [r"\xc3", "b"]),
                (b"\x80", [r"\x80"]), (b"\xc0\xaf", [r"\xc0\xaf"]),      # stray continuation, overlong
                (b"\xed\xa0\x80", [r"\xed\xa0\x80"]),                    # a surrogate
                (b"\xf4\x90\x80\x80", [r"\xf4\x90\x80\x80"]),            # beyond U+10FFFF
                (b"\xe6\x97x", [r"\xe6\x97x"])]:
            with self.subTest(message=message):
                data, lines = self.ask(server, message)
                self.assertEqual(data, ANSWER * len(shown))
                self.assertEqual(lines[1:-1], [f"Received {text} from X" for text in shown])
        self.assert_answers(server)
        self.stop(server)

    def test_control_characters_are_escaped(self):
        server = self.serve()
        for message, shown in [
                (b"\x1b[2J", r"\x1b[2J"), (b"a\x00b", r"a\x00b"), (b"\x07\x08\x7f", r"\x07\x08\x7f"),
                (b"a\r\n", r"a\x0d\x0a"), (b"\t", r"\x09"), ("\u009b31m".encode(), r"\u{9b}31m"),
                ("\u202eabc".encode(), r"\u{202e}abc"), ("\u2066x\u2069".encode(), r"\u{2066}x\u{2069}")]:
            with self.subTest(message=message):
                data, lines = self.ask(server, message)
                self.assertEqual(data, ANSWER)
                self.assertEqual(lines[1:-1], [f"Received {shown} from X"])
        for line in self.stop(server):
            self.assertTrue(line.isprintable(), line)

    def test_a_reset_is_a_disconnect(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        peer.sendall(b"a")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        reset(peer)
        server.out.wait_for(f"{name} disconnected")
        self.assert_answers(server)
        self.stop(server)

    def test_a_client_that_sends_nothing(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        peer.close()
        server.out.wait_for(f"{name} disconnected")
        lines = self.stop(server)
        self.assertEqual(lines[1:], [f"Connected by {name}", f"{name} disconnected", "Stopping"])

    def test_a_byte_at_a_time_is_a_message_each(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        for byte, count in [(b"a", 1), (b",", 2), (b"b", 1)]:
            peer.sendall(byte)
            self.assertEqual(receive_exactly(peer, count * len(ANSWER)), ANSWER * count)
        peer.close()
        server.out.wait_for(f"{name} disconnected")
        self.assertEqual(server.out.so_far()[2:-1],
                         [f"Received {text} from {name}" for text in ("a", "", "", "b")])
        self.stop(server)

    def test_clients_are_served_each_on_its_own(self):
        server = self.serve()
        silent = [self.tcp(server.tcp_port) for _ in range(20)]
        peers = [self.tcp(server.tcp_port) for _ in range(50)]
        for number, (peer, _) in reversed(list(enumerate(peers))):
            peer.sendall(b"client %d" % number)
        for number, (peer, name) in enumerate(peers):
            self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
            server.out.wait_for(f"Received client {number} from {name}")
        for peer, name in peers + silent:
            peer.close()
            server.out.wait_for(f"{name} disconnected")
        self.stop(server)

    def test_a_client_that_closes_without_reading_its_answer(self):
        server = self.serve()
        for _ in range(20):
            peer, name = self.tcp(server.tcp_port)
            peer.sendall(b"a,b,c")
            peer.close()
            server.out.wait_for(f"{name} disconnected")
        self.assert_answers(server)
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
