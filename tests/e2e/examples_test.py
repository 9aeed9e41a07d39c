"""The examples that talk: each server with each client, and their errors."""

import os
import socket
import subprocess
import tempfile
import unittest

from harness import BUILD, Case, receive_all, reset
from websocket import CLOSE, PING, PONG, TEXT, accept_websocket, frame, open_websocket, read_frame

EXAMPLES = BUILD / "examples"


class Examples(Case):
    def server(self, name, where):
        server = self.start(EXAMPLES / name, where)
        return int(server.out.wait(r"Bound to 127\.0\.0\.1:(\d+)")[0][1])

    def ask(self, name, where, line):
        return subprocess.run([EXAMPLES / name, where], input=line, capture_output=True, check=False, text=True,
                              timeout=30)

    def assert_echoes(self, client, where):
        result = self.ask(client, where, "hello, world\n")
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("hello, world\n", "", 0))

    def test_blocking_server_and_both_clients(self):
        port = self.server("blocking_server", "127.0.0.1:0")
        for _ in range(2):  # one after another
            self.assert_echoes("blocking_client", f"127.0.0.1:{port}")
            self.assert_echoes("tcp_client", f"tcp://127.0.0.1:{port}")

    def test_tcp_echo_and_both_clients(self):
        port = self.server("tcp_echo", "tcp://127.0.0.1:0")
        silent, _ = self.tcp(port)  # in nobody's way
        with silent:
            self.assert_echoes("blocking_client", f"127.0.0.1:{port}")
            self.assert_echoes("tcp_client", f"tcp://127.0.0.1:{port}")
            silent.sendall(b"now me")
            silent.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(silent), b"now me")

    def test_ws_echo_and_its_client(self):
        port = self.server("ws_echo", "tcp://127.0.0.1:0")
        for _ in range(2):
            self.assert_echoes("ws_client", f"ws://127.0.0.1:{port}/chat")

    def test_ws_chat(self):
        port = self.server("ws_chat", "tcp://127.0.0.1:0")
        members = []
        for name in ("ada", "bob", "eve"):
            peer, _ = self.tcp(port)
            open_websocket(peer, f"/?{name}")
            for other in members:
                self.assertEqual(read_frame(other), (TEXT, f"{name} is here".encode()))
            members.append(peer)
        ada, bob, eve = members
        ada.sendall(frame(TEXT, "hello, é".encode()))
        for other in (bob, eve):
            self.assertEqual(read_frame(other), (TEXT, "ada: hello, é".encode()))
        eve.close()
        for other in (ada, bob):
            self.assertEqual(read_frame(other), (TEXT, b"eve has gone"))

    def test_ws_stay_connected(self):
        listener, port = self.listener()
        client = self.start(EXAMPLES / "ws_stay_connected", f"ws://127.0.0.1:{port}/", "5")
        peer = self.accept(listener)
        accept_websocket(peer)
        self.assertEqual(read_frame(peer), (TEXT, b"1"))
        reset(peer)
        client.err.wait_for("connected")
        peer = self.accept(listener)  # and what was not confirmed comes again
        accept_websocket(peer)
        peer.sendall(frame(TEXT, b"go on", masked=False))
        counted = []
        while len(counted) < 5:
            opcode, payload = read_frame(peer)
            if opcode == PING:
                peer.sendall(frame(PONG, payload, masked=False))
            else:
                counted.append(payload)
        self.assertEqual(counted, [b"1", b"2", b"3", b"4", b"5"])
        opcode, payload = read_frame(peer)
        while opcode == PING:
            peer.sendall(frame(PONG, payload, masked=False))
            opcode, payload = read_frame(peer)
        self.assertEqual(opcode, CLOSE)
        peer.close()
        self.assertEqual(client.wait(), 0)
        self.assertEqual(client.out.all(), ["go on"])
        self.assertEqual(client.err.all()[0], "connected")

    def test_ws_file_server_and_its_client(self):
        for size in (0, 1, 65536, 10_000_001):
            with tempfile.NamedTemporaryFile() as file:
                file.write(os.urandom(1024) * (size // 1024) + b"x" * (size % 1024))
                file.flush()
                server = self.start(EXAMPLES / "ws_file_server", file.name, "tcp://127.0.0.1:0")
                port = int(server.out.wait(r"Bound to 127\.0\.0\.1:(\d+)")[0][1])
                got = subprocess.run([EXAMPLES / "ws_file_client", f"ws://127.0.0.1:{port}/"], capture_output=True,
                                     check=False, timeout=30)
                file.seek(0)
                self.assertEqual((got.returncode, got.stderr, got.stdout == file.read()), (0, b"", True), size)
                server.kill()

    def test_udp_echo(self):
        port = self.server("udp_echo", "127.0.0.1:0")
        peer, _ = self.udp(port)
        with peer:
            for datagram in (b"one", b"", bytes(range(256)) * 4):
                peer.send(datagram)
                self.assertEqual(peer.recv(65536), datagram)

    def test_errors_are_one_line(self):
        port = self.closed_port()
        for name, where, reason in (("blocking_client", f"127.0.0.1:{port}", "refused"),
                                    ("tcp_client", f"tcp://127.0.0.1:{port}", "refused"),
                                    ("ws_client", f"ws://127.0.0.1:{port}/", "refused"),
                                    ("ws_client", "http://127.0.0.1/", "address"),
                                    ("blocking_server", "nonsense", "address"),
                                    ("tcp_echo", "nonsense", "address"),
                                    ("ws_chat", "nonsense", "address"),
                                    ("ws_file_client", f"ws://127.0.0.1:{port}/", "refused"),
                                    ("ws_file_server", "/nowhere", "read"),
                                    ("udp_echo", "nonsense", "address")):
            result = self.ask(name, where, "x\n")
            self.assertEqual((result.returncode, result.stdout), (1, ""), name)
            self.assertRegex(result.stderr, rf"^{name}: .*{reason}.*\n\Z")


if __name__ == "__main__":
    unittest.main()
