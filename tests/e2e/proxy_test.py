"""`parley connect --proxy`: through a proxy that this test is, as it would stand between any two."""

import socket
import threading
import unittest

from harness import Case


class Proxy(Case):
    def read_head(self, peer):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = peer.recv(4096)
            self.assertTrue(more, head)
            head += more
        return head

    def pass_on(self, source, target):
        """Until the source has finished."""
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            target.sendall(data)
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def through(self, scheme, open_way):
        server = self.serve("echo", "--quiet", listen=("any://127.0.0.1:0",))
        listener, port = self.listener()
        client = self.connect("ws://server.example:81/", "--proxy", f"{scheme}://me:it%40s@127.0.0.1:{port}")
        peer = self.accept(listener)
        open_way(peer)
        with socket.create_connection(("127.0.0.1", server.tcp_port)) as onward:
            ways = [threading.Thread(target=self.pass_on, args=ends) for ends in ((peer, onward), (onward, peer))]
            for way in ways:
                way.start()
            client.out.wait_for("Connected to ws://server.example:81/")
            client.write(b"hello\n")
            client.end_input()
            self.assertEqual(client.wait(), 0)
            for way in ways:
                way.join()
        self.assertIn("Received hello from server", client.out.all())
        self.stop(server)

    def test_http(self):
        def open_way(peer):
            self.assertEqual(self.read_head(peer), b"CONNECT server.example:81 HTTP/1.1\r\nHost: server.example:81\r\n"
                                                   b"Proxy-Authorization: Basic bWU6aXRAcw==\r\n\r\n")
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.through("http", open_way)

    def test_socks5(self):
        def open_way(peer):
            for heard, said in ((b"\5\2\0\2", b"\5\2"), (b"\1\2me\4it@s", b"\1\0"),
                                (b"\5\1\0\3\x0eserver.example\0\x51", b"\5\0\0\1\x7f\0\0\1\0\0")):
                data = b""
                while len(data) < len(heard):
                    data += peer.recv(len(heard) - len(data))
                self.assertEqual(data, heard)
                peer.sendall(said)
        self.through("socks5", open_way)

    def test_refusals(self):
        listener, port = self.listener()
        for scheme, answer, words in (("http", b"HTTP/1.1 407 x\r\n\r\n", "the proxy answered 407"),
                                      ("http", b"SSH-2.0\r\n", "the proxy: "),
                                      ("socks5", b"\5\xff", "the proxy: permission denied"),
                                      ("socks5", b"\5\0\5\5\0\1\0\0\0\0\0\0", "the proxy: connection refused")):
            with self.subTest(answer=answer):
                client = self.connect("ws://server.example/", "--proxy", f"{scheme}://127.0.0.1:{port}")
                peer = self.accept(listener)
                peer.recv(4096)
                peer.sendall(answer)
                self.assert_error(client, 1, "ws://server.example/", words)
        client = self.connect("ws://server.example/", "--proxy", f"http://127.0.0.1:{self.closed_port()}")
        self.assert_error(client, 1, "the proxy: connection refused")

    def test_wrong_usage(self):
        for arguments, word in ((["ws://a/", "--proxy", "a:80"], "--proxy"),
                                (["ws://a/", "--proxy", "http://"], "--proxy"),
                                (["ws://a/", "--proxy", "http://a:b"], "ws://a/"),
                                (["tcp://a:1", "--proxy", "http://a"], "--proxy")):
            with self.subTest(arguments=arguments):
                self.assert_error(self.run_parley("connect", *arguments), 2, word)


if __name__ == "__main__":
    unittest.main()
