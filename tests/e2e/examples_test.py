"""The examples that talk: each server with each client, and their errors."""

import socket
import subprocess
import unittest

from harness import BUILD, Case, receive_all

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
                                    ("udp_echo", "nonsense", "address")):
            result = self.ask(name, where, "x\n")
            self.assertEqual((result.returncode, result.stdout), (1, ""), name)
            self.assertRegex(result.stderr, rf"^{name}: .*{reason}.*\n\Z")


if __name__ == "__main__":
    unittest.main()
