"""Without any address: the server takes the first free port of 9000-9998, the client the first that accepts.

The tests run in a network of their own where the system allows it. Where it does not, something else may be in the
range: each test therefore looks first which ports are free, and CTest runs nothing else on this range beside it.
"""

import signal
import socket
import unittest

from harness import ANSWER, PARLEY, Case, own_network, receive_all, receive_exactly, sanitized

PORTS = range(9000, 9999)
ISOLATED = False


def setUpModule():
    global ISOLATED
    ISOLATED = own_network()


def bound(kind, port, host="127.0.0.1"):
    """A socket bound to the port, or None."""
    holder = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what an earlier test left in TIME_WAIT is free
    try:
        holder.bind((host, port))
        return holder
    except OSError:
        holder.close()
        return None


def is_free(port):
    holders = [bound(kind, port) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    for holder in holders:
        if holder:
            holder.close()
    return all(holders)


class DefaultPorts(Case):
    def setUp(self):
        self.free = [port for port in PORTS if is_free(port)]
        if ISOLATED:
            self.assertEqual(self.free[0], 9000)

    def serve_default(self, port, *arguments):
        """`parley serve` without an address. It must say first that it is bound to `port`."""
        server = self.start(PARLEY, "serve", *arguments)
        server.out.wait(r"Bound to .*", count=5)
        ways = [f"Bound to {scheme}://127.0.0.1:{port}" for scheme in ("tcp", "udp", "ws", "http")]
        self.assertEqual(server.out.so_far(), [f"Bound to {port}", *ways])
        server.tcp_port = server.udp_port = port
        return server

    def occupy(self, kind, port, host="127.0.0.1"):
        holder = bound(kind, port, host)
        self.addCleanup(holder.close)
        if kind == socket.SOCK_STREAM:
            holder.listen()
        return holder

    def test_the_first_free_port_for_tcp_and_udp(self):
        server = self.serve_default(self.free[0])
        self.assert_answers(server)
        peer, name = self.udp(self.free[0])
        peer.send(b"u")
        self.assertEqual(peer.recv(100), ANSWER)
        server.out.wait_for(f"Received u from {name}")
        self.stop(server)

    def test_it_listens_on_loopback_only(self):
        server = self.serve_default(self.free[0])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", self.free[0]))
        self.stop(server)

    def test_servers_beside_each_other(self):
        for arguments in ([], ["--threads", "2"]):
            with self.subTest(arguments=arguments):
                servers = [self.serve_default(port, *arguments) for port in self.free[:3]]
                for server in servers:
                    self.assert_answers(server)
                for server in servers:
                    self.stop(server)

    def test_a_port_must_be_free_for_both(self):
        self.occupy(socket.SOCK_STREAM, self.free[0])
        self.occupy(socket.SOCK_DGRAM, self.free[1])
        self.occupy(socket.SOCK_STREAM, self.free[2], "0.0.0.0")
        self.occupy(socket.SOCK_DGRAM, self.free[3], "0.0.0.0")
        server = self.serve_default(self.free[4])
        self.assert_answers(server)
        self.stop(server)

    def test_no_free_port(self):
        for number, port in enumerate(self.free):
            self.occupy(socket.SOCK_DGRAM if number % 2 else socket.SOCK_STREAM, port)
        server = self.start(PARLEY, "serve")
        self.assert_error(server, 1, "127.0.0.1:9000-9998", "no free port")
        self.assertEqual(server.out.all(), [])

    def test_a_restart_gets_the_same_port(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                server = self.serve_default(self.free[0])
                peer, _ = self.tcp(self.free[0])
                peer.sendall(b"a")
                self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
                server.stop(number)  # the server's end closes first and stays in TIME_WAIT
                self.assertEqual(receive_all(peer), b"")
                peer.close()
        server = self.serve_default(self.free[0])
        self.assert_answers(server)
        self.stop(server)

    def test_the_client_takes_the_first_that_accepts(self):
        if not ISOLATED:
            self.skipTest("another server of this machine might be the first")
        self.occupy(socket.SOCK_STREAM, 9001).listen()
        with bound(socket.SOCK_STREAM, 9000):  # bound and not listening: refused
            client = self.connect()
            client.out.wait_for("Connected to 127.0.0.1:9001")
            client.kill()

    def test_the_client_reaches_the_last_port_of_the_range(self):
        if not ISOLATED:
            self.skipTest("another server of this machine might be the first")
        self.occupy(socket.SOCK_STREAM, 9998)
        client = self.connect()
        client.out.wait_for("Connected to 127.0.0.1:9998")
        if not sanitized():
            self.assertLess(client.cpu_seconds(), 0.5)
        client.kill()

    def test_the_client_tries_a_given_range(self):
        port = self.free[1]
        server = self.serve(listen=(f"tcp://127.0.0.1:{port}",))
        with bound(socket.SOCK_STREAM, self.free[0]):
            client = self.run_parley("connect", f"tcp://127.0.0.1:{self.free[0]}-{port}", text=b"a")
        if port == self.free[0] + 1:
            self.assertEqual((client.code, client.out.all()[0]), (0, f"Connected to 127.0.0.1:{port}"))
        self.stop(server)

    def test_nothing_listening_in_the_whole_range(self):
        if not ISOLATED:
            self.skipTest("another server of this machine might listen")
        client = self.connect()
        self.assert_error(client, 1, "127.0.0.1:9000-9998", "connection refused")
        self.assertEqual(client.out.all(), [])
        self.assertLess(client.seconds, 5)

    def test_both_without_an_address(self):
        if not ISOLATED:
            self.skipTest("another server of this machine might be the first")
        server = self.serve_default(9000)
        client = self.run_parley("connect", text=b"a,b")
        self.assertEqual((client.code, client.out.all()[0]), (0, "Connected to 127.0.0.1:9000"))
        self.assertEqual("".join(client.out.all()).count("Echo from server"), 2)
        client = self.run_parley("connect", "udp://127.0.0.1:9000", text=b"a,b")
        self.assertEqual((client.code, len(client.out.all())), (0, 3))
        self.stop(server)

    def test_listen_to_a_range(self):
        self.occupy(socket.SOCK_STREAM, self.free[0])
        first, last = self.free[0], self.free[1]
        server = self.serve(listen=(f"tcp://127.0.0.1:{first}-{last}",))
        self.assertEqual(server.urls, [f"tcp://127.0.0.1:{last}"])
        second = self.start(PARLEY, "serve", "--listen", f"tcp://127.0.0.1:{first}-{last}")
        self.assert_error(second, 1, f"tcp://127.0.0.1:{first}-{last}", "no free port")
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
