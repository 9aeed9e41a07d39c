"""Parley and programs that know nothing of it (peers.py: `socket`, threads, blocking calls) talk to each other."""

import pathlib
import subprocess
import sys
import unittest

from harness import ANSWER, Case

PEERS = pathlib.Path(__file__).with_name("peers.py")
ANSWERED = "Received Echo from server from server"


class Interop(Case):
    def python(self, *arguments, **options):
        return self.start(sys.executable, PEERS, *arguments, **options)

    def python_server(self, protocol):
        server = self.python("server", protocol, "0")
        return server, int(server.out.wait(r"Bound to (\d+)")[0][1])

    def python_client(self, protocol, port, text):
        client = self.python("client", protocol, port, stdin=subprocess.PIPE)
        client.write(text)
        client.end_input()
        self.assertEqual((client.wait(), client.err.all()), (0, []))
        return client.out.all()

    def received(self, server):
        """What a server, of either kind, printed to have received."""
        return [line.removeprefix("Received ").rsplit(" from ", 1)[0]
                for line in server.out.so_far() if line.startswith("Received ")]

    def test_python_client_parley_server_tcp(self):
        server = self.serve()
        lines = self.python_client("tcp", server.tcp_port, "a,b\né,,日本\nlast".encode())
        self.assertEqual(lines[0], f"Connected to 127.0.0.1:{server.tcp_port}")
        self.assertEqual("".join(lines[1:]).count(ANSWER.decode()), 6)
        self.stop(server)
        self.assertEqual(self.received(server), ["a", "b", "é", "", "日本", "last"])

    def test_python_client_parley_server_udp(self):
        server = self.serve(listen=("udp://127.0.0.1:0",))
        lines = self.python_client("udp", server.udp_port, "a,b\né,,日本\nlast".encode())
        self.assertEqual(lines, [ANSWERED] * 6)
        self.stop(server)
        self.assertEqual(self.received(server), ["a", "b", "é", "", "日本", "last"])

    def test_parley_client_python_server_tcp(self):
        server, port = self.python_server("tcp")
        client = self.run_parley("connect", f"tcp://127.0.0.1:{port}", text="a\né\nlast,one".encode())
        self.assertEqual((client.code, client.err.all()), (0, []))
        self.assertEqual(client.out.all()[0], f"Connected to 127.0.0.1:{port}")
        self.assertEqual("".join(client.out.all()[1:]).count(ANSWER.decode()), 4)
        server.out.wait(r"127.0.0.1:\d+ disconnected")
        self.assertEqual(self.received(server), ["a", "é", "last", "one"])

    def test_parley_client_python_server_udp(self):
        server, port = self.python_server("udp")
        client = self.run_parley("connect", f"udp://127.0.0.1:{port}", text="a,b\né,,日本\nlast".encode())
        self.assertEqual((client.code, client.err.all()), (0, []))
        self.assertEqual(client.out.all(), [f"Connected to 127.0.0.1:{port}", *[ANSWERED] * 6])
        self.assertEqual(self.received(server), ["a", "b", "é", "", "日本", "last"])

    def test_both_kinds_of_client_at_once(self):
        server = self.serve(listen=("tcp://127.0.0.1:0", "udp://127.0.0.1:0"))
        clients = []
        for protocol, port in [("tcp", server.tcp_port), ("udp", server.udp_port)] * 3:
            python = self.python("client", protocol, port, stdin=subprocess.PIPE)
            parley = self.connect(f"{protocol}://127.0.0.1:{port}")
            clients += [python, parley]
        for client in clients:
            client.write(b"a\nb\nc,d\n")
        for client in clients:
            client.end_input()
            self.assertEqual((client.wait(), client.err.all()), (0, []))
            self.assertEqual("".join(client.out.all()).count(ANSWER.decode()), 4)
        self.stop(server)

    def test_the_python_server_goes(self):
        server, port = self.python_server("tcp")
        client = self.connect(f"tcp://127.0.0.1:{port}")
        client.write(b"a\n")
        client.out.wait_for(ANSWERED)
        server.kill()
        self.assertEqual(client.wait(), 0)
        self.assertEqual(client.out.all()[-1], "server disconnected")

    def test_the_python_peers_among_themselves(self):
        for protocol in ("tcp", "udp"):
            with self.subTest(protocol=protocol):
                server, port = self.python_server(protocol)
                lines = self.python_client(protocol, port, b"a,b\nc")
                self.assertEqual("".join(lines).count(ANSWER.decode()), 3)
                self.assertEqual(self.received(server), ["a", "b", "c"])


if __name__ == "__main__":
    unittest.main()
