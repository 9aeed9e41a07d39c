"""SIGINT and SIGTERM: accepting stops, what is being answered finishes within --drain, the exit code is 0."""

import signal
import socket
import time
import unittest

from harness import Case, DEADLINE_SECONDS, printed, receive_all, receive_exactly

TEXT = "x" * 100_000
PARAMETERS = 120  # 12 MB of answers: more than the kernel holds for a client that does not read


class Drain(Case):
    def serve_large_answers(self, *arguments):
        return self.serve("--text", TEXT, *arguments)

    def busy_client(self, server):
        """A client whose answers are on their way: the server can't finish until it reads."""
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE_SECONDS)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", server.tcp_port))
        peer.sendall(b"," * (PARAMETERS - 1))
        server.out.wait_for(f"Received  from {printed(peer.getsockname())}")
        return peer

    def read_on(self, peer):
        """Everything that was sent to a busy client."""
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return len(receive_all(peer))

    def assert_refused(self, server):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.tcp_port))

    def test_what_is_being_answered_finishes(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for extra in ([], ["--threads", "2"]):
                with self.subTest(signal=number, extra=extra):
                    server = self.serve_large_answers("--drain", "60", *extra)
                    idle, idle_name = self.tcp(server.tcp_port)
                    server.out.wait_for(f"Connected by {idle_name}")
                    busy = self.busy_client(server)
                    name = printed(busy.getsockname())
                    server.send_signal(number)
                    server.out.wait_for("Stopping")
                    self.assertEqual(idle.recv(100), b"")
                    server.out.wait_for(f"{idle_name} disconnected")
                    self.assert_refused(server)
                    self.assertEqual(self.read_on(busy), PARAMETERS * len(TEXT))
                    busy.close()
                    self.assertEqual((server.wait(), server.err.all()), (0, []))
                    self.assertEqual(server.out.all()[-1], f"{name} disconnected")

    def test_answers_are_whole_although_the_client_went_on_sending(self):
        server = self.serve_large_answers("--drain", "60")
        busy = self.busy_client(server)
        busy.sendall(b",more,and,more" * 100)  # the server does not read on while its answers wait
        server.send_signal(signal.SIGTERM)
        server.out.wait_for("Stopping")
        size = self.read_on(busy)  # an end and no reset
        self.assertGreaterEqual(size, PARAMETERS * len(TEXT))
        self.assertEqual(size % len(TEXT), 0)
        busy.close()
        self.assertEqual((server.wait(), server.err.all()), (0, []))

    def test_the_drain_time_is_a_limit(self):
        for limit in (0, 0.5):
            with self.subTest(limit=limit):
                server = self.serve_large_answers("--drain", str(limit))
                busy = self.busy_client(server)  # which never reads
                started = time.monotonic()
                server.send_signal(signal.SIGTERM)
                self.assertEqual((server.wait(), server.err.all()), (0, []))
                self.assertGreaterEqual(time.monotonic() - started, limit)
                self.assertLess(time.monotonic() - started, limit + 4)
                busy.close()

    def test_idle_connections_do_not_hold_it_up(self):
        server = self.serve("--drain", "60", listen=("tcp://127.0.0.1:0", "udp://127.0.0.1:0"))
        peers = [self.tcp(server.tcp_port) for _ in range(10)]
        for peer, name in peers:
            peer.sendall(b"a")
            receive_exactly(peer, 16)
        self.stop(server)
        for peer, name in peers:
            self.assertEqual(receive_all(peer), b"")
            self.assertIn(f"{name} disconnected", server.out.all())

    def test_a_second_signal_ends_at_once(self):
        for first, second in [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM),
                              (signal.SIGTERM, signal.SIGINT)]:
            with self.subTest(first=first, second=second):
                server = self.serve_large_answers("--drain", "60")
                self.busy_client(server)
                server.send_signal(first)
                server.out.wait_for("Stopping")
                server.send_signal(second)
                self.assertEqual((server.wait(), server.err.all()), (128 + second, []))

    def test_nobody_is_connected(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                server = self.serve(listen=("tcp://127.0.0.1:0", "udp://127.0.0.1:0"))
                self.assertEqual(self.stop(server, number)[2:], ["Stopping"])
                self.assert_refused(server)
                peer, _ = self.udp(server.udp_port)
                peer.send(b"a")
                with self.assertRaises(ConnectionRefusedError):
                    peer.recv(100)


if __name__ == "__main__":
    unittest.main()
