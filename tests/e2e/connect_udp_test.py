"""`parley connect udp://...`: the client's table where datagrams have borders and nobody says goodbye."""

import signal
import socket
import subprocess
import unittest

from harness import ANSWER, DEADLINE_SECONDS, Case, has_ipv6

ANSWERED = "Received Echo from server from server"


class ConnectUdp(Case):
    def meet(self, *arguments, **options):
        """A client, and a UDP socket of the test's own that it talks to: (program, socket, port)."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.settimeout(DEADLINE_SECONDS)
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        client = self.connect(f"udp://127.0.0.1:{port}", *arguments, **options)
        client.out.wait_for(f"Connected to 127.0.0.1:{port}")
        return client, server, port

    def assert_end(self, client, code, lines):
        self.assertEqual((client.wait(), client.err.all()), (code, []))
        self.assertEqual(client.out.all()[1:], lines)

    def test_every_answer_is_printed_before_it_exits(self):
        server = self.serve(listen=("udp://127.0.0.1:0",))
        for text, count in [(b"a,b", 2), (b"a", 1), (b",\n", 2), (b"a,b\nc", 3), (b"1,2,3,4,5,6", 6)]:
            with self.subTest(text=text):
                client = self.run_parley("connect", f"udp://127.0.0.1:{server.udp_port}", text=text)
                self.assertEqual((client.code, client.err.all()), (0, []))
                self.assertEqual(client.out.all(), [f"Connected to 127.0.0.1:{server.udp_port}", *[ANSWERED] * count])
                self.assertLess(client.seconds, 5)  # it does not wait for more than it is owed
        self.stop(server)

    def test_a_service_that_answers_once(self):
        server = self.serve("echo", listen=("udp://127.0.0.1:0",))
        client = self.run_parley("connect", f"udp://127.0.0.1:{server.udp_port}", text=b"a,b,c\n")
        self.assertEqual((client.code, client.out.all()[1:]), (0, ["Received a,b,c from server"]))
        self.assertLess(client.seconds, 5)
        self.stop(server)

    def test_the_next_line_waits_for_the_answer(self):
        client, server, _ = self.meet()
        client.write(b"one\ntwo")
        client.end_input()
        for line in (b"one", b"two"):
            data, address = server.recvfrom(100)
            self.assertEqual(data, line)
            server.setblocking(False)
            with self.assertRaises(BlockingIOError):
                server.recv(100)
            server.settimeout(DEADLINE_SECONDS)
            server.sendto(ANSWER, address)
        self.assert_end(client, 0, [ANSWERED] * 2)

    def test_several_answers_arrive_one_by_one(self):
        client, server, _ = self.meet()
        client.write(b"a\n")
        _, address = server.recvfrom(100)
        for word in (b"1", b"2", b"\x1b[2J", b"\xff"):
            server.sendto(word, address)
        client.out.wait_for(r"Received \xff from server")
        client.end_input()
        self.assert_end(client, 0, [f"Received {text} from server" for text in ("1", "2", r"\x1b[2J", r"\xff")])

    def test_an_empty_line_ends(self):
        client, server, _ = self.meet()
        client.write(b"a\n\nnever sent\n")
        _, address = server.recvfrom(100)
        server.sendto(ANSWER, address)
        self.assert_end(client, 0, [ANSWERED])
        server.setblocking(False)
        with self.assertRaises(BlockingIOError):
            server.recv(100)

    def test_no_input_at_all(self):
        client, _, _ = self.meet(stdin=subprocess.DEVNULL)
        self.assert_end(client, 0, [])
        self.assertLess(client.seconds, 5)

    def test_an_answer_that_does_not_come(self):
        client, _, port = self.meet("--timeout", "0.3")
        client.write(b"a")
        client.end_input()
        self.assert_error(client, 1, f"127.0.0.1:{port}", "no answer within 0.3 s")
        self.assertGreaterEqual(client.seconds, 0.3)

    def test_nothing_listening(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", 0))
            port = holder.getsockname()[1]
        client = self.connect(f"udp://127.0.0.1:{port}")
        client.write(b"a\n")
        self.assert_error(client, 1, f"127.0.0.1:{port}", "connection refused")
        self.assertLess(client.seconds, 5)

    def test_a_line_that_no_datagram_can_hold(self):
        client, _, port = self.meet()
        client.write(b"x" * 70_000 + b"\n")
        self.assert_error(client, 1, f"127.0.0.1:{port}")

    def test_a_range_of_ports_can_not_be_tried(self):
        client = self.connect("udp://127.0.0.1:9000-9998")
        self.assert_error(client, 2, "udp://127.0.0.1:9000-9998")

    def test_a_signal_ends_it_at_once(self):
        client, server, _ = self.meet()
        client.write(b"a\n")
        server.recv(100)
        self.assertEqual(client.stop(signal.SIGINT), 130)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6(self):
        server = self.serve(listen=("udp://[::1]:0",))
        client = self.run_parley("connect", f"udp://[::1]:{server.udp_port}", text=b"a,b")
        self.assertEqual(client.code, 0)
        self.assertEqual(client.out.all(), [f"Connected to [::1]:{server.udp_port}", *[ANSWERED] * 2])
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
