"""Clients that break things. The server survives each, serves others meanwhile, and everything is freed afterwards."""

import random
import resource
import signal
import socket
import unittest

from harness import ANSWER, DEADLINE_SECONDS, Case, receive_all, receive_exactly, reset, sanitized

MIB = 1 << 20
KEPT_BYTES_MAX = 16 * MIB      # more than before, once a fault is over: free receive buffers, the allocator's own
AT_WORK_BYTES_MAX = 16 * MIB   # more than before, while a client does its worst


class Faults(Case):
    def serve(self, *arguments, **options):
        """A server, a client that stays connected and can ask at any time, and what the server held then."""
        server = super().serve(*arguments, **options)
        server.probe, _ = self.tcp(server.tcp_port)
        for peer, name in [self.tcp(server.tcp_port) for _ in range(10)]:
            peer.sendall(b"a")
            peer.close()
        self.probe(server, times=100)
        server.descriptors_before = server.descriptors()
        server.resident_before = server.resident_bytes()
        return server

    def probe(self, server, times=1):
        """Another client is served meanwhile."""
        for _ in range(times):
            server.probe.sendall(ANSWER)  # the same as its answer: both services give it back
            self.assertEqual(receive_exactly(server.probe, len(ANSWER)), ANSWER)

    def grown_bytes(self, server):
        return 0 if sanitized() else server.resident_bytes() - server.resident_before

    def assert_recovered(self, server):
        """It answers old and new clients, its descriptors are closed and its memory is given back."""
        for _ in range(200):
            self.probe(server)
            if server.descriptors() == server.descriptors_before:
                break
        self.assertEqual(server.descriptors(), server.descriptors_before)
        self.assertLess(self.grown_bytes(server), KEPT_BYTES_MAX)
        peer, _ = self.tcp(server.tcp_port)
        peer.sendall(ANSWER)
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        return self.stop(server)

    def deaf_client(self, server):
        """A client with a small window that will never read."""
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", server.tcp_port))
        peer.setblocking(False)
        return peer

    # --- how clients end

    def test_resets_in_mid_message(self):
        server = self.serve()
        for _ in range(20):
            peers = [self.tcp(server.tcp_port) for _ in range(10)]
            for peer, _ in peers:
                peer.sendall(b"the beginning of,\xe2\x82")
            for peer, _ in peers:
                reset(peer)
            for _, name in peers:
                server.out.wait_for(f"{name} disconnected")
        self.assert_recovered(server)

    def test_half_closes(self):
        server = self.serve()
        peers = [self.tcp(server.tcp_port) for _ in range(100)]
        for peer, _ in peers:
            peer.sendall(b"a,b")
            peer.shutdown(socket.SHUT_WR)
        for peer, _ in peers:
            self.assertEqual(receive_all(peer), ANSWER * 2)
            peer.close()
        self.assert_recovered(server)

    def test_clients_that_come_and_go(self):
        server = self.serve()
        for _ in range(500):
            self.tcp(server.tcp_port)[0].close()
        self.assert_recovered(server)

    # --- what clients send

    def test_a_byte_at_a_time(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        text = "añ€😀" * 300
        for byte in text.encode():
            peer.send(bytes([byte]))
        peer.shutdown(socket.SHUT_WR)
        answers = receive_all(peer)
        self.assertEqual(answers, ANSWER * (len(answers) // len(ANSWER)))
        self.assertTrue(1 <= len(answers) // len(ANSWER) <= len(text))
        server.out.wait_for(f"{name} disconnected")
        shown = [line.removeprefix("Received ").removesuffix(f" from {name}")
                 for line in server.out.so_far() if line.startswith("Received ") and line.endswith(name)]
        self.assertEqual("".join(shown), text)
        peer.close()
        self.assert_recovered(server)

    def test_rubbish(self):
        server = self.serve()
        seeded = random.Random(9000)
        for _ in range(30):
            peer, name = self.tcp(server.tcp_port)
            peer.sendall(seeded.randbytes(10_000))
            peer.shutdown(socket.SHUT_WR)
            answers = receive_all(peer)
            self.assertEqual(answers, ANSWER * (len(answers) // len(ANSWER)))
            peer.close()
            server.out.wait_for(f"{name} disconnected")
        for line in self.assert_recovered(server):
            self.assertTrue(all(c >= " " and not "\x7f" <= c < "\xa0" for c in line), line)

    def test_rubbish_in_datagrams(self):
        server = self.serve(listen=("tcp://127.0.0.1:0", "udp://127.0.0.1:0"))
        seeded = random.Random(9000)
        peer, name = self.udp(server.udp_port)
        for number in range(200):
            peer.send(seeded.randbytes(1000).replace(b",", b"."))
            self.assertEqual(peer.recv(100), ANSWER)
        self.assert_recovered(server)

    def test_a_flood_of_datagrams_that_nobody_reads(self):
        server = self.serve("--quiet", listen=("tcp://127.0.0.1:0", "udp://127.0.0.1:0"))
        flood, _ = self.udp(server.udp_port)
        for number in range(20_000):
            flood.send(b"a,b,c")
            if number % 1000 == 0:
                self.probe(server)
        self.assertLess(self.grown_bytes(server), AT_WORK_BYTES_MAX)
        flood.close()
        self.assertEqual(self.ask_until_answered(server), ANSWER)
        self.assert_recovered(server)

    def ask_until_answered(self, server):
        """A datagram may be lost while the server's queue is full of others."""
        peer, _ = self.udp(server.udp_port)
        peer.settimeout(0.2)
        for _ in range(5 * DEADLINE_SECONDS):
            peer.send(b"a")
            try:
                return peer.recv(100)
            except TimeoutError:
                pass
        return b""

    def test_ten_mebibytes_without_a_separator(self):
        server = self.serve()
        peer, name = self.tcp(server.tcp_port)
        for _ in range(10):
            peer.sendall(b"x" * MIB)
            self.probe(server)
            self.assertLess(self.grown_bytes(server), AT_WORK_BYTES_MAX)
        peer.shutdown(socket.SHUT_WR)
        answers = receive_all(peer)
        self.assertEqual(answers, ANSWER * (len(answers) // len(ANSWER)))
        self.assertGreaterEqual(len(answers), len(ANSWER))
        server.out.wait_for(f"{name} disconnected")
        peer.close()
        self.assert_recovered(server)
        self.assertEqual(sum(line.count("x") for line in server.out.all() if line.endswith(name)), 10 * MIB)

    # --- clients that do not read

    def test_a_client_that_never_reads(self):
        for service, text in [("reply", b"a," * 8192), ("echo", b"x" * 16384)]:
            with self.subTest(service=service):
                server = self.serve(service, "--quiet")
                deaf = self.deaf_client(server)
                full = sent = 0
                while full < 500 and sent < 256 * MIB:  # full for good: what is sent must not gather in the server
                    try:
                        sent += deaf.send(text)
                        full = 0
                    except BlockingIOError:
                        full += 1
                        self.probe(server)
                self.assertEqual(full, 500, f"the server took in {sent} bytes of a client that never reads")
                self.assertLess(self.grown_bytes(server), AT_WORK_BYTES_MAX)
                deaf.close()
                self.assert_recovered(server)

    def test_many_clients_that_never_read(self):
        server = self.serve("echo", "--quiet")
        deaf = [self.deaf_client(server) for _ in range(50)]
        for _ in range(200):
            for peer in deaf:
                try:
                    peer.send(b"x" * 65536)
                except BlockingIOError:
                    pass
            self.probe(server)
        self.assertLess(self.grown_bytes(server), AT_WORK_BYTES_MAX + 50 * MIB // 4)
        for peer in deaf:
            reset(peer)
        self.assert_recovered(server)

    # --- descriptors

    def test_descriptors_run_out(self):
        for extra in ([], ["--threads", "2"]):
            with self.subTest(extra=extra):
                server = super().serve(*extra, limits=[(resource.RLIMIT_NOFILE, 40)])
                served, _ = self.tcp(server.tcp_port)
                served.sendall(b"a")
                self.assertEqual(receive_exactly(served, len(ANSWER)), ANSWER)
                crowd = [self.tcp(server.tcp_port)[0] for _ in range(50)]
                server.err.wait(r"parley: accepting paused: .*")
                late = [self.tcp(server.tcp_port)[0] for _ in range(10)]
                self.assert_pauses_quietly(server, served, late[-1])
                for peer in crowd:
                    peer.close()
                for peer in late:
                    peer.sendall(b"a")
                    self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
                server.err.wait_for("parley: accepting resumed")
                for peer in late:
                    peer.close()
                self.assert_answers(server)
                self.assertEqual(server.stop(signal.SIGTERM), 0)
                complaints = server.err.all()
                for line in complaints:
                    self.assertRegex(line, r"parley: accepting (paused: .*|resumed)")
                self.assertLessEqual(len(complaints), 8)

    def assert_pauses_quietly(self, server, served, waiting):
        """The accepted are served, the last one waits, and waiting costs next to no time of the processor."""
        served.sendall(b"a")
        self.assertEqual(receive_exactly(served, len(ANSWER)), ANSWER)
        before = server.cpu_seconds()
        waiting.settimeout(1)
        with self.assertRaises(TimeoutError):
            waiting.recv(1)
        waiting.settimeout(DEADLINE_SECONDS)
        self.assertLess(server.cpu_seconds() - before, 0.5)


if __name__ == "__main__":
    unittest.main()
