"""`parley serve` over UDP: a datagram is a message, and each parameter gets a datagram of its own."""

import unittest

from harness import ANSWER, Case, has_ipv6

UDP = ("udp://127.0.0.1:0",)


class ReplyUdp(Case):
    def assert_nothing_more(self, peer):
        """After the server's end, all it sent lies in the peer's queue."""
        peer.setblocking(False)
        with self.assertRaises(BlockingIOError):
            print("one datagram too many:", peer.recv(65535))

    def test_each_parameter_gets_a_datagram(self):
        server = self.serve(listen=UDP)
        peer, name = self.udp(server.udp_port)
        expected = []
        for message, shown in [
                ("a", ["a"]), ("a,b", ["a", "b"]), ("a,", ["a", ""]), (",", ["", ""]), ("é,日本", ["é", "日本"]),
                (",".join(map(str, range(30))), list(map(str, range(30))))]:
            with self.subTest(message=message):
                peer.send(message.encode())
                self.assertEqual([peer.recv(65535) for _ in shown], [ANSWER] * len(shown))
                expected += [f"Received {text} from {name}" for text in shown]
        self.assertEqual(self.stop(server), [f"Bound to udp://127.0.0.1:{server.udp_port}", *expected, "Stopping"])
        self.assert_nothing_more(peer)

    def test_an_empty_datagram_has_no_parameters(self):
        server = self.serve(listen=UDP)
        peer, name = self.udp(server.udp_port)
        peer.send(b"")
        peer.send(b"a")
        self.assertEqual(peer.recv(65535), ANSWER)
        self.assertEqual(self.stop(server)[1:], [f"Received a from {name}", "Stopping"])
        self.assert_nothing_more(peer)

    def test_bytes_are_escaped(self):
        server = self.serve(listen=UDP)
        peer, name = self.udp(server.udp_port)
        for message, shown in [(b"\xff", r"\xff"), (b"\x1b[2J", r"\x1b[2J"), (b"a\n", r"a\x0a"),
                               ("\u202e".encode(), r"\u{202e}"), (b"\xc3", r"\xc3"), (b"\xa9", r"\xa9")]:
            peer.send(message)
            self.assertEqual(peer.recv(65535), ANSWER)
            server.out.wait_for(f"Received {shown} from {name}")
        for line in self.stop(server):
            self.assertTrue(line.isprintable(), line)

    def test_every_peer_gets_its_own_answers(self):
        server = self.serve(listen=UDP)
        peers = [self.udp(server.udp_port) for _ in range(100)]
        for number, (peer, _) in enumerate(peers):
            peer.send(b"peer,%d" % number)
        for number, (peer, name) in enumerate(peers):
            self.assertEqual([peer.recv(65535) for _ in range(2)], [ANSWER] * 2)
            server.out.wait_for(f"Received {number} from {name}")
        self.stop(server)
        for peer, _ in peers:
            self.assert_nothing_more(peer)

    def test_the_largest_datagram(self):
        server = self.serve(listen=UDP)
        peer, name = self.udp(server.udp_port)
        peer.send(b"x" * 65507)
        self.assertEqual(peer.recv(65535), ANSWER)
        server.out.wait_for(f"Received {'x' * 65507} from {name}")
        self.stop(server)

    def test_a_peer_that_has_gone_harms_nobody(self):
        server = self.serve(listen=UDP)
        for _ in range(20):
            gone, name = self.udp(server.udp_port)
            gone.send(b"a,b,c")
            gone.close()
            server.out.wait_for(f"Received c from {name}")
        peer, _ = self.udp(server.udp_port)
        peer.send(b"a")
        self.assertEqual(peer.recv(65535), ANSWER)
        self.stop(server)

    def test_echo_sends_each_datagram_back(self):
        server = self.serve("echo", listen=UDP)
        peer, _ = self.udp(server.udp_port)
        for message in (b"a,b", b"\xff\x00\x1b", b"x" * 9000, b"", b"z"):
            peer.send(message)
            self.assertEqual(peer.recv(65535), message)
        self.stop(server)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6(self):
        server = self.serve(listen=("udp://[::1]:0",))
        peer, name = self.udp(server.udp_port, "::1")
        peer.send(b"a")
        self.assertEqual(peer.recv(65535), ANSWER)
        server.out.wait_for(f"Received a from {name}")
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
