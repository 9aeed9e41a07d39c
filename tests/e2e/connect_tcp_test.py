"""`parley connect` over TCP: every row of the client's table, against `parley serve` and servers of the test's own."""

import signal
import socket
import subprocess
import tempfile
import unittest

from harness import ANSWER, DEADLINE_SECONDS, Case, has_ipv6, receive_all, receive_exactly, reset

ANSWERED = "Received Echo from server from server"


class ConnectTcp(Case):
    def meet(self, *arguments, **options):
        """A client and its connection to a server of the test's own: (program, socket, port)."""
        server, port = self.listener()
        client = self.connect(f"tcp://127.0.0.1:{port}", *arguments, **options)
        peer = self.accept(server)
        client.out.wait_for(f"Connected to 127.0.0.1:{port}")
        return client, peer, port

    def assert_end(self, client, code, lines):
        """It ended with `code`, complained of nothing and printed `lines` after the first."""
        self.assertEqual((client.wait(), client.err.all()), (code, []))
        self.assertEqual(client.out.all()[1:], lines)

    def test_every_answer_is_printed_before_it_exits(self):
        server = self.serve()
        for text, count in [(b"a,b", 2), (b"a", 1), (b"a,b\n", 2), (b",", 2), (b"a,b,c,d,e,f", 6)]:
            with self.subTest(text=text):
                client = self.run_parley("connect", f"tcp://127.0.0.1:{server.tcp_port}", text=text)
                self.assertEqual((client.code, client.err.all()), (0, []))
                first, *answers = client.out.all()
                self.assertEqual(first, f"Connected to 127.0.0.1:{server.tcp_port}")
                bodies = [line.removeprefix("Received ").removesuffix(" from server") for line in answers]
                self.assertEqual("".join(bodies), ANSWER.decode() * count)  # TCP may join them in one line
        self.stop(server)

    def test_each_line_is_a_message(self):
        server = self.serve()
        client = self.run_parley("connect", f"tcp://127.0.0.1:{server.tcp_port}", text=b"first\nsecond\nthird")
        self.assertEqual(client.code, 0)
        self.assertEqual(client.out.all()[1:], [ANSWERED] * 3)
        shown = [line.split()[1] for line in self.stop(server) if line.startswith("Received ")]
        self.assertEqual(shown, ["first", "second", "third"])

    def test_a_line_is_sent_without_its_newline(self):
        client, peer, _ = self.meet()
        client.write(b"a,b\n")
        self.assertEqual(peer.recv(100), b"a,b")
        peer.sendall(ANSWER)
        client.out.wait_for(ANSWERED)
        client.end_input()
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assert_end(client, 0, [ANSWERED])

    def test_the_next_line_waits_for_the_answer(self):
        client, peer, _ = self.meet()
        client.write(b"one\ntwo\nthree")
        client.end_input()
        for line in (b"one", b"two", b"three"):
            self.assertEqual(peer.recv(100), line)
            peer.sendall(ANSWER)
        self.assertEqual(peer.recv(100), b"")
        peer.close()
        self.assert_end(client, 0, [ANSWERED] * 3)

    def test_an_empty_line_ends(self):
        client, peer, _ = self.meet()
        client.write(b"a\n\nnever sent\n")
        self.assertEqual(peer.recv(100), b"a")
        peer.sendall(ANSWER)
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assert_end(client, 0, [ANSWERED])

    def test_no_input_at_all(self):
        client, peer, _ = self.meet(stdin=subprocess.DEVNULL)
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assert_end(client, 0, [])

    def test_answers_that_come_after_the_end_of_input(self):
        client, peer, _ = self.meet()
        client.write(b"a")
        client.end_input()
        self.assertEqual(receive_all(peer), b"a")
        for answer in (b"one", b"two"):
            peer.sendall(answer)
            client.out.wait_for(f"Received {answer.decode()} from server")
        peer.close()
        self.assert_end(client, 0, ["Received one from server", "Received two from server"])

    def test_the_server_may_speak_first_and_several_times(self):
        client, peer, _ = self.meet()
        for word in (b"welcome", b"to", b"the server"):
            peer.sendall(word)
            client.out.wait_for(f"Received {word.decode()} from server")
        client.write(b"a\n")
        self.assertEqual(peer.recv(100), b"a")
        for word in (b"1", b"2"):
            peer.sendall(word)
            client.out.wait_for(f"Received {word.decode()} from server")
        client.end_input()
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assertEqual(client.wait(), 0)

    def test_the_server_goes_after_answering(self):
        client, peer, _ = self.meet()
        client.write(b"a\n")
        self.assertEqual(peer.recv(100), b"a")
        peer.sendall(ANSWER)
        peer.close()
        self.assert_end(client, 0, [ANSWERED, "server disconnected"])

    def test_the_server_goes_without_answering(self):
        client, peer, _ = self.meet()
        client.write(b"a\n")
        self.assertEqual(peer.recv(100), b"a")
        peer.close()
        self.assert_end(client, 1, ["server disconnected"])

    def test_the_server_goes_without_answering_after_the_end_of_input(self):
        client, peer, _ = self.meet()
        client.write(b"a")
        client.end_input()
        self.assertEqual(receive_all(peer), b"a")
        peer.close()
        self.assert_end(client, 1, ["server disconnected"])

    def test_the_server_answers_the_first_line_and_not_the_second(self):
        client, peer, _ = self.meet()
        client.write(b"a\nb\n")
        self.assertEqual(peer.recv(100), b"a")
        peer.sendall(ANSWER)
        self.assertEqual(peer.recv(100), b"b")
        peer.close()
        self.assert_end(client, 1, [ANSWERED, "server disconnected"])

    def test_the_server_goes_at_once(self):
        client, peer, _ = self.meet()
        peer.close()
        self.assert_end(client, 0, ["server disconnected"])

    def test_a_reset_is_a_disconnect(self):
        for sent, code in [(b"", 0), (b"a\n", 1)]:
            with self.subTest(sent=sent):
                client, peer, _ = self.meet()
                client.write(sent)
                self.assertEqual(receive_exactly(peer, len(sent.strip())), sent.strip())
                reset(peer)
                self.assert_end(client, code, ["server disconnected"])

    def test_nothing_listening(self):
        port = self.closed_port()
        client = self.connect(f"tcp://127.0.0.1:{port}")
        self.assert_error(client, 1, f"127.0.0.1:{port}", "connection refused")
        self.assertEqual(client.out.all(), [])
        self.assertLess(client.seconds, 5)

    def test_an_answer_that_does_not_come(self):
        client, peer, port = self.meet("--timeout", "0.3")
        client.write(b"a\nb\n")
        self.assert_error(client, 1, f"127.0.0.1:{port}", "no answer within 0.3 s")
        self.assertGreaterEqual(client.seconds, 0.3)
        self.assertEqual(receive_all(peer), b"a")

    def test_an_answer_that_does_not_come_after_the_end_of_input(self):
        client, peer, port = self.meet("--timeout", "0.3")
        client.write(b"a")
        client.end_input()
        self.assertEqual(receive_all(peer), b"a")
        self.assert_error(client, 1, f"127.0.0.1:{port}", "no answer")

    def test_a_server_that_stays_after_the_end_of_input(self):
        client, peer, _ = self.meet("--timeout", "0.3")
        client.write(b"a\n")
        self.assertEqual(peer.recv(100), b"a")
        peer.sendall(ANSWER)
        client.end_input()
        self.assertEqual(receive_all(peer), b"")  # and the test does not close
        self.assert_end(client, 0, [ANSWERED])

    def test_timeout_zero_never_waits(self):
        client, peer, _ = self.meet("--timeout", "0")
        client.write(b"a\nb\nc\n")
        client.end_input()
        self.assertEqual(receive_all(peer), b"abc")
        self.assert_end(client, 0, [])

    def test_what_the_server_sends_is_escaped(self):
        client, peer, _ = self.meet()
        for sent, shown in [(b"\x1b]0;owned\x07", r"\x1b]0;owned\x07"), (b"\xff", r"\xff"), (b"a\r\nb", r"a\x0d\x0ab"),
                            ("\u202e".encode(), r"\u{202e}"), ("é".encode(), "é")]:
            peer.sendall(sent)
            client.out.wait_for(f"Received {shown} from server")
        client.kill()

    def test_a_split_character_is_put_together(self):
        client, peer, _ = self.meet()
        peer.sendall(b"a\xe2\x82")
        client.out.wait_for("Received a from server")
        peer.sendall(b"\xac")
        client.out.wait_for("Received € from server")
        client.kill()

    def test_a_long_line_and_a_long_answer(self):
        client, peer, _ = self.meet()
        line = b"0123456789" * 30_000
        client.write(line + b"\n")
        self.assertEqual(receive_exactly(peer, len(line)), line)
        peer.sendall(line)
        client.end_input()
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assertEqual(client.wait(), 0)
        bodies = [text.removeprefix("Received ").removesuffix(" from server") for text in client.out.all()[1:]]
        self.assertEqual("".join(bodies).encode(), line)

    def test_a_name_of_the_host(self):
        server, port = self.listener()  # IPv4 only, while "localhost" may be ::1 first
        client = self.connect(f"tcp://localhost:{port}")
        peer = self.accept(server)
        client.out.wait_for(f"Connected to 127.0.0.1:{port}")
        client.end_input()
        self.assertEqual(receive_all(peer), b"")
        peer.close()
        self.assert_end(client, 0, [])

    def test_a_name_that_does_not_exist(self):
        client = self.connect("tcp://nobody.invalid:9000", "--timeout", "2")
        self.assert_error(client, 1, "nobody.invalid:9000")

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6(self):
        server, port = self.listener("::1")
        client = self.connect(f"tcp://[::1]:{port}")
        peer = self.accept(server)
        client.out.wait_for(f"Connected to [::1]:{port}")
        peer.close()
        self.assert_end(client, 0, ["server disconnected"])

    def test_a_unix_domain_socket(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            path = f"{folder}/echo.sock"
            server.settimeout(DEADLINE_SECONDS)
            server.bind(path)
            server.listen()
            client = self.connect(f"unix:{path}")
            peer = self.accept(server)
            client.out.wait_for(f"Connected to unix:{path}")
            client.write(b"a")
            client.end_input()
            self.assertEqual(receive_all(peer), b"a")
            peer.sendall(ANSWER)
            peer.close()
            self.assert_end(client, 0, [ANSWERED])

    def test_a_unix_domain_socket_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            client = self.connect(f"unix:{folder}/nobody.sock")
            self.assert_error(client, 1, f"unix:{folder}/nobody.sock", "refused")

    def test_a_signal_ends_it_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                client, peer, _ = self.meet()
                client.write(b"a\n")
                self.assertEqual(peer.recv(100), b"a")
                self.assertEqual(client.stop(number), 128 + number)
                self.assertEqual(client.err.all(), [])
                peer.close()


if __name__ == "__main__":
    unittest.main()
